//! What `TX:0` to `TX:9` hold.

use std::ops::Range;
use std::sync::OnceLock;

use super::{Probe, RuleSet};
use crate::limits;

/// The parts of a value that a rule with `capture` keeps: the match and nine groups, each up to
/// `limits::TX_VALUE` bytes. Most are never read, and to find groups takes many times what it takes
/// to match. So the value is kept, in a buffer that the next one uses again, and they are looked for
/// when they are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captures {
    value: Vec<u8>,
    /// What the value was asked.
    probe: Option<Probe>,
    whole: OnceLock<Option<(usize, usize)>>,
    groups: OnceLock<Groups>,
}

/// Where the groups of a match stand: those that took part.
pub(crate) type Groups = [Option<Range<usize>>; Captures::COUNT];

impl Captures {
    /// As many as SecLang has names for.
    pub(crate) const COUNT: usize = 10;

    /// Keeps what is captured of a value that was asked: found when it is read.
    pub(super) fn keep(&mut self, probe: Probe, value: &[u8]) {
        self.restart(value);
        self.probe = Some(probe);
    }

    /// Keeps groups that are known.
    pub(crate) fn keep_groups(&mut self, value: &[u8], groups: Groups) {
        self.restart(value);
        self.whole = OnceLock::from(groups[0].as_ref().map(|span| (span.start, span.end)));
        self.groups = OnceLock::from(groups);
    }

    /// Keeps one text, as the match.
    pub(crate) fn keep_only(&mut self, text: &[u8]) {
        let text = &text[..text.len().min(limits::TX_VALUE)];
        let group = |group| (group == 0).then_some(0..text.len());
        self.keep_groups(text, std::array::from_fn(group));
    }

    /// What a group matched, 0 being the whole match. As PCRE counts them: one that took no part
    /// before one that did is empty; those after the last that did are not set (`pcre_exec`, which
    /// `ModSecurity` 2 copies from).
    pub(crate) fn get(&self, group: usize, ruleset: &RuleSet) -> Option<&[u8]> {
        let span = match group {
            0 => self.whole(ruleset).map(|(start, end)| start..end)?,
            _ => {
                let groups = self.groups(ruleset);
                let is_before = || groups.iter().skip(group).any(Option::is_some);
                groups.get(group)?.clone().or_else(|| is_before().then_some(0..0))?
            }
        };
        let matched = self.value.get(span)?;
        Some(&matched[..matched.len().min(limits::TX_VALUE)])
    }

    /// Where in a value the answer to a probe becomes yes, where that is what was captured last.
    pub(crate) fn place(
        &self,
        probe: Probe,
        value: &[u8],
        ruleset: &RuleSet,
    ) -> Option<(usize, usize)> {
        let is_same = self.probe == Some(probe) && self.value == value;
        is_same.then(|| self.whole(ruleset)).flatten()
    }

    fn whole(&self, ruleset: &RuleSet) -> Option<(usize, usize)> {
        *self.whole.get_or_init(|| ruleset.place(self.probe?, &self.value))
    }

    fn groups(&self, ruleset: &RuleSet) -> &Groups {
        let find = || self.probe.map_or_else(Groups::default, |it| ruleset.groups(it, &self.value));
        self.groups.get_or_init(find)
    }

    fn restart(&mut self, value: &[u8]) {
        self.value.clear();
        self.value.extend_from_slice(value);
        self.probe = None;
        self.whole = OnceLock::new();
        self.groups = OnceLock::new();
    }
}
