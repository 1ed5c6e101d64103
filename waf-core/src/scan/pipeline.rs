//! A value, or a piece of one, through the steps of its plan: what both ways have in common.
//!
//! Most values are the same after most steps. So each step first asks whether its parent's output
//! holds a byte that could wake it; outputs that are equal are scanned once; and what was found is
//! told to every step that shares the run. Most values are whole (`whole.rs`), a few come as
//! streams (`stream.rs`).

use crate::automaton::Hit;
use crate::bytes::ByteSet;
use crate::operator;
use crate::ruleset::{Inquiry, SignatureId};

/// Where a piece stands in its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// It begins the value.
    pub(super) first: bool,
    /// What follows it.
    pub(super) then: Then,
}

/// What follows a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// More of the value.
    More,
    /// More, but the window ends here: what needs the whole value is done with what it has.
    Window,
    /// Nothing: the value ends.
    End,
}

/// Something found at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawHit {
    pub(super) signature: SignatureId,
    pub(super) node: usize,
    /// First byte in the node's output, where the scan itself knows it.
    pub(super) start: Option<u64>,
    /// One past the last byte in the node's output.
    pub(super) end: u64,
    /// Output bytes that had to be known; `None`: all of the value so far.
    pub(super) needed: Option<u64>,
}

impl RawHit {
    /// What a search found for one of those who asked.
    pub(super) fn of(inquiry: Inquiry, hit: &Hit, needed: Option<u64>) -> Self {
        let Inquiry { signature, node } = inquiry;
        Self { signature, node, start: hit.start, end: hit.end, needed }
    }
}

/// What a node made of a piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// The node whose buffer holds it; `None`: it is the input.
    pub(super) buffer: Option<usize>,
    /// The bytes that occur in it.
    pub(super) present: ByteSet,
    /// The earlier node that the automata run for.
    pub(super) shares: Option<usize>,
    /// Whether it differs from the parent's output.
    pub(super) changed: bool,
}

impl Output {
    /// The root's: the input as it is.
    pub(super) fn root(present: ByteSet) -> Self {
        Self { buffer: None, present, shares: None, changed: false }
    }

    /// The bytes.
    pub(super) fn bytes<'a>(&self, input: &'a [u8], buffers: &'a [Vec<u8>]) -> &'a [u8] {
        match self.buffer {
            Some(node) => &buffers[node],
            None => input,
        }
    }
}

/// Asks libinjection for two signatures, about all that is known of a value and its bytes.
pub(super) fn ask_libinjection(
    (sqli, xss): (Option<SignatureId>, Option<SignatureId>),
    at: usize,
    (value, present): (&[u8], ByteSet),
    hits: &mut Vec<RawHit>,
) {
    let end = value.len() as u64;
    let hit = |signature| RawHit { signature, node: at, start: Some(0), end, needed: None };
    hits.extend(sqli.filter(|_| operator::detect_sqli_with(value, present).is_some()).map(hit));
    hits.extend(xss.filter(|_| operator::detect_xss_with(value, present)).map(hit));
}
