//! Patterns: text to [`Hir`], in the meaning the field gives it.
//!
//! Bytes, not characters; `.` is any byte, LF too; `$` only at the very end; `\w \d \s \b` and
//! `(?i)` are ASCII. So reads ModSecurity 2 (PCRE with DOTALL and DOLLAR_ENDONLY, without
//! MULTILINE and UTF). Texts that are no regex become patterns too, so that one scan does both.

use std::fmt;
use std::ops::Range;

use regex_syntax::ParserBuilder;
use regex_syntax::ast;
use regex_syntax::hir::{Hir, Look};

/// Reads a regex.
pub fn parse(pattern: &str) -> Result<Hir, SyntaxError> {
    parse_with(pattern, false)
}

/// Reads a regex that ignores (ASCII) case, as those of selectors do.
pub fn parse_ignoring_case(pattern: &str) -> Result<Hir, SyntaxError> {
    parse_with(pattern, true)
}

/// Matches where `text` occurs, byte by byte.
pub fn contains(text: &[u8]) -> Hir {
    Hir::literal(text)
}

/// Matches where the value begins with `text`.
pub fn begins_with(text: &[u8]) -> Hir {
    Hir::concat(vec![Hir::look(Look::Start), Hir::literal(text)])
}

/// Matches where the value ends with `text`.
pub fn ends_with(text: &[u8]) -> Hir {
    Hir::concat(vec![Hir::literal(text), Hir::look(Look::End)])
}

/// Matches where the value is `text`.
pub fn equals(text: &[u8]) -> Hir {
    Hir::concat(vec![Hir::look(Look::Start), Hir::literal(text), Hir::look(Look::End)])
}

/// A regex that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    range: Range<usize>,
    message: String,
}

impl SyntaxError {
    /// The bytes of the pattern that are at fault; empty at the end for what is missing there.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

fn parse_with(pattern: &str, ignore_case: bool) -> Result<Hir, SyntaxError> {
    ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .multi_line(false)
        .case_insensitive(ignore_case)
        .build()
        .parse(pattern)
        .map_err(|error| explain(&error))
}

fn explain(error: &regex_syntax::Error) -> SyntaxError {
    let (span, message) = match error {
        regex_syntax::Error::Parse(error) => (Some(error.span()), complaint(error.kind())),
        regex_syntax::Error::Translate(error) => (Some(error.span()), error.kind().to_string()),
        _ => (None, "the regex cannot be read".to_owned()),
    };
    let range = span.map_or(0..0, |span| span.start.offset..span.end.offset);
    SyntaxError { range, message }
}

fn complaint(kind: &ast::ErrorKind) -> String {
    match kind {
        ast::ErrorKind::UnsupportedLookAround => {
            "look-ahead and look-behind are not supported".to_owned()
        }
        ast::ErrorKind::UnsupportedBackreference => "back references are not supported".to_owned(),
        kind => kind.to_string(),
    }
}
