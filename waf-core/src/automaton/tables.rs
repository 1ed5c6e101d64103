//! The states and transitions met so far, shared by all threads.
//!
//! Readers take no lock: pages are only ever added, entries only ever filled in, and an id stays
//! valid for ever. A thread that meets a new state works it out by itself and takes the lock only
//! to give it a number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::nfa::Report;
use super::work::TableBudget;

/// Nothing is known of the transition yet. Memory that was never touched reads so, and takes no room.
pub(super) const UNKNOWN: u32 = 0;

/// The state of an edge behind which nothing can be found any more.
pub(super) const DEAD: u32 = UNKNOWN;

/// A set bit in an entry: it is no state, but the other bits number an [`Edge`].
const EDGE: u32 = 1 << 31;

/// Whether an entry is no state: nothing is known, or matches are reported on the way.
#[inline(always)]
pub(super) fn is_slow(entry: u32) -> bool {
    any_slow(&[entry])
}

/// Whether some entry is no state.
#[inline(always)]
pub(super) fn any_slow(entries: &[u32]) -> bool {
    // One less, what is unknown has the set bit too. No edge is numbered 0.
    entries.iter().fold(0, |all, entry| all | entry.wrapping_sub(1)) & EDGE != 0
}

/// The number of bytes there are.
pub(super) const BYTES: usize = 256;

/// The class of each byte.
pub(super) type Classes = [u8; BYTES];

/// Edges there may be. Past it transitions with reports are worked out each time.
const EDGES: usize = 1 << 16;

/// Bytes that are asked for at least. What is larger than 32 MiB glibc always asks the system for
/// (`M_MMAP_THRESHOLD` in mallopt(3) grows no further), which gives zeroes without touching them. Less it
/// may take from what was freed before, and then writes all of the zeroes.
const MAPPED: usize = 33 << 20;

/// Cells to a page.
const PAGE: usize = 256;

/// A list whose cells are filled in once, and read without a lock. Pages are made when they are needed.
#[derive(Debug)]
struct Paged<T>(Cells<Cells<T>>);

type Cells<T> = Box<[OnceLock<T>]>;

/// A transition that reports matches, or is the last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    pub(super) next: u32,
    pub(super) reports: Arc<[Report]>,
}

/// The states and transitions of a cluster.
#[derive(Debug)]
pub(super) struct Tables {
    /// The class of each byte, and the rows of all states that there may ever be. The system gives memory
    /// to what is touched.
    entries: Box<[AtomicU32]>,
    kernels: Paged<Arc<[u16]>>,
    edges: Paged<Edge>,
    index: RwLock<Index>,
    /// Entries of a row, and rows that there may be.
    stride: usize,
    rows: usize,
    /// Where the classes take the place of rows. So no state has the number of an unknown one.
    first: usize,
    budget: Arc<TableBudget>,
    used: AtomicUsize,
    frozen: AtomicBool,
}

#[derive(Debug, Default)]
struct Index {
    states: HashMap<Arc<[u16]>, u32>,
    edges: HashMap<Edge, u32>,
}

impl Tables {
    /// Empty tables that may take `most` bytes, and no more than the budget gives; with the class of
    /// each byte.
    pub(super) fn new(
        (classes, stride): (&Classes, usize),
        most: usize,
        budget: Arc<TableBudget>,
    ) -> Self {
        let count = most.min(EDGE as usize) / size_of::<u32>();
        // Where the system has no room for it, there are no states, and kernels are simulated.
        let entries: Box<[AtomicU32]> =
            bytemuck::try_zeroed_slice_box(count.max(MAPPED / size_of::<u32>()))
                .unwrap_or_default();
        for (entry, class) in entries.iter().zip(classes) {
            entry.store(u32::from(*class), Ordering::Relaxed);
        }
        let rows = count.min(entries.len()) / stride;
        Self {
            entries,
            rows,
            first: BYTES.div_ceil(stride),
            kernels: Paged::new(rows),
            edges: Paged::new(EDGES),
            index: RwLock::default(),
            stride,
            budget,
            used: AtomicUsize::new(0),
            frozen: AtomicBool::new(false),
        }
    }

