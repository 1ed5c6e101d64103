//! What searches have learnt.
//!
//! A search keeps a lazily built automaton of up to some megabytes, which makes the next one fast. One
//! of them for every regex and worker would be most of what a rule set takes. So all regexes of a
//! rule set have a bound together ([`Memories`]), and those that were not searched for the longest
//! forget first.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regex_automata::{hybrid, meta};

use crate::limits::{REGEX_MEMORIES, REGEX_MEMORY_PER_STATE};

/// What one search has learnt.
pub(super) trait Learnt: fmt::Debug + Send {
    /// Bytes on the heap.
    fn bytes(&self) -> usize;
}

impl Learnt for meta::Cache {
    fn bytes(&self) -> usize {
        self.memory_usage()
    }
}

impl Learnt for hybrid::dfa::Cache {
    fn bytes(&self) -> usize {
        self.memory_usage()
    }
}

/// What the searches of some regexes have learnt, bounded together. What a search is working with is
/// not counted: there is one for each worker.
#[derive(Debug)]
pub(crate) struct Memories {
    most: AtomicUsize,
    bytes: AtomicUsize,
    /// In the order in which they are asked to forget.
    shelves: Mutex<VecDeque<Arc<dyn Forget>>>,
}

/// The memory of one regex among those of others.
#[derive(Debug)]
pub(super) struct Memory<C> {
    shelf: Arc<Shelf<C>>,
    memories: Arc<Memories>,
}

/// What is kept for one regex: as much as there were searches at the same time.
#[derive(Debug)]
struct Shelf<C> {
    caches: Mutex<Vec<(Box<C>, usize)>>,
    /// There was a search since it was last asked to forget.
    used: AtomicBool,
}

/// A shelf of whatever is kept.
trait Forget: fmt::Debug + Send + Sync {
    /// Whether there was a search since this was last asked.
    fn was_used(&self) -> bool;

    /// Forgets all; how many bytes that were.
    fn forget(&self) -> usize;
}

impl<C: Learnt> Forget for Shelf<C> {
    fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    fn forget(&self) -> usize {
        std::mem::take(&mut *lock(&self.caches)).iter().map(|(_, bytes)| bytes).sum()
    }
}

impl<C: Learnt + 'static> Memory<C> {
    /// An empty one among those of others.
    pub(super) fn new(memories: &Arc<Memories>) -> Self {
        let (caches, used) = (Mutex::default(), AtomicBool::new(false));
        let shelf = Arc::new(Shelf { caches, used });
        let kept: Arc<dyn Forget> = Arc::<Shelf<C>>::clone(&shelf);
        lock(&memories.shelves).push_back(kept);
        Self { shelf, memories: Arc::clone(memories) }
    }

    /// Searches with what was learnt before, or with what `create` makes.
    pub(super) fn search<T>(
        &self,
        create: impl FnOnce() -> C,
        search: impl FnOnce(&mut C) -> T,
    ) -> T {
        let mut cache = self.take().unwrap_or_else(|| Box::new(create()));
        let answer = search(&mut cache);
        self.put(cache);
        answer
    }

    fn take(&self) -> Option<Box<C>> {
        let (cache, bytes) = lock(&self.shelf.caches).pop()?;
        self.memories.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Some(cache)
    }

    fn put(&self, cache: Box<C>) {
        let bytes = size_of::<C>() + cache.bytes();
        self.shelf.used.store(true, Ordering::Relaxed);
        // Counted before it can be taken, so that the sum never falls below zero.
        let before = self.memories.bytes.fetch_add(bytes, Ordering::Relaxed);
        lock(&self.shelf.caches).push((cache, bytes));
        if before + bytes > self.memories.most() {
            self.memories.make_room();
        }
    }

    /// The bytes of each that was left behind.
    #[cfg(test)]
    pub(super) fn kept(&self) -> Vec<usize> {
        lock(&self.shelf.caches).iter().map(|(_, bytes)| *bytes).collect()
    }
}

impl Default for Memories {
    fn default() -> Self {
        Self::new(*REGEX_MEMORIES.start())
    }
}

impl Memories {
    /// Memories of at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        let most = AtomicUsize::new(most);
        Self { most, bytes: AtomicUsize::new(0), shelves: Mutex::default() }
    }

    /// Keeps as much as regexes of so many states together may learn.
    pub(crate) fn fit(&self, states: usize) {
        let (least, most) = (*REGEX_MEMORIES.start(), *REGEX_MEMORIES.end());
        let fitting = states.saturating_mul(REGEX_MEMORY_PER_STATE).clamp(least, most);
        self.most.store(fitting, Ordering::Relaxed);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// Bytes that are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Empties shelves until the rest fits, each the second time that it is found unused.
    fn make_room(&self) {
        // Whoever has the lock makes room for all.
        let Ok(mut shelves) = self.shelves.try_lock() else { return };
        for _ in 0..2 * shelves.len() {
            if self.bytes() <= self.most() {
                return;
            }
            let Some(shelf) = shelves.pop_front() else { return };
            if !shelf.was_used() {
                self.bytes.fetch_sub(shelf.forget(), Ordering::Relaxed);
            }
            shelves.push_back(shelf);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
