//! Complaints about a configuration, each at its place in the file.

use waf_core::source::{Report, Span};

use waf_core::yaml::Located;

/// Collects complaints, so that one run tells all of them.
pub(super) struct Checker<'a> {
    located: Option<&'a Located>,
    reports: Vec<Report>,
}

impl<'a> Checker<'a> {
    /// For the file whose places are `located`; `None` where there is no file.
    pub(super) fn new(located: Option<&'a Located>) -> Self {
        Self { located, reports: Vec::new() }
    }

    /// Where the value at `path` stands; the empty path is for what no file says.
    pub(super) fn span(&self, path: &str) -> Option<Span> {
        self.located.filter(|_| !path.is_empty()).map(|located| located.span(path))
    }

    /// Where the key at the end of `path` stands.
    pub(super) fn key(&self, path: &str) -> Option<Span> {
        self.located.map(|located| located.key(path))
    }

    /// Something is wrong with the value at `path`.
    pub(super) fn error(&mut self, path: &str, message: impl Into<String>) {
        self.push(Report::error(self.span(path), message));
    }

    /// The same, with advice.
    pub(super) fn error_help(
        &mut self,
        path: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Report::error(self.span(path), message).help(help));
    }

    /// Adds a complaint made elsewhere. The same words are said once: what is wrong at the top of
    /// the file is wrong in every route that inherits it.
    pub(super) fn push(&mut self, report: Report) {
        if self.reports.iter().all(|known| known.message != report.message) {
            self.reports.push(report);
        }
    }

    /// Complains unless `least <= value <= most`; the value as it may be used, anyway.
    pub(super) fn between<T: PartialOrd + std::fmt::Display>(
        &mut self,
        path: &str,
        value: T,
        (least, most): (T, T),
    ) -> T {
        if value < least || value > most {
            let key = path.rsplit('.').next().unwrap_or(path);
            self.error(path, format!("`{key}` is {value}: it must be from {least} to {most}"));
        }
        value
    }

    /// The value, unless something was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<Report>> {
        if self.reports.is_empty() { Ok(value) } else { Err(self.reports) }
    }
}
