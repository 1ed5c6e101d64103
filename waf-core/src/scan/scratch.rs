//! Working memory of one worker, reused from request to request.

use super::known::Known;
use super::leaders::Leaders;
use super::pipeline::{Output, RawHit};
use super::search::Search;
use crate::automaton::{self, PatternId};
use crate::ruleset::KnownNames;
use crate::transform::Transducers;

/// Working memory of one worker. Any request may use any scratch: what is left in it of one means
/// nothing to another.
#[derive(Debug, Default)]
pub struct Scratch {
    /// What each node of a plan makes of a piece.
    pub(super) outputs: Vec<Output>,
    /// The bytes of those that differ from their parent's.
    pub(super) buffers: Vec<Vec<u8>>,
    /// The transformations, for values that come in one piece.
    pub(super) transducers: Transducers,
    /// The different outputs of a value that came in one piece.
    pub(super) leaders: Leaders,
    /// The search in one output.
    pub(super) search: Search,
    /// Names whose class is known.
    pub(super) names: KnownNames,
    /// Values whose answer is known.
    pub(super) known: Known,
    /// Matches of a piece.
    pub(super) hits: Vec<RawHit>,
    /// Working memory of the automata.
    pub(super) automata: automaton::Scratch,
    /// Patterns that passed the gate, and the node they were looked for at; `None`: nobody asks.
    pub(super) candidates: Option<Vec<(usize, PatternId)>>,
}
