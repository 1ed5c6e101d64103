//! Where fewer clusters are to go over a piece than step side by side, scouts go over later parts of
//! it. They set out from a state that is guessed, and stop where something is reported. When the
//! cluster comes there, it is stepped until it stands in a state of the scout's, most often after some
//! bytes: from there on it has been where the scout has.
//!
//! ```text
//! cluster   TG9yZW0gaXBz|.....................    up to the first part of a scout
//! scout     ............|dW0gZG9sb3Ig|........    at the same time
//! cluster   ............|dW0          c2l0IGFt    then; the last part it may have to go itself
//! ```

use super::alike::Stretch;
use super::cluster::Tools;
use super::lanes::{Job, Lane};
use super::trail::Trail;

/// Bytes of a piece from which on it is worth it.
const LONG: usize = 4 << 10;

/// Adds scouts to a few lanes, each with a trail of its own number, so that there are `room` in all; the
/// lanes go only as far as their first scouts begin.
pub(super) fn send(lanes: &mut Vec<Lane>, room: usize) {
    let parts = room / lanes.len().max(1);
    if parts < 2 || lanes.iter().any(|lane| lane.end < LONG) {
        return;
    }
    for at in 0..lanes.len() {
        let lane = lanes[at];
        let begin = |part: usize| lane.end * part / parts;
        lanes[at].end = begin(1);
        for part in 1..parts {
            let trail = Some(lanes.len());
            let (at, end) = (begin(part), begin(part + 1));
            lanes.push(Lane { at, end, trail, is_scout: true, ..lane });
        }
    }
}

/// Takes a lane that stands where its first scout set out over their parts; `trails` go by the numbers of
/// the lanes. Gives it back with what is left to be walked as any lane is.
pub(super) fn follow(
    lanes: &[Lane],
    trails: &[Trail],
    lane: Lane,
    job: &mut Job<'_>,
    tools: &mut Tools<'_>,
) -> Option<Lane> {
    let is_own = |it: &Lane| it.is_scout && (it.job, it.place) == (lane.job, lane.place);
    let mut scouts = lanes.iter().zip(trails).filter(|(it, _)| is_own(it));
    let lane = Lane { end: job.piece.len(), ..lane };
    scouts.try_fold(lane, |lane, (scout, trail)| {
        let (at, length) = (scout.at, scout.end - scout.at);
        trail.follow(&[Stretch { at, from: at, length }], lane, job, tools)
    })
}
