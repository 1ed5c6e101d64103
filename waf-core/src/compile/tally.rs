//! What the operator should know about a rule set that loads.

use super::lower::is_inexact;
use super::plans::Draft;
use crate::policy::PolicySettings;
use crate::rule::{
    Exclusion, ExclusionScope, LinkOperator, Phase, Rule, Selector, Target, TargetKind,
};
use crate::ruleset::RuleSet;
use crate::source::Report;

/// Days before an exclusion's end in which loading warns.
const EXPIRY_NOTICE: i64 = 14;

/// Rules that are exact only within `field_window` on bodies: one warning that lists them.
pub(super) fn inexact(ruleset: &RuleSet) -> Vec<Report> {
    let names: Vec<&str> = ruleset
        .rules()
        .filter(|rule| {
            rule.expression.conditions().iter().any(|condition| {
                let body = condition
                    .targets
                    .iter()
                    .filter(|target| target.kind == TargetKind::Include)
                    .flat_map(|target| target.variable.collections())
                    .any(|&collection| Phase::of(collection) == Phase::RequestBody);
                body && is_inexact(&condition.transformations, &condition.operator)
            })
        })
        .map(|rule| rule.id.as_str())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let message = format!(
        "{} rules look only at the first `limits.field_window` bytes of a longer body field",
        names.len()
    );
    let help = format!(
        "they use normalize_path, detect_sqli or detect_xss, which need the whole value; \
         records name such fields in coverage.inexact: {}",
        names.join(", ")
    );
    vec![Report { help: Some(help), ..Report::warning(None, message) }]
}

/// SecLang rules for whose sake a body beyond the hold is decided at its end only.
pub(super) fn hindering(ruleset: &RuleSet) -> Vec<Report> {
    let hindering = ruleset.program.hindering.iter().map(|&ordinal| {
        let rule = &ruleset.rules[ruleset.program.rules[ordinal as usize].rule.index()].rule;
        let message =
            format!("for rule `{}` no body beyond `body.hold` is refused before its end", rule.id);
        Report::warning(Some(rule.span.clone()), message).help(
            "it can lower a score, skip or take away rules, or ask for an exact number, by what \
             stands in the body: only the end of the body tells; the last byte waits for it",
        )
    });
    hindering.collect()
}

/// Rules with patterns that no automaton can do: one warning that lists them.
pub(super) fn backtracking(ruleset: &RuleSet) -> Vec<Report> {
    let backtracks = |rule: &&Rule| {
        rule.chain.as_ref().is_some_and(|chain| {
            chain.links.iter().any(|link| matches!(link.operator, LinkOperator::Backtrack(_)))
        })
    };
    let names: Vec<&str> =
        ruleset.rules().filter(backtracks).map(|rule| rule.id.as_str()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let message = format!("{} rules have patterns that need backtracking", names.len());
    let help = format!(
        "they run value by value, with a limit on their steps that counts as a match when it is \
         spent; records say so in coverage.inexact: {}",
        names.join(", ")
    );
    vec![Report { help: Some(help), ..Report::warning(None, message) }]
}

/// Exclusions that name nothing, have ended or end soon.
pub(super) fn exclusions(ruleset: &RuleSet, draft: &Draft) -> Vec<Report> {
    let settings = &draft.settings;
    let mut warnings = shadowed(settings);
    for exclusion in &settings.exclusions {
        let span = Some(exclusion.span.clone());
        let names_a_rule = ruleset.rules().any(|rule| super::plans::covers(&exclusion.scope, rule));
        if !names_a_rule {
            let what = match &exclusion.scope {
                ExclusionScope::Rule(id) => format!("rule `{id}`"),
                ExclusionScope::Range(first, last) => format!("rules {first}-{last}"),
                ExclusionScope::Tag(tag) => format!("a rule with the tag `{tag}`"),
            };
            let report = Report::warning(span.clone(), format!("no loaded rule is {what}"));
            warnings.push(report.help("`pinpoint rules list` names every loaded rule"));
        }
        let left = exclusion.expires.days() - settings.today;
        if left < 0 {
            let message = format!("this exclusion ended on {}", exclusion.expires);
            warnings.push(
                Report::warning(span, message).help("take it away, or give it a new last day"),
            );
        } else if left <= EXPIRY_NOTICE {
            let message = format!("this exclusion ends in {left} days, on {}", exclusion.expires);
            warnings.push(Report::warning(span, message).help(format!("ask {}", exclusion.owner)));
        }
    }
    warnings
}

/// Exclusions that change nothing, because another one covers them.
fn shadowed(settings: &PolicySettings) -> Vec<Report> {
    let in_force = |exclusion: &&Exclusion| exclusion.is_in_force(settings.today);
    let exclusions: Vec<&Exclusion> = settings.exclusions.iter().filter(in_force).collect();
    let mut warnings = Vec::new();
    for (at, exclusion) in exclusions.iter().enumerate() {
        let others = exclusions.iter().enumerate().filter(|(other, _)| *other != at);
        // Of two that cover each other the second is one too many.
        let mut wider = others.filter(|(other, wide)| {
            is_covered(exclusion, wide) && (*other < at || !is_covered(wide, exclusion))
        });
        if let Some((_, wide)) = wider.next() {
            let span = Some(exclusion.span.clone());
            warnings.push(
                Report::warning(span, "another exclusion covers this one")
                    .related(wide.span.clone(), "covers it")
                    .help("take one of them away: the narrower, unless the wider was a mistake"),
            );
        }
    }
    warnings
}

/// Whether everything that `narrow` takes away is taken away by `wide` too, as they are written.
fn is_covered(narrow: &Exclusion, wide: &Exclusion) -> bool {
    let rules = match (&narrow.scope, &wide.scope) {
        (ExclusionScope::Rule(id), ExclusionScope::Range(first, last)) => {
            id.parse().is_ok_and(|id: u64| (*first..=*last).contains(&id))
        }
        (ExclusionScope::Range(first, last), ExclusionScope::Range(from, to)) => {
            from <= first && last <= to
        }
        (narrow, wide) => narrow == wide,
    };
    let names = |target: &Target| {
        wide.targets.iter().any(|known| {
            let selector = known.selector == Selector::All || known.selector == target.selector;
            let collections = known.variable.collections();
            selector && target.variable.collections().iter().all(|one| collections.contains(one))
        })
    };
    let targets =
        wide.targets.is_empty() || (!narrow.targets.is_empty() && narrow.targets.iter().all(names));
    let paths = match (&narrow.path, &wide.path) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(narrow), Some(wide)) => narrow.is_within(wide),
    };
    let methods = wide.methods.is_empty()
        || (!narrow.methods.is_empty()
            && narrow.methods.iter().all(|method| wide.methods.contains(method)));
    let characters = match (narrow.characters, wide.characters) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(narrow), Some(wide)) => narrow.iter().all(|byte| wide.contains(byte)),
    };
    rules && targets && paths && methods && characters && narrow.expires <= wide.expires
}
