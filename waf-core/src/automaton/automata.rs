//! [`Automata`]: several clusters behind one face.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use regex_syntax::hir::Hir;

use super::assign::{Profile, assign};
use super::cluster::{Cluster, Cursor, Run, Tools};
use super::lanes::{Job, alone, scan};
use super::scratch::Scratch;
use super::tables::DEAD;
use super::training;
use super::trim::trim;
use super::work::{TableBudget, Work};
use super::worth::Worth;
use super::{BuildError, Hit, PatternId, PatternSet, is_bound, may_match};
use crate::limits::{SIGNATURES, TABLES_BEFORE};

/// Bytes between resets of a warming run, about the length of a field.
#[cfg(test)]
const WARM_PIECE: usize = 512;

/// Bytes of the tables of one pattern by itself, while it is measured.
const TRACE_BYTES: usize = 8 << 20;

/// What a stream may spend beside full tables before they are begun anew, in the measure of
/// [`super::worth::cost`]: a tenth of a second, in which as many states are learnt as there is room for.
const LEARNING: u64 = 1 << 26;

/// Many patterns, made ready. Shared by all threads; only its tables grow, up to a bound.
#[derive(Debug)]
pub struct Automata {
    /// With the tables that values begin on now.
    clusters: RwLock<Arc<[Cluster]>>,
    /// Tables from before, for as long as somebody stands on them.
    before: Mutex<Vec<Weak<[Cluster]>>>,
    /// What streams have spent beside the tables since these were full.
    beside: AtomicU64,
    worth: Worth,
    patterns: usize,
    table_bytes: usize,
}

/// All that automata remember of a value: a few bytes for each cluster.
///
/// Equal cursors stand at the same position and will report the same for the same bytes, while the
/// same patterns are wanted.
#[derive(Clone, Debug, Default)]
pub struct Cursors {
    at: u64,
    started: bool,
    each: Vec<Cursor>,
    /// With the tables that they stand on.
    clusters: Arc<[Cluster]>,
}

impl PartialEq for Cursors {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.started) == (other.at, other.started)
            && self.each == other.each
            && Arc::ptr_eq(&self.clusters, &other.clusters)
    }
}

impl Eq for Cursors {}

impl Cursors {
    /// Bytes of the value scanned so far.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Puts them before the first byte of another value, keeping their memory.
    fn restart(&mut self, clusters: &[Cluster]) {
        self.at = 0;
        self.started = false;
        self.each.clear();
        self.each.extend(clusters.iter().map(|cluster| cluster.start().clone()));
    }

    /// From the tables that they stand on to these.
    fn change_over(&mut self, clusters: &Arc<[Cluster]>) {
        if Arc::ptr_eq(&self.clusters, clusters) {
            return;
        }
        let pairs = self.clusters.iter().zip(clusters.iter());
        for (cursor, (from, to)) in self.each.iter_mut().zip(pairs) {
            *cursor = to.adopt(std::mem::replace(cursor, Cursor::Stopped), from);
        }
        self.clusters = Arc::clone(clusters);
    }

    /// Tells what matches before the first byte, if it has not been told.
    fn begin(&mut self, clusters: &[Cluster], run: &mut Run<'_, '_>) {
        if !std::mem::replace(&mut self.started, true) {
            clusters.iter().for_each(|cluster| cluster.begin(run));
        }
    }

    /// What is to be done for the next piece.
    fn advance<'a>(
        &'a mut self,
        clusters: &'a [Cluster],
        piece: &'a [u8],
        (wanted, hits): (&'a mut PatternSet, &'a mut Vec<Hit>),
        tools: &mut Tools<'_>,
    ) -> Job<'a> {
        self.begin(clusters, &mut Run { wanted, hits, tools });
        let base = self.at;
        self.at += piece.len() as u64;
        Job { clusters, cursors: &mut self.each, piece, base, wanted, hits }
    }

    /// Takes the end of the value.
    fn finish(&self, clusters: &[Cluster], run: &mut Run<'_, '_>) {
        for (cluster, cursor) in clusters.iter().zip(&self.each) {
            if cluster.is_wanted(run) {
                cluster.finish(cursor, self.at, run);
            }
        }
    }
}

/// The next piece of a value, and what is wanted of it.
#[derive(Debug)]
pub struct Piece<'a> {
    /// Where the scan of the value stands.
    pub cursors: &'a mut Cursors,
    /// The piece.
    pub bytes: &'a [u8],
    /// Patterns; those that are reported are taken out.
    ///
    /// Between the pieces of a value patterns may be taken out, never put in: what nobody wants is
    /// not followed.
    pub wanted: &'a mut PatternSet,
    /// To which hits are appended, in order of what they needed, then of patterns.
    pub hits: &'a mut Vec<Hit>,
}