    /// Bytes in use.
    pub(super) fn bytes(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The number of states.
    pub(super) fn states(&self) -> usize {
        self.index.read().unwrap_or_else(PoisonError::into_inner).states.len()
    }

    /// All entries, for the inner loop to hold. The first [`BYTES`] are the classes of the bytes.
    #[inline]
    pub(super) fn entries(&self) -> &[AtomicU32] {
        &self.entries
    }

    /// The kernel of a state.
    pub(super) fn kernel(&self, state: u32) -> Option<&Arc<[u16]>> {
        self.kernels.get(state as usize / self.stride)
    }

    /// The edge that an entry stands for, if it does.
    pub(super) fn edge(&self, entry: u32) -> Option<&Edge> {
        self.edges.get((entry & EDGE != 0).then_some((entry & !EDGE) as usize)?)
    }

    /// The state with this kernel, if there is one.
    pub(super) fn find(&self, kernel: &[u16]) -> Option<u32> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).states.get(kernel).copied()
    }

    /// Whether nothing is added any more.
    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// Whether there is no room for a state or for an edge.
    pub(super) fn is_full(&self) -> bool {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        self.is_frozen() || index.edges.len() + 1 >= EDGES
    }

    /// The state with this kernel, made if need be; `None` when there is no room.
    pub(super) fn intern(&self, kernel: &[u16]) -> Option<u32> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&state) = index.states.get(kernel) {
            return Some(state);
        }
        let row = self.first + index.states.len();
        // The row, the kernel, and what holds it: its counts, its cell and its place in the index.
        let bytes = self.stride * size_of::<u32>() + size_of_val(kernel) + 96;
        if row >= self.rows || !self.take(bytes) {
            self.frozen.store(true, Ordering::Relaxed);
            return None;
        }
        let kernel: Arc<[u16]> = kernel.into();
        self.kernels.fill(row, Arc::clone(&kernel));
        let state = (row * self.stride) as u32;
        index.states.insert(kernel, state);
        Some(state)
    }

    /// Fills in a transition, also one to [`DEAD`]. Without room for what it reports it stays unknown.
    pub(super) fn link(&self, state: u32, class: usize, next: u32, reports: &[Report]) {
        let entry = match reports {
            [] if next != DEAD => Some(next),
            _ => self.intern_edge(next, reports),
        };
        if let (Some(cell), Some(entry)) = (self.entries.get(state as usize + class), entry) {
            cell.store(entry, Ordering::Release);
        }
    }

    fn intern_edge(&self, next: u32, reports: &[Report]) -> Option<u32> {
        let edge = Edge { next, reports: reports.into() };
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&entry) = index.edges.get(&edge) {
            return Some(entry);
        }
        let number = index.edges.len() + 1;
        let bytes = size_of_val(reports) + 2 * size_of::<Edge>() + 32;
        if number >= EDGES || !self.take(bytes) {
            return None;
        }
        self.edges.fill(number, edge.clone());
        let entry = EDGE | number as u32;
        index.edges.insert(edge, entry);
        Some(entry)
    }

    fn take(&self, bytes: usize) -> bool {
        let fits = self.budget.take(bytes);
        if fits {
            self.used.fetch_add(bytes, Ordering::Relaxed);
        }
        fits
    }
}

impl<T> Paged<T> {
    /// Room for so many cells.
    fn new(cells: usize) -> Self {
        Self(empty(cells.div_ceil(PAGE)))
    }

    fn get(&self, number: usize) -> Option<&T> {
        self.0.get(number / PAGE)?.get()?.get(number % PAGE)?.get()
    }

    /// Fills a cell in that there is room for.
    fn fill(&self, number: usize, value: T) {
        if let Some(page) = self.0.get(number / PAGE) {
            page.get_or_init(|| empty(PAGE))[number % PAGE].get_or_init(|| value);
        }
    }
}

fn empty<T>(cells: usize) -> Cells<T> {
    (0..cells).map(|_| OnceLock::new()).collect()
}

/// The entry of a state for a class: the next state, or one that [`is_slow`].
#[inline(always)]
pub(super) fn entry(entries: &[AtomicU32], state: u32, class: usize) -> u32 {
    entries.get(state as usize + class).map_or(UNKNOWN, |entry| entry.load(Ordering::Acquire))
}

/// The entry of a state for a byte, in tables of [`BYTES`] entries at least.
#[inline(always)]
pub(super) fn entry_of(entries: &[AtomicU32], state: u32, byte: u8) -> u32 {
    let class = entries.get(usize::from(byte)).map_or(0, |class| class.load(Ordering::Relaxed));
    entry(entries, state, class as usize)
}
