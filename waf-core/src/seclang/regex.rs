//! Regexes of rule files.

use super::pcre::{Case, Pattern, rewrite};
use super::text::Text;
use crate::source::{Report, Span};

/// A regex as written, and as our engines read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regex {
    /// As ModSecurity reads it.
    pub written: Vec<u8>,
    /// As our engines read it.
    pub pattern: Pattern,
}

impl Regex {
    /// Reads a regex of an operator or of a tag.
    pub(super) fn read(text: &Text) -> Result<Self, Report> {
        Self::rewritten(text, Case::Sensitive)
    }

    /// Reads a regex of names. All of them run as one automaton, so none can look around.
    pub(super) fn of_names(text: &Text) -> Result<Self, Report> {
        let regex = Self::rewritten(text, Case::Ignored)?;
        match regex.pattern.backtracking {
            None => Ok(regex),
            Some(construct) => {
                let message = format!("the regex of a selector cannot use {}", construct.what);
                Err(Report::error(Some(place(text, construct.offset)), message))
            }
        }
    }

    fn rewritten(text: &Text, case: Case) -> Result<Self, Report> {
        let pattern = rewrite(text.bytes(), case).map_err(|error| {
            let message = format!("the regex is wrong: {error}");
            Report::error(Some(place(text, error.offset())), message)
        })?;
        Ok(Self { written: text.bytes().to_vec(), pattern })
    }
}

/// Where the byte at `offset` stands, or the end.
fn place(text: &Text, offset: usize) -> Span {
    text.part(offset..offset + 1)
}
