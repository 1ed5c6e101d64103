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

/// A set bit in an entry: it is no state. Either nothing is known ([`UNKNOWN`]), or the other bits
/// number an [`Edge`].
pub(super) const SLOW: u32 = 1 << 31;

/// Nothing is known of the transition yet.
pub(super) const UNKNOWN: u32 = u32::MAX;

const PAGE_BITS: u32 = 14;
const PAGE: usize = 1 << PAGE_BITS;

/// Edges to a page, and pages of them: 65,536 edges. Past it transitions with reports are worked
/// out each time.
const EDGE_PAGE: usize = 256;
const EDGE_PAGES: usize = 256;

/// The rows of some states: 64 KiB of entries.
#[derive(Debug)]
pub(super) struct Page {
    entries: Box<[AtomicU32; PAGE]>,
    kernels: Box<[OnceLock<Arc<[u16]>>]>,
}

/// A transition that reports matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    pub(super) next: u32,
    pub(super) reports: Arc<[Report]>,
}

type EdgePage = Box<[OnceLock<Edge>]>;

/// The states and transitions of a cluster.
#[derive(Debug)]
pub(super) struct Tables {
    pages: Box<[OnceLock<Page>]>,
    edges: Box<[OnceLock<EdgePage>]>,
    index: RwLock<Index>,
    /// Entries of a row.
    stride: usize,
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
    /// Empty tables that may take `most` bytes, and no more than the budget gives.
    pub(super) fn new(stride: usize, most: usize, budget: Arc<TableBudget>) -> Self {
        let pages = most.div_ceil(PAGE * size_of::<u32>()).min((SLOW >> PAGE_BITS) as usize);
        Self {
            pages: (0..pages).map(|_| OnceLock::new()).collect(),
            edges: (0..EDGE_PAGES).map(|_| OnceLock::new()).collect(),
            index: RwLock::default(),
            stride,
            budget,
            used: AtomicUsize::new(0),
            frozen: AtomicBool::new(false),
        }
    }

    /// Bytes in use; what is reserved for a started page is not counted.
    pub(super) fn bytes(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The number of states.
    pub(super) fn states(&self) -> usize {
        self.index.read().unwrap_or_else(PoisonError::into_inner).states.len()
    }

    /// The pages, for the inner loop to hold.
    #[inline]
    pub(super) fn pages(&self) -> &[OnceLock<Page>] {
        &self.pages
    }

    /// The kernel of a state.
    pub(super) fn kernel(&self, state: u32) -> Option<&Arc<[u16]>> {
        let page = self.pages.get((state >> PAGE_BITS) as usize)?.get()?;
        page.kernels.get(state as usize % PAGE / self.stride)?.get()
    }

    /// The edge an entry with [`SLOW`] stands for; `None` when the entry is [`UNKNOWN`].
    pub(super) fn edge(&self, entry: u32) -> Option<&Edge> {
        let number = (entry & !SLOW) as usize;
        self.edges.get(number / EDGE_PAGE)?.get()?.get(number % EDGE_PAGE)?.get()
    }

    /// The state with this kernel, if there is one.
    pub(super) fn find(&self, kernel: &[u16]) -> Option<u32> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).states.get(kernel).copied()
    }

    /// Whether nothing is added any more.
    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// The state with this kernel, made if need be; `None` when there is no room.
    pub(super) fn intern(&self, kernel: &[u16]) -> Option<u32> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&state) = index.states.get(kernel) {
            return Some(state);
        }
        let rows = PAGE / self.stride;
        let (page, row) = (index.states.len() / rows, index.states.len() % rows);
        // The row, the kernel, and what holds it: its counts, its cell and its place in the index.
        let bytes = self.stride * size_of::<u32>() + size_of_val(kernel) + 96;
        let Some(cell) = self.pages.get(page).filter(|_| self.take(bytes)) else {
            self.frozen.store(true, Ordering::Relaxed);
            return None;
        };
        let kernel: Arc<[u16]> = kernel.into();
        cell.get_or_init(|| Page::new(rows)).kernels[row].get_or_init(|| Arc::clone(&kernel));
        let state = (page * PAGE + row * self.stride) as u32;
        index.states.insert(kernel, state);
        Some(state)
    }

    /// Fills in a transition. Without room for what it reports it stays unknown.
    pub(super) fn link(&self, state: u32, class: usize, next: u32, reports: &[Report]) {
        let entry = match reports {
            [] => Some(next),
            _ => self.intern_edge(next, reports),
        };
        let page = self.pages.get((state >> PAGE_BITS) as usize).and_then(OnceLock::get);
        if let (Some(page), Some(entry)) = (page, entry) {
            page.entries[state as usize % PAGE + class].store(entry, Ordering::Release);
        }
    }

    fn intern_edge(&self, next: u32, reports: &[Report]) -> Option<u32> {
        let edge = Edge { next, reports: reports.into() };
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&entry) = index.edges.get(&edge) {
            return Some(entry);
        }
        let number = index.edges.len();
        let bytes = size_of_val(reports) + 2 * size_of::<Edge>() + 32;
        let page = self.edges.get(number / EDGE_PAGE).filter(|_| self.take(bytes))?;
        let page = page.get_or_init(|| (0..EDGE_PAGE).map(|_| OnceLock::new()).collect());
        page[number % EDGE_PAGE].get_or_init(|| edge.clone());
        let entry = SLOW | number as u32;
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

impl Page {
    fn new(rows: usize) -> Self {
        Self {
            entries: Box::new([const { AtomicU32::new(UNKNOWN) }; PAGE]),
            kernels: (0..rows).map(|_| OnceLock::new()).collect(),
        }
    }
}

/// The entry of a state for a class: the next state, or one with [`SLOW`].
#[inline(always)]
pub(super) fn entry(pages: &[OnceLock<Page>], state: u32, class: usize) -> u32 {
    match pages.get((state >> PAGE_BITS) as usize).and_then(OnceLock::get) {
        // The row of a state is whole in its page, so the mask changes nothing.
        Some(page) => page.entries[(state as usize + class) % PAGE].load(Ordering::Acquire),
        None => UNKNOWN,
    }
}
