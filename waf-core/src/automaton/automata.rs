//! [`Automata`]: several clusters behind one face, stepping side by side.
//!
//! A step is one load that the next one waits for. Clusters wait for nothing of each other, so
//! taking four of them over each byte costs little more than taking one.

use std::sync::{Arc, OnceLock};

use regex_syntax::hir::Hir;

use super::assign::{Profile, assign};
use super::cluster::{Cluster, Cursor, Run};
use super::nfa::{self, Scratch};
use super::tables::{self, Page, SLOW};
use super::trim::trim;
use super::work::{TableBudget, Work};
use super::{BuildError, Hit, PatternId, PatternSet};
use crate::limits::{PATTERN_NFA_STATES, SIGNATURES};

/// Clusters that step side by side. More spill registers.
const LANES: usize = 4;

/// Bytes between resets of a warming run, about the length of a field.
const WARM_PIECE: usize = 512;

/// Many patterns, made ready. Shared by all threads; only its tables grow, up to a bound.
#[derive(Debug)]
pub struct Automata {
    clusters: Vec<Cluster>,
    patterns: usize,
}

/// All that automata remember of a value: a few bytes for each cluster.
///
/// Equal cursors stand at the same position and will report the same for the same bytes, while the
/// same patterns are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursors {
    at: u64,
    started: bool,
    each: Vec<Cursor>,
}

impl Cursors {
    /// Bytes of the value scanned so far.
    pub fn position(&self) -> u64 {
        self.at
    }
}

