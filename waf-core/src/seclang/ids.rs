//! Lists of rule ids: `100200 100100-100199`.

use super::text::{Text, is_blank};
use super::value::number;
use crate::source::Report;

/// The ids from `first` to `last`, both included; `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// The least id.
    pub first: u64,
    /// The greatest id.
    pub last: u64,
}

impl IdRange {
    /// Whether the id is one of them.
    pub fn contains(self, id: u64) -> bool {
        (self.first..=self.last).contains(&id)
    }
}

/// Reads ids and ranges, separated by blanks or commas.
pub(super) fn ids(text: &Text) -> Result<Vec<IdRange>, Report> {
    let parts = text.split(|byte| is_blank(byte) || byte == b',');
    let ranges: Result<Vec<_>, _> =
        parts.iter().filter(|part| !part.is_empty()).map(range).collect();
    match ranges {
        Ok(ranges) if ranges.is_empty() => Err(text.error("the id of a rule is expected here")),
        other => other,
    }
}

fn range(text: &Text) -> Result<IdRange, Report> {
    let (first, last) = text.split_once(b'-').unwrap_or_else(|| (text.clone(), text.clone()));
    let range = IdRange { first: number(&first)?, last: number(&last)? };
    if range.first > range.last {
        return Err(text.error("this range of ids ends before it begins"));
    }
    Ok(range)
}
