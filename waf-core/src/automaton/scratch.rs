//! [`Scratch`]: the memory of a step, kept by the caller.

use regex_automata::util::primitives::StateID;

use super::nfa::Report;
use super::worth;

/// Memory for steps; any cluster may use any, its contents mean nothing between steps.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The kernel after the step.
    pub(super) kernel: Vec<u16>,
    /// What the step reports, each pattern once.
    pub(super) reports: Vec<Report>,
    pub(super) before: Marks,
    pub(super) after: Marks,
    pub(super) before_stack: Vec<StateID>,
    pub(super) after_stack: Vec<StateID>,
    /// What the steps of a scan have cost ([`worth::cost`]); whoever asks sets it back.
    pub(super) spent: u64,
}

impl Scratch {
    /// Books a step from a kernel.
    pub(super) fn spend(&mut self, kernel: &[u16]) {
        self.spent += worth::cost(kernel.len());
    }

    /// Puts the states of the kernel in order: equal ones are then equal slices.
    pub(super) fn sort(&mut self) {
        if let Some((_, states)) = self.kernel.split_first_mut() {
            states.sort_unstable();
        }
    }
}

/// Which NFA states were met. Clearing is one addition.
#[derive(Debug, Default)]
pub(super) struct Marks {
    stamps: Vec<u32>,
    stamp: u32,
}

impl Marks {
    pub(super) fn clear(&mut self, states: usize) {
        if self.stamps.len() < states {
            self.stamps.resize(states, 0);
        }
        self.stamp = self.stamp.checked_add(1).unwrap_or_else(|| {
            self.stamps.fill(0);
            1
        });
    }

    /// Whether it is the first time.
    pub(super) fn insert(&mut self, state: StateID) -> bool {
        let stamp = &mut self.stamps[state.as_usize()];
        std::mem::replace(stamp, self.stamp) != self.stamp
    }
}