impl Automata {
    /// Makes patterns ready; their ids are their places.
    ///
    /// `groups` has a number for each pattern: patterns with different ones share no cluster, so a
    /// group of which nothing is wanted costs nothing. `table_bytes` bounds the tables of all
    /// clusters together; when they are full, unseen text gets slow and memory stays.
    pub fn new(patterns: &[Hir], groups: &[u32], table_bytes: usize) -> Result<Self, BuildError> {
        if patterns.len() > SIGNATURES {
            return Err(BuildError::new(
                None,
                format!("there are more than {SIGNATURES} patterns"),
            ));
        }
        let trimmed: Vec<Hir> = patterns.iter().map(trim).collect();
        let mut named = Vec::with_capacity(trimmed.len());
        let mut profiles = Vec::with_capacity(trimmed.len());
        for (at, hir) in trimmed.iter().enumerate() {
            let id = PatternId(at as u16);
            let group = groups.get(at).copied().unwrap_or(0);
            profiles.push(Profile::new(hir, group, size(id, hir)?));
            named.push((id, hir));
        }
        let budget = Arc::new(TableBudget::new(table_bytes));
        let clusters = assign(&profiles)
            .into_iter()
            .map(|places| {
                let members: Vec<_> = places.into_iter().map(|at| named[at]).collect();
                Cluster::new(&members, table_bytes, Arc::clone(&budget))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { clusters, patterns: patterns.len() })
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
        self.clusters.len()
    }

    /// The number of states in the tables.
    pub fn states(&self) -> usize {
        self.clusters.iter().map(|cluster| cluster.tables().states()).sum()
    }

    /// Bytes the tables take now.
    pub fn table_bytes(&self) -> usize {
        self.clusters.iter().map(|cluster| cluster.tables().bytes()).sum()
    }

    /// Cursors before the first byte of a value.
    pub fn start(&self) -> Cursors {
        let each = self.clusters.iter().map(|cluster| cluster.start().clone()).collect();
        Cursors { at: 0, started: false, each }
    }

    /// Puts used cursors before the first byte of another value, keeping their memory.
    pub fn restart(&self, cursors: &mut Cursors) {
        cursors.at = 0;
        cursors.started = false;
        cursors.each.clear();
        cursors.each.extend(self.clusters.iter().map(|cluster| cluster.start().clone()));
    }

    /// Scans the next piece of a value.
    ///
    /// A pattern that is reported leaves `wanted`. Between the pieces of a value patterns may be
    /// taken out of `wanted`, never put in: what nobody wants is not followed. Hits are appended in
    /// order of what they needed, then of patterns.
    pub fn scan(
        &self,
        cursors: &mut Cursors,
        piece: &[u8],
        wanted: &mut PatternSet,
        work: &mut Work,
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) {
        let before = hits.len();
        self.advance(cursors, piece, &mut Run { wanted, work, scratch, hits, warming: false });
        sort(&mut hits[before..]);
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
        let mut run = Run { wanted, work, scratch, hits, warming: false };
        self.advance(cursors, b"", &mut run);
        for (cluster, cursor) in self.clusters.iter().zip(&mut cursors.each) {
            if cluster.is_wanted(&run) {
                cluster.finish(cursor, cursors.at, &mut run);
            }
            *cursor = Cursor::Stopped;
        }
        sort(&mut hits[before..]);
    }

    /// Fills the tables with what `text` meets: as one value, and cut into short ones.
    pub fn warm(&self, text: &[u8]) {
        let mut wanted = PatternSet::none(0);
        let mut scratch = Scratch::default();
        let mut hits = Vec::new();
        for value in std::iter::once(text).chain(text.chunks(WARM_PIECE)) {
            let work = &mut Work::unlimited();
            let (wanted, scratch, hits) = (&mut wanted, &mut scratch, &mut hits);
            let mut run = Run { wanted, work, scratch, hits, warming: true };
            let mut cursors = self.start();
            self.advance(&mut cursors, value, &mut run);
            for (cluster, cursor) in self.clusters.iter().zip(&cursors.each) {
                cluster.finish(cursor, cursors.at, &mut run);
            }
        }
    }

    fn advance(&self, cursors: &mut Cursors, piece: &[u8], run: &mut Run<'_>) {
        if !std::mem::replace(&mut cursors.started, true) {
            self.clusters.iter().for_each(|cluster| cluster.begin(run));
        }
        let mut batch = Batch::new(self, piece, cursors.at);
        for (place, cluster) in self.clusters.iter().enumerate() {
            let cursor = &mut cursors.each[place];
            if *cursor == Cursor::Stopped {
                continue;
            }
            if !cluster.is_wanted(run) {
                *cursor = Cursor::Stopped;
                continue;
            }
            match *cursor {
                Cursor::On(state) => batch.add(place, state),
                _ => alone(cluster, cursor, piece, cursors.at, run),
            }
            if batch.len == LANES {
                batch.scan(&mut cursors.each, run);
            }
        }
        batch.scan(&mut cursors.each, run);
        cursors.at += piece.len() as u64;
    }
}

/// Up to [`LANES`] clusters that step side by side over a piece.
struct Batch<'a> {
    automata: &'a Automata,
    piece: &'a [u8],
    /// Where the piece begins in the value.
    base: u64,
    /// The clusters' places and states; the first `len` count.
    places: [usize; LANES],
    states: [u32; LANES],
    len: usize,
}

impl<'a> Batch<'a> {
    fn new(automata: &'a Automata, piece: &'a [u8], base: u64) -> Self {
        Self { automata, piece, base, places: [0; LANES], states: [0; LANES], len: 0 }
    }

    fn add(&mut self, place: usize, state: u32) {
        self.places[self.len] = place;
        self.states[self.len] = state;
        self.len += 1;
    }

    /// Takes its clusters over the piece, and is empty again.
    fn scan(&mut self, cursors: &mut [Cursor], run: &mut Run<'_>) {
        let mut at = 0;
        while self.len > 0 {
            let rest = self.piece.get(at..).unwrap_or_default();
            let (taken, entries) = self.step(rest);
            let Some(&byte) = rest.get(taken) else { break };
            at += taken;
            self.settle(entries, byte, at, cursors, run);
            at += 1;
        }
        for lane in 0..self.len {
            cursors[self.places[lane]] = Cursor::On(self.states[lane]);
        }
        self.len = 0;
    }

    fn step(&mut self, rest: &[u8]) -> (usize, [u32; LANES]) {
        match self.len {
            1 => self.step_lanes::<1>(rest),
            2 => self.step_lanes::<2>(rest),
            3 => self.step_lanes::<3>(rest),
            _ => self.step_lanes::<LANES>(rest),
        }
    }

