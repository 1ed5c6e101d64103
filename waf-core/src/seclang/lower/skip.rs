//! `skip` and `skipAfter`: where a phase goes on.

use std::collections::BTreeMap;

use super::super::action::ActionKind;
use super::super::statement::Directive;
use super::LoadedRule;
use super::rule::phase;

/// Where `skipAfter` may lead: markers and rules by name, even those removed since.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, Vec<usize>>);

impl Places {
    /// The directive of statement `place`.
    pub(super) fn note(&mut self, place: usize, directive: &Directive) {
        let name = match directive {
            Directive::Marker(name) => Some(name.clone()),
            Directive::Rule(links) => {
                links.first().and_then(|head| head.id()).map(|id| id.to_string())
            }
            _ => None,
        };
        if let Some(name) = name {
            self.0.entry(name).or_default().push(place);
        }
    }

    /// The first place of this name behind `place`.
    fn after(&self, name: &str, place: usize) -> Option<usize> {
        self.0.get(name)?.iter().copied().find(|&found| found > place)
    }
}

/// The first rule that is not skipped when the rule `ordinal` matches; beyond the last one where
/// the rest of the phase is skipped. `None`: it skips nothing.
pub(super) fn skip_to(places: &Places, rules: &[LoadedRule], ordinal: usize) -> Option<u32> {
    let rule = rules.get(ordinal)?;
    let head = rule.links.first()?;
    let to = head.actions.iter().rev().find_map(|action| match &action.kind {
        ActionKind::SkipAfter(name) => Some(match places.after(name, rule.place) {
            Some(place) => rules.partition_point(|rule| rule.place <= place),
            None => rules.len(),
        }),
        ActionKind::Skip(count) => Some(behind(rules, ordinal, *count)),
        _ => None,
    })?;
    u32::try_from(to).ok()
}

/// The rule behind the next `count` rules of the same phase; a chain is one rule.
fn behind(rules: &[LoadedRule], ordinal: usize, count: u32) -> usize {
    let phase_of = |rule: &LoadedRule| rule.links.first().map(|head| phase(&head.actions));
    let own = rules.get(ordinal).and_then(phase_of);
    let later = rules.iter().enumerate().skip(ordinal + 1);
    let mut same = later.filter(|(_, rule)| phase_of(rule) == own).map(|(at, _)| at);
    match count.checked_sub(1) {
        None => ordinal + 1,
        Some(last) => same.nth(last as usize).map_or(rules.len(), |at| at + 1),
    }
}
