//! Clusters that step side by side.
//!
//! A step is one load that the next one waits for. Clusters wait for nothing of each other, so
//! taking four of them over a byte costs little more than taking one. They need not be over the same
//! value: what one value has too few clusters for, the next one fills. And where the pieces of some
//! values are much the same, a cluster goes over one of them, and over little more than the
//! differences of the others (`trail.rs`). Where there are too few all the same, they go over several
//! parts of a piece (`scouts.rs`).

use super::cluster::{Cluster, Cursor, Run, Tools};
use super::convoy::{Convoy, Follower};
use super::scouts;
use super::tables::{self, any_slow, is_slow};
use super::trail::{self, Trail};
use super::{Hit, PatternSet};

/// Clusters that step side by side. More spill registers.
const LANES: usize = 4;

/// A piece of a value on its way through clusters.
pub(super) struct Job<'a> {
    pub(super) clusters: &'a [Cluster],
    /// Where each of them stands.
    pub(super) cursors: &'a mut [Cursor],
    pub(super) piece: &'a [u8],
    /// Where the piece begins in the value.
    pub(super) base: u64,
    pub(super) wanted: &'a mut PatternSet,
    pub(super) hits: &'a mut Vec<Hit>,
}

impl Job<'_> {
    /// The state from which a cluster is to be taken over the piece; `None`: it is over it already,
    /// or stopped.
    fn enter(&mut self, place: usize, tools: &mut Tools<'_>) -> Option<u32> {
        let (cluster, cursor) = (&self.clusters[place], &mut self.cursors[place]);
        let run = &mut Run { wanted: self.wanted, hits: self.hits, tools };
        if *cursor != Cursor::Stopped && !cluster.is_wanted(run) {
            *cursor = Cursor::Stopped;
        }
        match cursor {
            Cursor::On(state) => return (!self.piece.is_empty()).then_some(*state),
            Cursor::Off(_) if cluster.give_up(run) => *cursor = Cursor::Stopped,
            _ => alone(cluster, cursor, self.piece, self.base, run),
        }
        None
    }

    /// Takes a lane over a byte where some lane met no state; whether it goes on from one. If it left the
    /// tables it goes on alone.
    fn settle(&mut self, lane: &mut Lane, (entry, byte): (u32, u8), tools: &mut Tools<'_>) -> bool {
        let position = self.base + lane.at as u64;
        lane.at += 1;
        if !is_slow(entry) {
            lane.state = entry;
            return true;
        }
        let (cluster, cursor) = (&self.clusters[lane.place], &mut self.cursors[lane.place]);
        let run = &mut Run { wanted: self.wanted, hits: self.hits, tools };
        *cursor = cluster.slow((lane.state, entry), byte, position, run);
        match cursor {
            Cursor::On(state) => {
                lane.state = *state;
                return true;
            }
            Cursor::Off(_) if cluster.give_up(run) => *cursor = Cursor::Stopped,
            _ => alone(cluster, cursor, &self.piece[lane.at..], position + 1, run),
        }
        false
    }
}

