//! What `TX:0` to `TX:9` hold.

use std::ops::Range;

use crate::limits;

/// The parts of a value that a rule with `capture` keeps: the match and nine groups, each up to
/// `limits::TX_VALUE` bytes. They stand in one buffer, which the next match uses again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captures {
    text: Vec<u8>,
    groups: [Option<(u32, u32)>; Captures::COUNT],
}

impl Captures {
    /// As many as SecLang has names for.
    pub(crate) const COUNT: usize = 10;

    /// Keeps what groups matched, as PCRE counts them: one that took no part before one that did is
    /// empty; those after the last that did are not set (`pcre_exec`, which `ModSecurity` 2 copies
    /// from).
    pub(crate) fn keep(&mut self, value: &[u8], group: impl Fn(usize) -> Option<Range<usize>>) {
        self.text.clear();
        self.groups = Default::default();
        let known = (0..Self::COUNT).rposition(|number| group(number).is_some());
        for number in 0..known.map_or(0, |last| last + 1) {
            let matched = group(number).map_or(&[][..], |span| &value[span]);
            let from = self.text.len() as u32;
            self.text.extend_from_slice(&matched[..matched.len().min(limits::TX_VALUE)]);
            self.groups[number] = Some((from, self.text.len() as u32));
        }
    }

    /// Keeps one text, as the match.
    pub(crate) fn keep_only(&mut self, text: &[u8]) {
        self.keep(text, |group| (group == 0).then_some(0..text.len()));
    }

    /// What a group matched, 0 being the whole match.
    pub(crate) fn get(&self, group: usize) -> Option<&[u8]> {
        let (from, to) = self.groups.get(group).copied().flatten()?;
        self.text.get(from as usize..to as usize)
    }
}
