//! Anomaly scores: sums over the rules that matched, once a rule.

use crate::policy::{PolicySettings, RuleStance};
use crate::rule::Phase;

/// The sums of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scores {
    /// Request rules that count.
    pub(crate) inbound: u32,
    /// Response rules that count.
    pub(crate) outbound: u32,
    /// Request rules on trial.
    inbound_trial: u32,
    /// Response rules on trial.
    outbound_trial: u32,
}

impl Scores {
    /// A rule matched.
    pub(super) fn add(&mut self, outbound: bool, stance: RuleStance, on_trial: bool) {
        let sum = match (outbound, stance.counted) {
            (false, true) => &mut self.inbound,
            (true, true) => &mut self.outbound,
            (false, false) if on_trial => &mut self.inbound_trial,
            (true, false) if on_trial => &mut self.outbound_trial,
            _ => return,
        };
        *sum = sum.saturating_add(stance.score);
    }

    /// The sums without a part of the inbound one.
    pub(super) fn without(mut self, inbound: u32) -> Self {
        self.inbound = self.inbound.saturating_sub(inbound);
        self
    }

    /// Whether the sum of the phase's side reaches its threshold.
    pub(super) fn reaches(&self, phase: Phase, settings: &PolicySettings) -> bool {
        reaches(self.inbound, settings.inbound_threshold)
            || (!phase.is_request() && reaches(self.outbound, settings.outbound_threshold))
    }

    /// The same with the rules on trial.
    pub(super) fn with_trial_reaches(&self, phase: Phase, settings: &PolicySettings) -> bool {
        let inbound = self.inbound.saturating_add(self.inbound_trial);
        let outbound = self.outbound.saturating_add(self.outbound_trial);
        reaches(inbound, settings.inbound_threshold)
            || (!phase.is_request() && reaches(outbound, settings.outbound_threshold))
    }
}

/// A sum of nothing never blocks, even where the threshold is 0.
fn reaches(sum: u32, threshold: u32) -> bool {
    sum > 0 && sum >= threshold
}
