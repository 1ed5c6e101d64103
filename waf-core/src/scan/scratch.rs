//! Working memory of one worker, reused from request to request.

use super::pipeline::{NodeState, RawHit};
use crate::automaton::{self, PatternId};

/// Working memory of one worker. It holds nothing of a request between calls, so any request may
/// use any scratch.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What each node of a plan makes of a piece.
    pub(super) outputs: Vec<Vec<u8>>,
    /// States of the nodes of a value that comes in one piece.
    pub(super) states: Vec<NodeState>,
    /// Matches of a piece.
    pub(super) hits: Vec<RawHit>,
    /// Working memory of the automata.
    pub(super) automata: automaton::Scratch,
    /// Matches of one automaton run.
    pub(super) pattern_hits: Vec<automaton::Hit>,
    /// Matches of one phrase run.
    pub(super) list_hits: Vec<automaton::Hit>,
    /// Patterns that passed the gate, and the node they were looked for at; `None`: nobody asks.
    pub(super) candidates: Option<Vec<(usize, PatternId)>>,
}