impl Automata {
    /// Makes patterns ready; their ids are their places. Those that match nothing take no room.
    ///
    /// `groups` has a number for each pattern (0 where it is too short): patterns with different ones
    /// share no cluster, so a group of which nothing is wanted costs nothing. `table_bytes` bounds the tables of all
    /// clusters together; when they are full, unseen text gets slow and memory stays, until
    /// [`Self::renew`].
    pub fn new(patterns: &[Hir], groups: &[u32], table_bytes: usize) -> Result<Self, BuildError> {
        if patterns.len() > SIGNATURES {
            return Err(BuildError::new(
                None,
                format!("there are more than {SIGNATURES} patterns"),
            ));
        }
        let named = (0..).map(PatternId).zip(patterns);
        let named: Vec<_> = named.filter(|(_, hir)| may_match(hir)).collect();
        let text = training::text();
        let profiles = named
            .iter()
            .map(|&(id, hir)| profile(id, &trim(hir), groups.get(id.index()).copied(), &text))
            .collect::<Result<Vec<_>, _>>()?;
        let budget = Arc::new(TableBudget::new(table_bytes));
        let clusters = assign(&profiles)
            .into_iter()
            .map(|places| {
                let members = places.into_iter().map(|at| named[at]);
                let members: Vec<_> = members.map(|(id, hir)| (id, trim(hir))).collect();
                let members: Vec<_> = members.iter().map(|(id, hir)| (*id, hir)).collect();
                Cluster::new(&members, table_bytes, Arc::clone(&budget))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            clusters: RwLock::new(clusters),
            before: Mutex::default(),
            beside: AtomicU64::new(0),
            worth: Worth::default(),
            patterns: patterns.len(),
            table_bytes,
        })
    }

