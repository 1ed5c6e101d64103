//! [`Convoy`]: of a cluster that is to go over several pieces that are much the same, one lane goes all
//! the way, and the others follow its trail.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::alike::{Stretch, stretches};
use super::lanes::{Job, Lane};

/// Bytes of a piece from which on others are compared with it: to go over fewer costs less.
const LONG: usize = 1 << 10;

/// Leaders that a lane is compared with. What is like none is most often like none to come.
const COMPARED: usize = 3;

/// Lanes, and who follows whom.
#[derive(Default)]
pub(super) struct Convoy {
    /// Those that go all the way; whom others follow makes a trail of its own number.
    pub(super) leaders: Vec<Lane>,
    pub(super) followers: Vec<Follower>,
    /// What the piece of the second job has of the first one's, if enough, as far as it was asked.
    compared: BTreeMap<(usize, usize), Option<Rc<[Stretch]>>>,
}

/// A lane that follows a leader, and what its piece has of the leader's.
pub(super) struct Follower {
    pub(super) lane: Lane,
    pub(super) leader: usize,
    pub(super) stretches: Rc<[Stretch]>,
}

impl Convoy {
    /// Adds a lane; gives it back where it cannot follow, nor others follow it.
    pub(super) fn add(&mut self, lane: Lane, jobs: &[Job<'_>]) -> Option<Lane> {
        if jobs[lane.job].piece.len() < LONG {
            return Some(lane);
        }
        let leaders = self.leaders.iter_mut().enumerate();
        let mut same = leaders.filter(|(_, leader)| leader.place == lane.place).take(COMPARED);
        let followed = same.find_map(|(number, leader)| {
            let pair = (leader.job, lane.job);
            let compare = || stretches(jobs[pair.0].piece, jobs[pair.1].piece).map(Rc::from);
            let stretches = self.compared.entry(pair).or_insert_with(compare).clone()?;
            leader.trail = Some(number);
            Some(Follower { lane, leader: number, stretches })
        });
        match followed {
            Some(follower) => self.followers.push(follower),
            None => self.leaders.push(lane),
        }
        None
    }
}
