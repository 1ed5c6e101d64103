//! Budgets: how many states a request may add to the tables, and how many bytes they may take.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::{WORK_BYTES_PER_STATE, WORK_STATES};

/// What one request may add to the shared tables: some states, and more with every byte it sends.
///
/// Spent, the scan goes on exactly but without adding: a sender who makes new states on purpose
/// gets slow for himself, and cannot fill the tables alone.
#[derive(Clone, Debug)]
pub struct Work {
    /// In bytes, [`WORK_BYTES_PER_STATE`] to a state.
    left: u64,
}

impl Work {
    /// The budget a request starts with.
    pub fn request() -> Self {
        Self { left: WORK_STATES * WORK_BYTES_PER_STATE }
    }

    /// No bound: for measuring.
    pub fn unlimited() -> Self {
        Self { left: u64::MAX }
    }

    /// Nothing: tables are used but never grow.
    pub fn none() -> Self {
        Self { left: 0 }
    }

    /// Adds what `bytes` more bytes of the request are worth. Call it once for each received byte,
    /// however many values are made of it.
    pub fn earn(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(bytes as u64);
    }

    /// Pays for one state; false when it cannot.
    pub(super) fn take(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(WORK_BYTES_PER_STATE) else { return false };
        self.left = left;
        true
    }
}

/// Bytes that the tables of several clusters may take together.
#[derive(Debug)]
pub(super) struct TableBudget {
    left: AtomicUsize,
}

impl TableBudget {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: AtomicUsize::new(bytes) }
    }

    /// Takes `bytes`; false, and nothing taken, when they are not there.
    pub(super) fn take(&self, bytes: usize) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .is_ok()
    }
}
