//! Patterns that no automaton can match, run by backtracking within a number of steps.

use std::fmt;

use fancy_regex::{BytesMode, Error, Regex, RegexBuilder};

use super::captures::Captures;
use crate::limits::BACKTRACK_STEPS;

/// A pattern with look-around, back references, possessive quantifiers or atomic groups.
#[derive(Clone, Debug)]
pub struct Backtrack(Regex);

/// What came of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No match.
    No,
    /// A match, and what its groups matched.
    Match(Captures),
    /// The steps were spent before an answer was found. Counts as a match: a value that can hide
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
    /// A pattern as `seclang::pcre::rewrite` writes it: bytes, `.` is any of them, ASCII classes.
    pub fn new(pattern: &str) -> Result<Self, BacktrackError> {
        let mut builder = RegexBuilder::new(pattern);
        builder.bytes_mode(BytesMode::Ascii).unicode_mode(false).dot_matches_new_line(true);
        builder.backtrack_limit(BACKTRACK_STEPS);
        builder.build().map(Self).map_err(|error| BacktrackError(error.to_string()))
    }

    /// The leftmost match in a whole value.
    pub fn find(&self, value: &[u8]) -> Outcome {
        match self.0.captures(value) {
            Ok(Some(found)) => {
                Outcome::Match(Captures::from_fn(|group| Some(found.get(group)?.range())))
            }
            Ok(None) => Outcome::No,
            Err(Error::RuntimeError(_)) => Outcome::Spent,
            // There are no others while matching; were there, they must not hide a value.
            Err(_) => Outcome::Spent,
        }
    }
}

/// A pattern that the fallback cannot run either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BacktrackError(String);

impl fmt::Display for BacktrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BacktrackError {}
