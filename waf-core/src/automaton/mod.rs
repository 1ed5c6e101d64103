//! Many patterns at once over a value that comes in pieces.
//!
//! Three things to know: [`Automata`] runs regexes ([`syntax`] makes them from text), [`Phrases`]
//! runs lists of phrases, and a [`Hit`] is what either reports. A value is fed in pieces of any
//! length; where it is cut never changes a hit.
//!
//! ```
//! use waf_core::automaton::{Automata, PatternSet, Scratch, Work, syntax};
//!
//! let patterns = [syntax::parse(r"(?i)union\s+select\b")?, syntax::contains(b"../")];
//! let automata = Automata::new(&patterns, &[0, 0], 1 << 20)?;
//!
//! let mut wanted = PatternSet::all(patterns.len());
//! let (mut work, mut scratch, mut hits) = (Work::request(), Scratch::default(), Vec::new());
//! let mut cursors = automata.start();
//! for piece in [&b"1 UNI"[..], b"ON  select"] {
//!     work.earn(piece.len());
//!     automata.scan(&mut cursors, piece, &mut wanted, &mut work, &mut scratch, &mut hits);
//! }
//! automata.finish(&mut cursors, &mut wanted, &mut work, &mut scratch, &mut hits);
//! assert_eq!((hits.len(), hits[0].pattern.index(), hits[0].end), (1, 0, 15));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The naive way is a loop over the patterns. Here a few clusters of patterns step
//! side by side, each a finite automaton whose states are made when they are first met and then
//! shared by all threads (`tables.rs`). What a new state costs is bounded by [`Work`]; past it, and
//! when the tables are full, the same answer comes from simulating the automaton (`nfa.rs`).

pub mod syntax;

mod alike;
mod any_case;
mod assign;
mod cluster;
mod convoy;
mod edges;
mod gate;
mod kinds;
mod lanes;
mod literals;
mod look;
mod needs;
mod nfa;
mod phrases;
mod scouts;
mod scratch;
mod set;
mod sieve;
mod tables;
mod trail;
mod training;
mod trim;
mod ways;
mod work;
mod worth;

mod automata;
#[cfg(test)]
mod tests;

use std::fmt;

use regex_syntax::hir::{Hir, HirKind, Look};

pub use any_case::in_any_case;
pub use automata::{Automata, Cursors, Piece};
pub use gate::{Asked, Gate, Occurs};
pub use phrases::{PhraseCursor, Phrases};
pub use scratch::Scratch;
pub use set::PatternSet;
pub use sieve::Found;
pub(crate) use trim::trim;
pub use work::Work;

/// A pattern (or a list of phrases), by its place among those it was built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatternId(u16);

impl PatternId {
    /// The pattern at this place; `None` when there can be no such pattern.
    pub fn new(index: usize) -> Option<Self> {
        u16::try_from(index).ok().map(Self)
    }

    /// Its place.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The first match of a pattern in a value: of all its matches the one that ends first.
///
/// Positions count from the start of the value: `start <= end <= needed <= end + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hit {
    /// Which pattern.
    pub pattern: PatternId,
    /// The first byte of the match. Known for phrases only: the longest of those ending here.
    pub start: Option<u64>,
    /// One past the last byte of the match.
    pub end: u64,
    /// One past the last byte that had to be known: `end`, or one more where `\b` or `$` looks at
    /// the next byte. The end of the value, where it had to be known, is no byte.
    pub needed: u64,
}

/// Whether every match begins where the value does.
pub(crate) fn is_bound(pattern: &Hir) -> bool {
    pattern.properties().look_set_prefix().contains(Look::Start)
}

/// The fewest bytes that a pattern matches; `None`: there is no text that it matches. Unlike the
/// property of [`Hir`], an alternative that matches nothing leaves the others as they are.
fn shortest(pattern: &Hir) -> Option<usize> {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(0),
        HirKind::Literal(literal) => Some(literal.0.len()),
        HirKind::Class(class) => class.minimum_len(),
        HirKind::Repetition(repetition) if repetition.min == 0 => Some(0),
        HirKind::Repetition(repetition) => {
            Some(shortest(&repetition.sub)?.saturating_mul(repetition.min as usize))
        }
        HirKind::Capture(capture) => shortest(&capture.sub),
        HirKind::Concat(parts) => {
            parts.iter().try_fold(0_usize, |sum, part| Some(sum.saturating_add(shortest(part)?)))
        }
        HirKind::Alternation(parts) => parts.iter().filter_map(shortest).min(),
    }
}

/// Whether there is a text that the pattern matches.
fn may_match(pattern: &Hir) -> bool {
    shortest(pattern).is_some()
}

/// Why patterns cannot be built.
#[derive(Debug)]
pub struct BuildError {
    pattern: Option<PatternId>,
    message: String,
}

impl BuildError {
    fn new(pattern: Option<PatternId>, message: impl Into<String>) -> Self {
        Self { pattern, message: message.into() }
    }

    /// The pattern that is at fault, where it is one.
    pub fn pattern(&self) -> Option<PatternId> {
        self.pattern
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BuildError {}
