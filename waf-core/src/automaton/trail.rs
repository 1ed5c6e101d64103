//! [`Trail`]: the way of a cluster over a piece, from which most of its way over a piece that is much
//! the same is known. Where it stands in the same state on both, and the bytes that follow are
//! equal, it goes on in the same states.
//!
//! ```text
//! a letter from M%C3%BCnchen of July 7%     every byte, and the states on the way are noted
//! a letter from Mü        nchen of July 7%
//!               ======    ===               the bytes of a piece that follows: until the states meet
//! ```

use super::alike::Stretch;
use super::cluster::{Cursor, Run, Tools};
use super::lanes::{Job, Lane, alone};

/// Bytes from one point of a trail to the next.
pub(super) const STEP: usize = 64;

/// The part of a piece that is walked over by itself: a byte costs three times what it costs in one
/// of four lanes.
const WALKED: usize = 8;

/// The states in which a cluster stood on its way over a piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    /// After how many bytes in which state, in order.
    points: Vec<(usize, u32)>,
    /// The bytes with which it reported something, or may have, in order. Whether that is wanted is
    /// another question for each piece.
    reports: Vec<usize>,
}

impl Trail {
    /// The cluster stands in a state after so many bytes.
    pub(super) fn stands(&mut self, after: usize, state: u32) {
        self.points.push((after, state));
    }

    /// It reports something with a byte, or may.
    pub(super) fn reports(&mut self, at: usize) {
        self.reports.push(at);
    }

    /// Takes a lane over a piece that has these stretches of the trail's. Gives it back with what is
    /// left to be walked as any lane is.
    pub(super) fn follow(
        &self,
        stretches: &[Stretch],
        lane: Lane,
        job: &mut Job<'_>,
        tools: &mut Tools<'_>,
    ) -> Option<Lane> {
        let Job { clusters, cursors, piece, base, wanted, hits } = job;
        let (cluster, cursor) = (&clusters[lane.place], &mut cursors[lane.place]);
        let run = &mut Run { wanted, hits, tools };
        *cursor = Cursor::On(lane.state);
        let (mut at, mut walked) = (lane.at, 0);
        'stretches: for stretch in stretches {
            let end = stretch.from + stretch.length;
            let place_of = |from: usize| stretch.at + (from - stretch.from);
            let mut number = self.first(stretch.from);
            while let Some(&(from, state)) = self.points.get(number).filter(|it| it.0 <= end) {
                let place = place_of(from);
                alone(cluster, cursor, &piece[at..place], *base + at as u64, run);
                walked += place - at;
                at = place;
                if *cursor == Cursor::On(state) {
                    number = self.reach(number, end);
                    let (from, state) = self.points[number];
                    at = place_of(from);
                    *cursor = Cursor::On(state);
                }
                number += 1;
                if walked > piece.len() / WALKED {
                    break 'stretches;
                }
            }
        }
        match *cursor {
            Cursor::On(state) => (at < piece.len()).then_some(Lane { at, state, ..lane }),
            _ => {
                alone(cluster, cursor, &piece[at..], *base + at as u64, run);
                None
            }
        }
    }

    /// The number of the first point that is not before a place.
    fn first(&self, from: usize) -> usize {
        self.points.partition_point(|&(after, _)| after < from)
    }

    /// The number of the last point up to a place that is reached from another without a report.
    fn reach(&self, number: usize, end: usize) -> usize {
        let from = self.points[number].0;
        let report = self.reports.partition_point(|&at| at < from);
        let end = self.reports.get(report).map_or(end, |&at| at.min(end));
        let beyond = self.points[number..].partition_point(|&(after, _)| after <= end);
        number + beyond.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_is_followed_up_to_a_report_or_an_end() {
        let mut trail = Trail::default();
        for (after, state) in [(0, 7), (64, 8), (128, 7), (192, 9), (256, 9)] {
            trail.stands(after, state);
        }
        trail.reports(130);
        assert_eq!((trail.first(0), trail.first(65), trail.first(257)), (0, 2, 5));
        assert_eq!((trail.reach(0, 1_000), trail.reach(2, 1_000)), (2, 2));
        assert_eq!((trail.reach(0, 127), trail.reach(3, 256)), (1, 4));
    }
}
