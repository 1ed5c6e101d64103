//! The bounded queue between requests and the writing thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use waf_core::record::DecisionRecord;

use crate::config::{Audit, OnFull};

/// Records that the writer takes at once.
const BATCH: usize = 64;

/// A queue whose bound can change. `waiting.len() <= capacity`, but for a moment after it shrinks.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Told when there is something to do.
    work: Condvar,
    /// Told when there is room.
    room: Condvar,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Arc<DecisionRecord>>,
    capacity: usize,
    settings: Option<Audit>,
    reopen: bool,
    /// Records that found no room since the writer looked last.
    overflowed: u64,
    closed: bool,
}

/// What the writer is to do next, in this order.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Take over these settings.
    pub(super) settings: Option<Audit>,
    /// Open the file anew.
    pub(super) reopen: bool,
    /// Say that so many records found no room.
    pub(super) overflowed: u64,
    /// Write these.
    pub(super) records: Vec<Arc<DecisionRecord>>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            capacity,
            settings: None,
            reopen: false,
            overflowed: 0,
            closed: false,
        };
        Self { state: Mutex::new(state), work: Condvar::new(), room: Condvar::new() }
    }

    /// Whether the record was taken.
    pub(super) fn push(&self, record: Arc<DecisionRecord>, on_full: OnFull) -> bool {
        let mut state = self.lock();
        while state.waiting.len() >= state.capacity && !state.closed {
            if on_full == OnFull::Drop {
                state.overflowed += 1;
                return false;
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return false;
        }
        state.waiting.push_back(record);
        self.work.notify_one();
        true
    }

    /// Waits for something to do; `None` once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if !state.waiting.is_empty() || state.reopen || state.settings.is_some() {
                break;
            }
            if state.closed {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let count = state.waiting.len().min(BATCH);
        let records = state.waiting.drain(..count).collect();
        let reopen = std::mem::take(&mut state.reopen);
        let settings = state.settings.take();
        self.room.notify_all();
        let overflowed = std::mem::take(&mut state.overflowed);
        Some(Work { settings, reopen, overflowed, records })
    }

    pub(super) fn configure(&self, settings: Audit) {
        let mut state = self.lock();
        state.capacity = settings.queue;
        state.settings = Some(settings);
        self.work.notify_one();
        self.room.notify_all();
    }

    /// Records that wait, and how many may.
    pub(super) fn depth(&self) -> (usize, usize) {
        let state = self.lock();
        (state.waiting.len(), state.capacity)
    }

    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.work.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// A thread that panicked here left a queue that is still a queue.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
