//! Whether a regex is one that the engine takes.

use std::ops::Range;

use regex_syntax::{Error, ParserBuilder};

/// What is wrong with a regex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexProblem {
    /// First byte of the part that is wrong; `start <= end <= pattern.len()`.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What is wrong, without a full stop.
    pub message: String,
}

impl RegexProblem {
    /// The part of the pattern that is wrong.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Checks the syntax: a regex over bytes, dot matches LF, `$` only at the end.
pub fn check_regex(pattern: &str) -> Result<(), RegexProblem> {
    let parser = ParserBuilder::new().unicode(false).utf8(false).dot_matches_new_line(true).build();
    let problem = |start: usize, end: usize, message: String| {
        let end = end.min(pattern.len());
        RegexProblem { start: start.min(end), end, message }
    };
    match { parser }.parse(pattern) {
        Ok(_) => Ok(()),
        Err(Error::Parse(error)) => {
            let span = error.span();
            Err(problem(span.start.offset, span.end.offset, error.kind().to_string()))
        }
        Err(Error::Translate(error)) => {
            let span = error.span();
            Err(problem(span.start.offset, span.end.offset, error.kind().to_string()))
        }
        Err(error) => Err(problem(0, pattern.len(), error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

    use super::*;

    #[test]
    fn the_wrong_part_is_told() {
        assert_eq!(check_regex(r"(?i)\bunion\s+[^a-z]é").err(), None);
        assert_eq!(check_regex("ab(cd").unwrap_err().range(), 2..3);
        assert_eq!(check_regex("a(?=b)").unwrap_err().range(), 1..4);
        assert_eq!(check_regex(r"(a)\1").unwrap_err().range(), 3..5);
    }
}