/// Takes every cluster of every job over its piece.
pub(super) fn scan(jobs: &mut [Job<'_>], tools: &mut Tools<'_>) {
    let (mut lanes, mut convoy) = (Lanes::default(), Convoy::default());
    // A search gives up what leaves the tables; where a trail is followed that is simulated.
    let is_search = tools.undecided.is_some();
    for job in 0..jobs.len() {
        for place in 0..jobs[job].clusters.len() {
            let Some(state) = jobs[job].enter(place, tools) else { continue };
            let end = jobs[job].piece.len();
            let lane = Lane { job, place, state, end, ..Lane::default() };
            let lone = if is_search { Some(lane) } else { convoy.add(lane, jobs) };
            lone.into_iter().for_each(|lane| lanes.take(lane, jobs, tools));
        }
    }
    let Convoy { mut leaders, followers, .. } = convoy;
    if lanes.len == 0 && followers.is_empty() {
        scouts::send(&mut leaders, LANES);
    }
    lanes.trails.resize_with(leaders.len(), Trail::default);
    leaders.iter().for_each(|&lane| lanes.take(lane, jobs, tools));
    lanes.end(jobs, tools);
    let trails = std::mem::take(&mut lanes.trails);
    for lane in std::mem::take(&mut lanes.halted) {
        let job = &mut jobs[lane.job];
        if let Some(lane) = scouts::follow(&leaders, &trails, lane, job, tools) {
            lanes.take(lane, jobs, tools);
        }
    }
    for Follower { lane, leader, stretches } in followers {
        if let Some(lane) = trails[leader].follow(&stretches, lane, &mut jobs[lane.job], tools) {
            lanes.take(lane, jobs, tools);
        }
    }
    lanes.end(jobs, tools);
}

/// A cluster on its way over the piece of a job.
#[derive(Clone, Copy, Default)]
pub(super) struct Lane {
    pub(super) job: usize,
    pub(super) place: usize,
    pub(super) state: u32,
    /// Bytes of the piece that it has taken.
    pub(super) at: usize,
    /// Up to where it is to go.
    pub(super) end: usize,
    /// Where its way is noted.
    pub(super) trail: Option<usize>,
    /// It set out from a state that was guessed (`scouts.rs`).
    pub(super) is_scout: bool,
}

/// Up to [`LANES`] of them; the first `len` count.
#[derive(Default)]
struct Lanes {
    each: [Lane; LANES],
    len: usize,
    trails: Vec<Trail>,
    /// Those that are at their end, but not at that of the piece.
    halted: Vec<Lane>,
}

impl Lanes {
    /// Takes one more on its way.
    fn take(&mut self, lane: Lane, jobs: &mut [Job<'_>], tools: &mut Tools<'_>) {
        self.add(lane);
        while self.len == LANES {
            self.advance(jobs, tools);
        }
    }

    /// Takes all to their ends.
    fn end(&mut self, jobs: &mut [Job<'_>], tools: &mut Tools<'_>) {
        while self.len > 0 {
            self.advance(jobs, tools);
        }
    }

    fn add(&mut self, lane: Lane) {
        self.each[self.len] = lane;
        self.len += 1;
    }

    /// Goes on until one of them has its piece behind it, or meets what is no state.
    fn advance(&mut self, jobs: &mut [Job<'_>], tools: &mut Tools<'_>) {
        let (taken, met) = match self.len {
            1 => self.step::<1>(jobs),
            2 => self.step::<2>(jobs),
            3 => self.step::<3>(jobs),
            _ => self.step::<LANES>(jobs),
        };
        let before = self.each.into_iter().take(std::mem::take(&mut self.len));
        for (number, mut lane) in before.enumerate() {
            lane.at += taken;
            let job = &mut jobs[lane.job];
            let next = job.piece[..lane.end].get(lane.at).copied();
            let met = met.map(|entries| entries[number]).zip(next);
            if let (Some(trail), Some((entry, _))) = (lane.trail, met)
                && is_slow(entry)
            {
                if lane.is_scout {
                    continue;
                }
                self.trails[trail].reports(lane.at);
            }
            if met.is_some_and(|met| !job.settle(&mut lane, met, tools)) {
                continue;
            }
            match lane {
                Lane { at, end, .. } if at < end => self.add(lane),
                Lane { is_scout: true, .. } => {}
                Lane { at, .. } if at < job.piece.len() => self.halted.push(lane),
                Lane { place, state, .. } => job.cursors[place] = Cursor::On(state),
            }
        }
    }

    /// The number of bytes that all lanes took, and what each met at the next one; `None`: some piece
    /// ends there.
    fn step<const N: usize>(&mut self, jobs: &[Job<'_>]) -> (usize, Option<[u32; LANES]>) {
        let each: [Lane; N] = std::array::from_fn(|lane| self.each[lane]);
        let clusters = each.map(|lane| &jobs[lane.job].clusters[lane.place]);
        let inputs = each.map(|lane| &jobs[lane.job].piece[lane.at..lane.end]);
        let wanted = each.map(|lane| &*jobs[lane.job].wanted);
        let before = each.map(|lane| lane.state);
        // What others follow stops at what any of them may want.
        let is_followed = each.iter().any(|lane| lane.trail.is_some() && !lane.is_scout);
        let wanted = (!is_followed).then_some(wanted);
        let (taken, states, met) = if each.iter().any(|lane| lane.trail.is_some()) {
            self.step_noting(clusters, before, inputs, wanted)
        } else {
            step(clusters, before, inputs, wanted)
        };
        for (lane, state) in self.each.iter_mut().zip(states) {
            lane.state = state;
        }
        let widen = |met: [u32; N]| std::array::from_fn(|at| met.get(at).copied().unwrap_or(0));
        (taken, met.map(widen))
    }

    /// The same; the trails note it.
    fn step_noting<const N: usize>(
        &mut self,
        clusters: [&Cluster; N],
        mut states: [u32; N],
        inputs: [&[u8]; N],
        wanted: Option<[&PatternSet; N]>,
    ) -> (usize, [u32; N], Option<[u32; N]>) {
        let length = inputs.iter().map(|input| input.len()).min().unwrap_or_default();
        let mut taken = 0;
        loop {
            self.note(taken, states);
            let next = inputs.map(|input| &input[taken..length.min(taken + trail::STEP)]);
            let (count, after, met) = step(clusters, states, next, wanted);
            (taken, states) = (taken + count, after);
            if met.is_some() || taken == length {
                self.note(taken, states);
                return (taken, states, met);
            }
        }
    }

    /// Notes the states after so many bytes more.
    fn note<const N: usize>(&mut self, taken: usize, states: [u32; N]) {
        for (lane, state) in self.each.iter().zip(states) {
            if let Some(trail) = lane.trail {
                self.trails[trail].stands(lane.at + taken, state);
            }
        }
    }
}

/// Takes one cluster over a piece that begins at `at`, on the tables or off.
pub(super) fn alone(
    cluster: &Cluster,
    cursor: &mut Cursor,
    piece: &[u8],
    mut at: u64,
    run: &mut Run<'_, '_>,
) {
    let mut rest = piece;
    while !rest.is_empty() {
        let taken;
        (taken, *cursor) = match cursor {
            Cursor::Stopped => return,
            Cursor::Off(kernel) => cluster.simulate(kernel, rest, at, run),
            Cursor::On(state) => {
                let (taken, [state], met) = step([cluster], [*state], [rest], Some([&*run.wanted]));
                match (rest.get(taken), met) {
                    (Some(&byte), Some([entry])) => {
                        let at = at + taken as u64;
                        (taken + 1, cluster.slow((state, entry), byte, at, run))
                    }
                    _ => (taken, Cursor::On(state)),
                }
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
        at += taken as u64;
    }
}

/// The inner loop: steps until some lane meets what is not known, or a match that is wanted, or its
/// input ends; `None`: any match. Gives the number of bytes taken, the states after them, and the
/// entries that were met there, if it was not for an end.
#[inline(never)]
fn step<const N: usize>(
    clusters: [&Cluster; N],
    mut states: [u32; N],
    inputs: [&[u8]; N],
    wanted: Option<[&PatternSet; N]>,
) -> (usize, [u32; N], Option<[u32; N]>) {
    let tables = clusters.map(|cluster| cluster.tables().entries());
    // One bound for all of one kind, which leaves registers to the states.
    let length = inputs.iter().map(|input| input.len()).min().unwrap_or_default();
    let room = tables.iter().map(|table| table.len()).min().unwrap_or_default();
    let inputs = inputs.map(|input| &input[..length]);
    let tables = tables.map(|table| &table[..room]);
    if room < tables::BYTES {
        return (0, states, (length > 0).then_some([tables::UNKNOWN; N]));
    }
    #[allow(clippy::needless_range_loop, reason = "all inputs are read at the same place")]
    for at in 0..length {
        let mut entries: [u32; N] = std::array::from_fn(|lane| {
            tables::entry_of(tables[lane], states[lane], inputs[lane][at])
        });
        if any_slow(&entries) {
            if let Some(wanted) = wanted {
                let pass = |lane: usize| clusters[lane].pass(entries[lane], wanted[lane]);
                entries = std::array::from_fn(pass);
            }
            if any_slow(&entries) {
                return (at, states, Some(entries));
            }
        }
        states = entries;
    }
    (length, states, None)
}
