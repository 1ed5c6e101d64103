//! Directives that change or remove the rules before them.

use regex_automata::{meta, util::syntax};

use super::super::action::ActionKind;
use super::super::complaints::Complaints;
use super::super::ctl::RuleSet;
use super::super::macro_text::MacroText;
use super::super::regex::Regex;
use super::super::statement::Link;
use super::super::target::Target;
use super::super::update::{UpdateActions, UpdateTargets};
use super::LoadedRule;
use super::rule::{message, tags};
use crate::source::Report;

/// Removes rules; a chain goes with its head.
pub(super) fn remove(rules: &mut Vec<LoadedRule>, which: &RuleSet, complaints: &mut Complaints) {
    if let Some(meant) = Meant::of(which, complaints) {
        rules.retain(|rule| !meant.covers(rule));
    }
}

/// Adds targets to every link of the rules, or puts them in the place of others. Where there are no
/// such others, nothing is changed (as in ModSecurity 2).
pub(super) fn targets(
    rules: &mut [LoadedRule],
    change: &UpdateTargets,
    complaints: &mut Complaints,
) {
    let Some(meant) = Meant::of(&change.rules, complaints) else { return };
    let links = rules.iter_mut().filter(|rule| meant.covers(rule)).flat_map(|rule| &mut rule.links);
    // `SecAction` looks at nothing.
    for link in links.filter(|link| !link.targets.is_empty()) {
        let before = link.targets.len();
        link.targets.retain(|target| !change.replaced.iter().any(|old| is_same(old, target)));
        if change.replaced.is_empty() || link.targets.len() < before {
            link.targets.extend(change.targets.iter().cloned());
        }
    }
}

/// Adds actions to a rule: of those that may stand once, the last counts.
pub(super) fn actions(
    rules: &mut [LoadedRule],
    change: &UpdateActions,
    complaints: &mut Complaints,
) {
    for action in &change.actions {
        let fixed =
            matches!(action.kind, ActionKind::Id(_) | ActionKind::Phase(_) | ActionKind::Chain);
        if fixed {
            let message = "the id, the phase and the chain of a rule cannot be changed";
            complaints.push(Report::error(Some(action.span.clone()), message));
            return;
        }
    }
    let is_it = |rule: &&mut LoadedRule| rule.links.first().and_then(Link::id) == Some(change.id);
    if let Some(rule) = rules.iter_mut().find(is_it)
        && let Some(link) = rule.links.get_mut(change.link)
    {
        link.actions.extend(change.actions.iter().cloned());
    }
}

fn is_same(a: &Target, b: &Target) -> bool {
    a.kind == b.kind && a.variable == b.variable && a.selector == b.selector
}

/// Which rules are meant.
enum Meant<'a> {
    Ids(&'a RuleSet),
    Tag(meta::Regex),
    Message(meta::Regex),
}

impl<'a> Meant<'a> {
    fn of(which: &'a RuleSet, complaints: &mut Complaints) -> Option<Self> {
        let compiled = match which {
            RuleSet::Ids(_) => return Some(Self::Ids(which)),
            RuleSet::Tag(regex) => compile(regex).map(Self::Tag),
            RuleSet::Message(regex) => compile(regex).map(Self::Message),
        };
        complaints.note(compiled)
    }

    fn covers(&self, rule: &LoadedRule) -> bool {
        let Some(head) = rule.links.first() else { return false };
        match self {
            Self::Ids(RuleSet::Ids(ranges)) => {
                head.id().is_some_and(|id| ranges.iter().any(|range| range.contains(id)))
            }
            Self::Ids(_) => false,
            Self::Tag(regex) => tags(&head.actions).iter().any(|tag| regex.is_match(tag)),
            Self::Message(regex) => {
                message(&head.actions).is_some_and(|text| regex.is_match(&MacroText::shown(text)))
            }
        }
    }
}

fn compile(regex: &Regex) -> Result<meta::Regex, Report> {
    let syntax = syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true);
    let config = meta::Config::new().utf8_empty(false);
    let built = meta::Builder::new().syntax(syntax).configure(config).build(&regex.pattern.text);
    built.map_err(|error| {
        let shown = String::from_utf8_lossy(&regex.written).into_owned();
        Report::error(None, format!("the regex `{shown}` of rules cannot be used: {error}"))
    })
}
