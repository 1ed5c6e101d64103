//! Whether whole values are worth looking up in the tables.
//!
//! A pattern that is asked by itself costs a step of its own automaton for every byte; side by side
//! with others it costs a share of one. But where patterns have many states those of a cluster
//! multiply: over texts that are never the same it makes new ones for ever, each of which costs as much
//! as some hundred steps, and fills the tables with what does not come again. Whether that is so depends
//! on the rules and on what is sent. So an account is kept of what is saved and what is spent; while
//! it is empty, whole values are not looked up.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// What a step costs that the tables do not know, in steps that they do; and what each state of the
/// kernel adds.
const STEP: u64 = 160;
const STEP_PER_STATE: u64 = 2;

/// Steps that the clusters of a value cost together for each byte: what so many patterns would cost
/// by themselves.
const TOGETHER: usize = 2;

/// What may be spent before anything was saved: a few milliseconds.
const CREDIT: i64 = 1 << 22;

/// The most that is put by. A sender of hostile text has to use it up before others are asked pattern by
/// pattern.
const MOST: i64 = 1 << 24;

/// Searches that are left out before there is credit again: at first, and at most. Each time that the
/// credit was lost they are twice as many.
const PAUSES: [u32; 2] = [1 << 12, 1 << 20];

/// The account of some clusters, in steps.
#[derive(Debug)]
pub(super) struct Worth {
    balance: AtomicI64,
    /// Searches to leave out.
    paused: AtomicU32,
    /// How many that will be the next time.
    pause: AtomicU32,
}

impl Default for Worth {
    fn default() -> Self {
        Self {
            balance: AtomicI64::new(CREDIT),
            paused: AtomicU32::new(0),
            pause: AtomicU32::new(PAUSES[0]),
        }
    }
}

impl Worth {
    /// Whether to look the next value up.
    pub(super) fn pays(&self) -> bool {
        let one_less = |paused: u32| paused.checked_sub(1);
        self.paused.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err()
    }

    /// Books a value of so many bytes, of which so many patterns were decided, for so much.
    pub(super) fn book(&self, bytes: usize, decided: usize, spent: u64) {
        let saved = bytes.saturating_mul(decided.saturating_sub(TOGETHER));
        let saved = i64::try_from(saved).unwrap_or(MOST);
        let change = saved.saturating_sub_unsigned(spent);
        let balance = self.balance.load(Ordering::Relaxed).saturating_add(change).min(MOST);
        if balance == MOST {
            self.pause.store(PAUSES[0], Ordering::Relaxed);
        }
        self.balance.store(if balance < 0 { self.stop() } else { balance }, Ordering::Relaxed);
    }

    /// Begins to leave values out; the credit for afterwards.
    fn stop(&self) -> i64 {
        let pause = self.pause.load(Ordering::Relaxed);
        self.paused.store(pause, Ordering::Relaxed);
        self.pause.store(pause.saturating_mul(2).min(PAUSES[1]), Ordering::Relaxed);
        CREDIT
    }
}

/// What a step from a kernel of so many states costs that the tables do not know.
pub(super) fn cost(states: usize) -> u64 {
    STEP + STEP_PER_STATE * states as u64
}
