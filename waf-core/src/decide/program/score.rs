//! Who added what to the number that decides.
//!
//! No rule set is known by name here. A rule that refuses and looks at nothing but `TX` is a
//! threshold: what it holds against what is *the* score. Bookkeeping rules carry numbers from
//! variable to variable; the others add to them, and what of theirs flows into the score is theirs.

use crate::rule::Phase;

/// Room for what is carried in most requests.
const USUAL: usize = 16;

/// What was added and carried, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// A rule added a number to a variable.
    added: Vec<(u16, u32, i64)>,
    /// A bookkeeping rule carried one variable to another.
    carried: Vec<(u16, u16)>,
    /// The last threshold looked at of the request, and of the response.
    inbound: Option<Held>,
    outbound: Option<Held>,
    /// Matches of the rule's last link that has any: the last one is shown, and others before it,
    /// up to `limits::ALSO`.
    pub(super) shown: Vec<Shown>,
}

/// A field that matched. What a record tells of it is made when the whole rule has matched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// The link that it matched.
    pub(super) link: usize,
    /// Its row.
    pub(super) row: u32,
    /// The step at which it matched, of those that the operator was asked of.
    pub(super) step: usize,
}

/// A number held against a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    slot: u16,
    score: i64,
    threshold: i64,
}

/// What came of it all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProgramScore {
    /// Score and threshold of the request.
    pub(crate) inbound: Option<(u32, u32)>,
    /// Score and threshold of the response.
    pub(crate) outbound: Option<(u32, u32)>,
    /// What each rule, by ordinal, added to either.
    by_rule: Vec<(u32, i64)>,
}

impl ProgramScore {
    /// What a rule added.
    pub(crate) fn of(&self, ordinal: u32) -> u32 {
        let sum: i64 =
            self.by_rule.iter().filter(|(of, _)| *of == ordinal).map(|(_, added)| added).sum();
        u32::try_from(sum.max(0)).unwrap_or(u32::MAX)
    }
}

impl Ledger {
    /// A rule adds to a variable.
    pub(super) fn add(&mut self, slot: u16, ordinal: u32, amount: i64) {
        if self.added.len() < crate::limits::FIRED * 4 {
            self.added.push((slot, ordinal, amount));
        }
    }

    /// A field matches in the rule at work.
    pub(super) fn show(&mut self, next: Shown) {
        self.shown.retain(|known| known.link == next.link && known.row != next.row);
        if self.shown.len() > crate::limits::ALSO {
            self.shown.pop();
        }
        self.shown.push(next);
    }

    /// A bookkeeping rule carries a variable to another.
    pub(super) fn carry(&mut self, to: u16, from: u16) {
        if self.carried.len() < crate::limits::FIRED && !self.carried.contains(&(to, from)) {
            if self.carried.is_empty() {
                self.carried.reserve(USUAL);
            }
            self.carried.push((to, from));
        }
    }

    /// A rule that refuses looks whether a variable has reached a threshold.
    pub(super) fn hold(&mut self, phase: Phase, slot: u16, score: i64, threshold: i64) {
        let held = Some(Held { slot, score, threshold });
        if phase.is_request() {
            self.inbound = held;
        } else {
            self.outbound = held;
        }
    }

    pub(super) fn score(&self) -> ProgramScore {
        let mut counted: Vec<u16> = Vec::new();
        counted.extend(self.inbound.iter().chain(&self.outbound).map(|held| held.slot));
        let mut at = 0;
        while let Some(&slot) = counted.get(at) {
            let sources = self.carried.iter().filter(|(to, _)| *to == slot).map(|(_, from)| *from);
            let new: Vec<u16> = sources.filter(|from| !counted.contains(from)).collect();
            counted.extend(new);
            at += 1;
        }
        let told = |held: Held| (number(held.score), number(held.threshold));
        ProgramScore {
            inbound: self.inbound.map(told),
            outbound: self.outbound.map(told),
            by_rule: self
                .added
                .iter()
                .filter(|(slot, _, _)| counted.contains(slot))
                .map(|&(_, ordinal, amount)| (ordinal, amount))
                .collect(),
        }
    }
}

fn number(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_flows_into_the_score_is_the_rules_that_added_it() {
        let mut ledger = Ledger::default();
        ledger.add(1, 10, 5);
        ledger.add(9, 10, 5); // a score by class that nothing decides on
        ledger.add(2, 11, 3); // a level that is not carried
        ledger.carry(0, 1);
        ledger.hold(Phase::RequestBody, 0, 5, 5);
        let score = ledger.score();
        assert_eq!(score.inbound, Some((5, 5)));
        assert_eq!(score.of(10), 5);
        assert_eq!(score.of(11), 0);
    }
}
