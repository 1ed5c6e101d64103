//! The verdict points of one body: the end of its held part, then every byte that makes a block
//! certain.

use super::coded::Coded;
use crate::decide::{Decider, Scene, Watch};
use crate::rule::Phase;
use crate::scan::{Facts, Rows, Totals};

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
    /// What SecLang rules come to so far.
    watch: Watch,
}

/// What the transaction knows of fields.
pub(super) struct Fields<'a> {
    pub(super) rows: &'a mut Rows,
    pub(super) totals: &'a Totals,
    /// The parser of the body by its type.
    pub(super) processor: &'static str,
}

impl Points {
    /// Nothing is judged yet.
    pub(super) fn new(phase: Phase, hold: u64) -> Self {
        Self { phase, hold, past_hold: false, forward: 0, watch: Watch::default() }
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
        fields: &mut Fields<'_>,
    ) {
        let held = fields.rows.sightings.take_until(self.phase, frontier.min(self.hold));
        decider.note_held(&mut self.watch, held, &scene(facts, fields));
        if frontier <= self.hold {
            return;
        }
        if !self.past_hold {
            self.past_hold = true;
            self.end_hold(facts, decider, fields);
        }
        let sightings = fields.rows.sightings.take_until(self.phase, frontier);
        let ready = facts.take_until(frontier);
        let scene = scene(facts, fields);
        let mut certain = decider.certain(&mut self.watch, self.phase, sightings, &scene);
        for fact in ready {
            if let Some(at) = certain.take_if(|at| *at < fact.needed) {
                decider.refuse(&mut self.watch, self.phase, at, &scene);
            }
            if decider.enforced() {
                return;
            }
            decider.apply(&fact);
            decider.judge(self.phase, Some(fact.needed));
        }
        if let Some(at) = certain {
            decider.refuse(&mut self.watch, self.phase, at, &scene);
        }
        if !decider.enforced() {
            self.forward = self.forward.max(coded.received_for(frontier));
        }
    }

    /// The end of the held part is a verdict point.
    fn end_hold(&mut self, facts: &mut Facts, decider: &mut Decider, fields: &mut Fields<'_>) {
        for fact in facts.take_until(self.hold) {
            decider.apply(&fact);
        }
        decider.judge(self.phase, Some(self.hold));
        let scene = scene(facts, fields);
        if decider.begin(&mut self.watch, self.phase, &scene) {
            decider.refuse(&mut self.watch, self.phase, self.hold, &scene);
        }
    }
}

fn scene<'a>(facts: &'a Facts, fields: &'a Fields<'_>) -> Scene<'a> {
    Scene { rows: fields.rows, totals: fields.totals, facts, processor: fields.processor }
}
