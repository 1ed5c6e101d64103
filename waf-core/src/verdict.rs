//! What the engine tells the proxy: refuse or go on.

use crate::record::Source;

/// The request (or response) must be refused now. Only given where it is to be carried out: in
/// detection-only mode the engine records what would have been and gives none, but for findings
/// that are refused in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status to answer with.
    pub status: u16,
    /// Who refuses, for record and metrics.
    pub source: Source,
}

/// How far a body may go on to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the body as received that were inspected and hold nothing that makes a block
    /// certain: `forward <= bytes given so far`. Never goes back. What lies beyond must be kept.
    pub forward: u64,
    /// Set once; nothing more may be forwarded then.
    pub refusal: Option<Refusal>,
}
