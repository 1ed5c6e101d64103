//! What the operator should know about a rule set that loads.

use super::lower::is_inexact;
use super::plans::Draft;
use crate::rule::{ExclusionScope, LinkOperator, Phase, Rule, TargetKind};
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
    let mut warnings = Vec::new();
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
