//! Clusters that step side by side.
//!
//! A step is one load that the next one waits for. Clusters wait for nothing of each other, so
//! taking four of them over each byte costs little more than taking one.

use std::sync::atomic::AtomicU32;

use super::PatternSet;
use super::cluster::{Cluster, Cursor, Run};
use super::tables::{self, any_slow, is_slow};

/// Clusters that step side by side. More spill registers.
const LANES: usize = 4;

/// Up to [`LANES`] clusters that step side by side over a piece.
pub(super) struct Batch<'a> {
    clusters: &'a [Cluster],
    piece: &'a [u8],
    /// Where the piece begins in the value.
    base: u64,
    /// The clusters' places and states; the first `len` count.
    places: [usize; LANES],
    states: [u32; LANES],
    len: usize,
}

impl<'a> Batch<'a> {
    pub(super) fn new(clusters: &'a [Cluster], piece: &'a [u8], base: u64) -> Self {
        Self { clusters, piece, base, places: [0; LANES], states: [0; LANES], len: 0 }
    }

    /// Whether it takes no more clusters before its scan.
    pub(super) fn is_full(&self) -> bool {
        self.len == LANES
    }

    /// Adds the cluster at a place, in a state.
    pub(super) fn add(&mut self, place: usize, state: u32) {
        self.places[self.len] = place;
        self.states[self.len] = state;
        self.len += 1;
    }

    /// Takes its clusters over the piece, and is empty again.
    pub(super) fn scan(&mut self, cursors: &mut [Cursor], run: &mut Run<'_>) {
        let mut at = 0;
        while self.len > 0 {
            let rest = self.piece.get(at..).unwrap_or_default();
            let (taken, entries) = self.step(rest, run.wanted);
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

    fn step(&mut self, rest: &[u8], wanted: &PatternSet) -> (usize, [u32; LANES]) {
        match self.len {
            1 => self.step_lanes::<1>(rest, wanted),
            2 => self.step_lanes::<2>(rest, wanted),
            3 => self.step_lanes::<3>(rest, wanted),
            _ => self.step_lanes::<LANES>(rest, wanted),
        }
    }

    fn step_lanes<const N: usize>(
        &mut self,
        rest: &[u8],
        wanted: &PatternSet,
    ) -> (usize, [u32; LANES]) {
        let lanes = std::array::from_fn(|lane| Lane::of(&self.clusters[self.places[lane]]));
        let states = std::array::from_fn(|lane| self.states[lane]);
        let (taken, states, entries) = step::<N>(lanes, states, rest, wanted);
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
            let cluster = &self.clusters[place];
            let mut cursor = Cursor::On(entry);
            if is_slow(entry) {
                cursor = cluster.slow((state, entry), byte, position, run);
            }
            if let Cursor::On(state) = cursor {
                self.add(place, state);
                continue;
            }
            if matches!(cursor, Cursor::Off(_)) && cluster.give_up(run) {
                cursors[place] = Cursor::Stopped;
                continue;
            }
            let rest = self.piece.get(at + 1..).unwrap_or_default();
            alone(cluster, &mut cursor, rest, position + 1, run);
            cursors[place] = cursor;
        }
    }
}

/// Takes one cluster over a piece that begins at `at`, on the tables or off.
pub(super) fn alone(
    cluster: &Cluster,
    cursor: &mut Cursor,
    piece: &[u8],
    mut at: u64,
    run: &mut Run<'_>,
) {
    let mut rest = piece;
    while !rest.is_empty() {
        let taken;
        (taken, *cursor) = match cursor {
            Cursor::Stopped => return,
            Cursor::Off(kernel) => cluster.simulate(kernel, rest, at, run),
            Cursor::On(state) => {
                let (taken, [state], [entry]) =
                    step([Lane::of(cluster)], [*state], rest, run.wanted);
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
    entries: &'a [AtomicU32],
    cluster: &'a Cluster,
}

impl<'a> Lane<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        Self { classes: cluster.classes(), entries: cluster.tables().entries(), cluster }
    }
}

/// The inner loop: steps until some lane meets what is not known, or a match that is wanted. Gives
/// the number of bytes taken, the states after them, and the entries that were met there.
#[inline(never)]
fn step<const N: usize>(
    lanes: [Lane<'_>; N],
    mut states: [u32; N],
    input: &[u8],
    wanted: &PatternSet,
) -> (usize, [u32; N], [u32; N]) {
    for (at, &byte) in input.iter().enumerate() {
        let mut entries: [u32; N] = std::array::from_fn(|lane| {
            let class = usize::from(lanes[lane].classes[usize::from(byte)]);
            tables::entry(lanes[lane].entries, states[lane], class)
        });
        if any_slow(&entries) {
            entries = std::array::from_fn(|lane| lanes[lane].cluster.pass(entries[lane], wanted));
            if any_slow(&entries) {
                return (at, states, entries);
            }
        }
        states = entries;
    }
    (input.len(), states, [0; N])
}
