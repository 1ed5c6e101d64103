//! [`Convoy`]: of a cluster that is to go over several pieces that are much the same, one lane goes all
//! the way, and the others follow its trail.

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
    /// Those that go all the way.
    pub(super) leaders: Vec<Lane>,
    pub(super) followers: Vec<Follower>,
    /// The number of trails that followers ask for.
    pub(super) trails: usize,
    /// What the piece of the second job has of the first one's, as far as it was asked.
    compared: Vec<((usize, usize), Alike)>,
}

/// What a piece has of another one; `None`: too little.
type Alike = Option<Rc<[Stretch]>>;

/// A lane that follows a trail, and what its piece has of the one where the trail is made.
pub(super) struct Follower {
    pub(super) lane: Lane,
    pub(super) trail: usize,
    pub(super) stretches: Rc<[Stretch]>,
}

impl Convoy {
    /// Adds a lane; gives it back where it cannot follow, nor others follow it.
    pub(super) fn add(&mut self, lane: Lane, jobs: &[Job<'_>]) -> Option<Lane> {
        if jobs.len() == 1 || jobs[lane.job].piece.len() < LONG {
            return Some(lane);
        }
        match self.leader(lane, jobs) {
            Some((leader, stretches)) => {
                let trail = *self.leaders[leader].trail.get_or_insert(self.trails);
                self.trails = self.trails.max(trail + 1);
                self.followers.push(Follower { lane, trail, stretches });
            }
            None => self.leaders.push(lane),
        }
        None
    }

    /// The number of the leader that a lane may follow.
    fn leader(&mut self, lane: Lane, jobs: &[Job<'_>]) -> Option<(usize, Rc<[Stretch]>)> {
        let leaders = self.leaders.iter().enumerate();
        let same = leaders.filter(|(_, leader)| leader.place == lane.place).take(COMPARED);
        let pairs: Vec<_> = same.map(|(number, leader)| (number, (leader.job, lane.job))).collect();
        pairs.into_iter().find_map(|(number, pair)| Some((number, self.compare(pair, jobs)?)))
    }

    fn compare(&mut self, pair: (usize, usize), jobs: &[Job<'_>]) -> Alike {
        if let Some((_, known)) = self.compared.iter().find(|(known, _)| *known == pair) {
            return known.clone();
        }
        let found = stretches(jobs[pair.0].piece, jobs[pair.1].piece).map(Rc::from);
        self.compared.push((pair, found.clone()));
        found
    }
}
