//! Gathers what is wrong with SecLang text, up to a bound.

use crate::limits;
use crate::source::{Level, Report};

/// Complaints in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    errors: Vec<Report>,
    warnings: Vec<Report>,
}

impl Complaints {
    /// One more; beyond [`limits::COMPLAINTS`] of a level the rest is dropped.
    pub(super) fn push(&mut self, report: Report) {
        let list = match report.level {
            Level::Error => &mut self.errors,
            Level::Warning => &mut self.warnings,
        };
        if list.len() < limits::COMPLAINTS {
            list.push(report);
        }
    }

    /// The value, or `None` with one complaint more.
    pub(super) fn note<T>(&mut self, result: Result<T, Report>) -> Option<T> {
        result.map_err(|report| self.push(report)).ok()
    }

    /// Whether reading on helps nobody.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= limits::COMPLAINTS
    }

    /// How many errors there are.
    pub(super) fn errors(&self) -> usize {
        self.errors.len()
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The warnings, or everything where there is an error.
    pub(super) fn into_result(self) -> Result<Vec<Report>, Vec<Report>> {
        if self.errors.is_empty() {
            return Ok(self.warnings);
        }
        let mut all = self.errors;
        all.extend(self.warnings);
        Err(all)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.errors.len() + self.warnings.len()
    }
}
