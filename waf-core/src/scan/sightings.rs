//! What became true of the fields of a body, with the byte that made it so: for verdicts that fall
//! before the body has ended. Like facts they are given on in canonical order, once nothing earlier
//! can come.

use super::evidence::Evidence;
use crate::field::Collection;
use crate::limits;
use crate::rule::Phase;
use crate::ruleset::{ClassId, SignatureId};

/// A signature is true of a field.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    /// Source bytes that had to be known; of a whole value those up to its end.
    pub(crate) needed: u64,
    pub(crate) collection: Collection,
    pub(crate) class: ClassId,
    pub(crate) signature: SignatureId,
    /// What a record tells, of a value that goes by as a stream: its row is made at its end.
    pub(crate) streamed: Option<Box<Evidence>>,
}

/// Sightings that wait.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    waiting: Vec<Sighting>,
    /// Somebody asks for them.
    watched: bool,
}

impl Sightings {
    /// From now on they are kept.
    pub(crate) fn watch(&mut self) {
        self.watched = true;
    }

    /// One more. Beyond [`limits::SIGHTINGS`] between two verdict points they are left out: what
    /// they are for is a lower bound.
    pub(super) fn push(&mut self, sighting: Sighting) {
        let of_body =
            matches!(Phase::of(sighting.collection), Phase::RequestBody | Phase::ResponseBody);
        if self.watched && of_body && self.waiting.len() < limits::SIGHTINGS {
            self.waiting.push(sighting);
        }
    }

    /// Whether any is kept.
    pub(super) fn is_watched(&self) -> bool {
        self.watched
    }

    /// Gives on, in canonical order, those of a phase that needed no byte beyond `frontier`.
    pub(crate) fn take_until(&mut self, phase: Phase, frontier: u64) -> Vec<Sighting> {
        let is_ready = |it: &Sighting| Phase::of(it.collection) == phase && it.needed <= frontier;
        if !self.waiting.iter().any(is_ready) {
            return Vec::new();
        }
        let (mut ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(is_ready);
        self.waiting = waiting;
        ready.sort_by_key(|it| (it.needed, it.collection, it.class, it.signature));
        ready
    }
}
