//! The verdict points of one body: the end of its held part, then every byte that makes a block
//! certain.

use super::coded::Coded;
use crate::decide::Decider;
use crate::rule::Phase;
use crate::scan::Facts;

/// How far one body is judged.
#[derive(Debug)]
pub(super) struct Points {
    phase: Phase,
    /// Decoded bytes that are scanned whole.
    hold: u64,
    /// The end of the held part has been a verdict point.
    past_hold: bool,
    /// Bytes as received that may go on.
    forward: u64,
}

impl Points {
    /// Nothing is judged yet.
    pub(super) fn new(phase: Phase, hold: u64) -> Self {
        Self { phase, hold, past_hold: false, forward: 0 }
    }

    /// Bytes as received that may go on.
    pub(super) fn forward(&self) -> u64 {
        self.forward
    }

    /// Judges what is certain up to `frontier`. Nothing before the end of the held part is: it is
    /// scanned whole.
    pub(super) fn advance(
        &mut self,
        frontier: u64,
        facts: &mut Facts,
        decider: &mut Decider,
        coded: &mut Coded,
    ) {
        if frontier <= self.hold {
            return;
        }
        if !self.past_hold {
            self.past_hold = true;
            for fact in facts.take_until(self.hold) {
                decider.apply(&fact);
            }
            decider.judge(self.phase, Some(self.hold));
        }
        for fact in facts.take_until(frontier) {
            if decider.enforced() {
                return;
            }
            decider.apply(&fact);
            decider.judge(self.phase, Some(fact.needed));
        }
        if !decider.enforced() {
            self.forward = self.forward.max(coded.received_for(frontier));
        }
    }
}