    fn step_lanes<const N: usize>(&mut self, rest: &[u8]) -> (usize, [u32; LANES]) {
        let lanes =
            std::array::from_fn(|lane| Lane::of(&self.automata.clusters[self.places[lane]]));
        let states = std::array::from_fn(|lane| self.states[lane]);
        let (taken, states, entries) = step::<N>(lanes, states, rest);
        self.states[..N].copy_from_slice(&states);
        let mut all = [0; LANES];
        all[..N].copy_from_slice(&entries);
        (taken, all)
    }

    /// Takes every lane over the one byte where some entry is no state. A lane that leaves the
    /// tables goes on alone, one that has nothing left to find is done.
    fn settle(
        &mut self,
        entries: [u32; LANES],
        byte: u8,
        at: usize,
        cursors: &mut [Cursor],
        run: &mut Run<'_>,
    ) {
        let position = self.base + at as u64;
        let before = self.places.into_iter().zip(self.states).zip(entries).take(self.len);
        self.len = 0;
        for ((place, state), entry) in before {
            let cluster = &self.automata.clusters[place];
            let mut cursor = Cursor::On(entry);
            if entry & SLOW != 0 {
                cursor = cluster.slow((state, entry), byte, position, run);
            }
            if let Cursor::On(state) = cursor {
                self.add(place, state);
                continue;
            }
            let rest = self.piece.get(at + 1..).unwrap_or_default();
            alone(cluster, &mut cursor, rest, position + 1, run);
            cursors[place] = cursor;
        }
    }
}

/// Takes one cluster over a piece that begins at `at`, on the tables or off.
fn alone(cluster: &Cluster, cursor: &mut Cursor, piece: &[u8], mut at: u64, run: &mut Run<'_>) {
    let mut rest = piece;
    while !rest.is_empty() {
        let taken;
        (taken, *cursor) = match cursor {
            Cursor::Stopped => return,
            Cursor::Off(kernel) => cluster.simulate(kernel, rest, at, run),
            Cursor::On(state) => {
                let (taken, [state], [entry]) = step([Lane::of(cluster)], [*state], rest);
                match rest.get(taken) {
                    Some(&byte) => {
                        let at = at + taken as u64;
                        (taken + 1, cluster.slow((state, entry), byte, at, run))
                    }
                    None => (taken, Cursor::On(state)),
                }
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
        at += taken as u64;
    }
}

/// What the inner loop needs of a cluster.
#[derive(Clone, Copy)]
struct Lane<'a> {
    classes: &'a [u8; 256],
    pages: &'a [OnceLock<Page>],
}

impl<'a> Lane<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        Self { classes: cluster.classes(), pages: cluster.tables().pages() }
    }
}

/// The inner loop: steps until an entry of some lane is no state, and gives the number of bytes
/// taken, the states after them, and the entries that were met there.
#[inline(never)]
fn step<const N: usize>(
    lanes: [Lane<'_>; N],
    mut states: [u32; N],
    input: &[u8],
) -> (usize, [u32; N], [u32; N]) {
    for (at, &byte) in input.iter().enumerate() {
        let entries: [u32; N] = std::array::from_fn(|lane| {
            let class = usize::from(lanes[lane].classes[usize::from(byte)]);
            tables::entry(lanes[lane].pages, states[lane], class)
        });
        if entries.iter().fold(0, |all, entry| all | entry) & SLOW != 0 {
            return (at, states, entries);
        }
        states = entries;
    }
    (input.len(), states, [0; N])
}

/// The states of a pattern's NFA, if they are not too many.
fn size(id: PatternId, pattern: &Hir) -> Result<usize, BuildError> {
    let size = nfa::size(id, pattern)?;
    if size > PATTERN_NFA_STATES {
        let message =
            format!("the pattern is too large: {size} states, {PATTERN_NFA_STATES} are the most");
        return Err(BuildError::new(Some(id), message));
    }
    Ok(size)
}

fn sort(hits: &mut [Hit]) {
    hits.sort_unstable_by_key(|hit| (hit.needed, hit.pattern));
}
