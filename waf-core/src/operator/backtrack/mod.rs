//! Patterns that no automaton can match, run by backtracking within a number of steps.
//!
//! Look-around, back references, possessive quantifiers and atomic groups have no automaton; five
//! patterns of the Core Rule Set 3 use them. Backtracking can take time that grows with any power
//! of a value's length, so each search has steps in proportion to it, counted where work is done: an
//! instruction, or a byte that a repeat runs over. When they are spent the value counts as a match.
//!
//! The libraries that backtrack limit the branches taken back; between two of them they may run
//! over the whole value, so their time is bounded by its square at best.
//!
//! ```text
//! pattern -parse-> Node -compile-> Program -run-> Outcome
//! ```

mod compile;
mod parse;
mod program;
mod run;
mod width;

use std::fmt;

use super::captures::Captures;
use crate::limits::{BACKTRACK_STEPS, BACKTRACK_STEPS_PER_BYTE};
use program::Program;
use run::Search;

/// A pattern with look-around, back references, possessive quantifiers or atomic groups.
#[derive(Clone, Debug)]
pub struct Backtrack(Program);

/// What came of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No match.
    No,
    /// A match, and what its groups matched.
    Match(Captures),
    /// The steps were spent before an answer was found. Counts as a match: a value that could hide
    /// by its cost would be the way around the rule.
    Spent,
}

impl Outcome {
    /// Whether the rule is to count it as a match.
    pub fn holds(&self) -> bool {
        !matches!(self, Self::No)
    }
}

impl Backtrack {
    /// A pattern as `seclang::pcre::rewrite` writes it, or any of that plain syntax.
    pub fn new(pattern: &str) -> Result<Self, BacktrackError> {
        let pattern = parse::parse(pattern.as_bytes())?;
        compile::compile(&pattern).map(Self)
    }

    /// The leftmost match in a whole value, as PCRE finds it.
    pub fn find(&self, value: &[u8]) -> Outcome {
        let steps = value.len().saturating_mul(BACKTRACK_STEPS_PER_BYTE);
        let mut search = Search::new(&self.0, value, steps.saturating_add(BACKTRACK_STEPS));
        match search.leftmost() {
            Ok(true) => Outcome::Match(Captures::from_fn(|group| search.group(group))),
            Ok(false) => Outcome::No,
            Err(_) => Outcome::Spent,
        }
    }
}

/// A pattern that cannot be run by backtracking either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BacktrackError(&'static str);

impl fmt::Display for BacktrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BacktrackError {}

#[cfg(test)]
mod tests;