    /// The clusters with the tables of now.
    fn now(&self) -> Arc<[Cluster]> {
        Arc::clone(&self.clusters.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts empty tables in the place of full ones; whether they were full. Values that have begun
    /// change over with their next piece; with the last of them the old tables are given back.
    ///
    /// Somebody may have filled the tables with what nobody else sends: without this, what others
    /// send would stay slow. Not while there are [`TABLES_BEFORE`] sets of older tables.
    pub fn renew(&self) -> bool {
        // One at a time.
        let mut older = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.now();
        if !before.iter().any(|cluster| cluster.tables().is_full()) {
            return false;
        }
        self.beside.store(0, Ordering::Relaxed);
        older.retain(|tables| tables.strong_count() > 0);
        if older.len() >= TABLES_BEFORE {
            return false;
        }
        older.push(Arc::downgrade(&before));
        let budget = Arc::new(TableBudget::new(self.table_bytes));
        let anew = |cluster: &Cluster| cluster.anew(self.table_bytes, Arc::clone(&budget));
        let clusters = before.iter().map(anew).collect();
        *self.clusters.write().unwrap_or_else(PoisonError::into_inner) = clusters;
        true
    }

    /// The number of patterns.
    pub fn len(&self) -> usize {
        self.patterns
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.patterns == 0
    }

    /// The number of clusters.
    pub fn clusters(&self) -> usize {
        self.now().len()
    }

    /// The number of clusters that step while these patterns are wanted, and of the states of their
    /// automata, each of which a step without the tables may visit.
    pub fn work(&self, wanted: &PatternSet) -> (usize, usize) {
        let clusters = self.now();
        let stepping = clusters.iter().filter(|cluster| cluster.has_any(wanted));
        stepping.fold((0, 0), |(count, states), cluster| (count + 1, states + cluster.size()))
    }

    /// The number of states in the tables.
    pub fn states(&self) -> usize {
        self.now().iter().map(|cluster| cluster.tables().states()).sum()
    }

    /// Bytes the tables take now.
    pub fn table_bytes(&self) -> usize {
        self.now().iter().map(|cluster| cluster.tables().bytes()).sum()
    }

    /// Cursors before the first byte of a value.
    pub fn start(&self) -> Cursors {
        let clusters = self.now();
        let mut cursors = Cursors::default();
        cursors.restart(&clusters);
        Cursors { clusters, ..cursors }
    }

    /// Scans the next piece of a value.
    ///
    /// A pattern that is reported leaves `wanted`. Hits are appended in order of what they needed, then
    /// of patterns.
    pub fn scan(
        &self,
        cursors: &mut Cursors,
        bytes: &[u8],
        wanted: &mut PatternSet,
        work: &mut Work,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) {
        self.scan_all(&mut [Piece { cursors, bytes, wanted, hits }], work, scratch);
    }

    /// Scans the next pieces of some values, side by side, as [`Self::scan`] does each.
    pub fn scan_all(&self, pieces: &mut [Piece<'_>], work: &mut Work, scratch: &mut Scratch) {
        let clusters = self.now();
        scratch.spent = 0;
        let tools = &mut Tools { work, scratch, warming: false, undecided: None };
        let before: Vec<usize> = pieces.iter().map(|piece| piece.hits.len()).collect();
        let jobs = pieces.iter_mut().map(|Piece { cursors, bytes, wanted, hits }| {
            cursors.change_over(&clusters);
            cursors.advance(&clusters, bytes, (wanted, hits), tools)
        });
        scan(&mut jobs.collect::<Vec<_>>(), tools);
        for (piece, before) in pieces.iter_mut().zip(before) {
            sort(&mut piece.hits[before..]);
        }
        self.go_on(&clusters, scratch.spent);
    }

    /// Begins full tables anew when a stream has spent as much beside them as it takes to learn others: to
    /// wait until somebody calls [`Self::renew`] would cost more.
    fn go_on(&self, clusters: &[Cluster], spent: u64) {
        if !clusters.iter().any(|cluster| cluster.tables().is_frozen()) {
            return;
        }
        if self.beside.fetch_add(spent, Ordering::Relaxed).saturating_add(spent) > LEARNING {
            self.renew();
        }
    }

    /// Tells the end of a value: what `$` and `\b` wait for there is reported.
    pub fn finish(
        &self,
        cursors: &mut Cursors,
        wanted: &mut PatternSet,
        work: &mut Work,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) {
        let before = hits.len();
        let clusters = Arc::clone(&cursors.clusters);
        let tools = &mut Tools { work, scratch, warming: false, undecided: None };
        let run = &mut Run { wanted, hits, tools };
        cursors.begin(&clusters, run);
        cursors.finish(&clusters, run);
        cursors.each.fill(Cursor::Stopped);
        sort(&mut hits[before..]);
    }

    /// Looks into a whole value, as long as the tables go.
    ///
    /// What cannot be told from them, nor from the states that `work` allows to add, is put into
    /// `undecided`: of a value that is at hand it is asked pattern by pattern, which never costs more
    /// than a loop over the patterns.
    pub fn search(
        &self,
        cursors: &mut Cursors,
        value: &[u8],
        (wanted, undecided): (&mut PatternSet, &mut PatternSet),
        work: &mut Work,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) {
        if !self.worth.pays() {
            return undecided.extend(wanted.iter());
        }
        let clusters = self.now();
        cursors.restart(&clusters);
        let (asked, known) = (wanted.len(), undecided.len());
        scratch.spent = 0;
        let tools = &mut Tools { work, scratch, warming: false, undecided: Some(undecided) };
        scan(&mut [cursors.advance(&clusters, value, (wanted, hits), tools)], tools);
        cursors.finish(&clusters, &mut Run { wanted, hits, tools });
        let decided = asked.saturating_sub(undecided.len().saturating_sub(known));
        self.worth.book(value.len(), decided, scratch.spent);
    }

    /// Fills the tables with what `text` meets: as one value, and cut into short ones.
    #[cfg(test)]
    pub(super) fn warm(&self, text: &[u8]) {
        let mut wanted = PatternSet::none(0);
        let mut scratch = Scratch::default();
        let mut hits = Vec::new();
        for value in std::iter::once(text).chain(text.chunks(WARM_PIECE)) {
            let (work, scratch) = (&mut Work::unlimited(), &mut scratch);
            let tools = &mut Tools { work, scratch, warming: true, undecided: None };
            let clusters = self.now();
            let mut cursors = self.start();
            let job = cursors.advance(&clusters, value, (&mut wanted, &mut hits), tools);
            scan(&mut [job], tools);
            let (wanted, hits) = (&mut wanted, &mut hits);
            cursors.finish(&clusters, &mut Run { wanted, hits, tools });
        }
    }
}

/// Runs a pattern by itself over the text.
fn profile(
    id: PatternId,
    pattern: &Hir,
    group: Option<u32>,
    text: &[u8],
) -> Result<Profile, BuildError> {
    let budget = Arc::new(TableBudget::new(TRACE_BYTES));
    let cluster = Cluster::new(&[(id, pattern)], TRACE_BYTES, budget)?;
    let trace = trace(&cluster, text);
    // Where all begin with the value they soon are over, so they stay among themselves.
    let group = group.unwrap_or(0) * 2 + u32::from(is_bound(pattern));
    Ok(Profile { group, size: cluster.size(), trace })
}

/// The state after each byte of a text.
fn trace(cluster: &Cluster, text: &[u8]) -> Vec<u32> {
    let (mut wanted, mut work) = (PatternSet::none(0), Work::unlimited());
    let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
    let (work, scratch) = (&mut work, &mut scratch);
    let tools = &mut Tools { work, scratch, warming: true, undecided: None };
    let mut run = Run { wanted: &mut wanted, hits: &mut hits, tools };
    let mut cursor = cluster.start().clone();
    (0..)
        .zip(text.chunks(1))
        .map(|(at, byte)| {
            alone(cluster, &mut cursor, byte, u64::from(at), &mut run);
            match cursor {
                Cursor::On(state) => state,
                Cursor::Stopped => DEAD,
                // More states than the tables hold: each counts as a new one.
                _ => u32::MAX - at,
            }
        })
        .collect()
}

fn sort(hits: &mut [Hit]) {
    hits.sort_unstable_by_key(|hit| (hit.needed, hit.pattern));
}
