//! Gathers what is wrong with the meaning of one text.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use serde_json::Value;

use super::locate::Located;
use crate::source::{Report, Source, Span};
use crate::suggest;

/// Every complaint about one text. Paths are those of [`Located::span`].
pub(super) struct Checker<'a> {
    located: &'a Located,
    reports: Vec<Report>,
    /// Required keys that are not there, by mapping: one complaint for all of a mapping.
    missing: BTreeMap<String, Vec<Missing>>,
}

struct Missing {
    key: &'static str,
    help: Option<&'static str>,
}

impl<'a> Checker<'a> {
    /// No complaint yet.
    pub(super) fn new(located: &'a Located) -> Self {
        Self { located, reports: Vec::new(), missing: BTreeMap::new() }
    }

    /// What was wrong, in the order of the text.
    pub(super) fn take_reports(&mut self) -> Vec<Report> {
        for (path, keys) in std::mem::take(&mut self.missing) {
            let report = self.missing_report(&path, &keys);
            self.reports.push(report);
        }
        self.reports.sort_by_key(|report| report.span.as_ref().map(|span| span.start));
        std::mem::take(&mut self.reports)
    }

    /// The place of the value at `path`.
    pub(super) fn span(&self, path: &str) -> Span {
        self.located.span(path)
    }

    /// The text.
    pub(super) fn source(&self) -> &'a Arc<Source> {
        self.located.source()
    }

    /// The place of a stretch of the text at `path`, where the file has it just so.
    pub(super) fn inside(&self, path: &str, part: Range<usize>) -> Option<Span> {
        self.located.inside(path, part)
    }

    /// The value at `path` is wrong.
    pub(super) fn wrong(&mut self, path: &str, message: impl Into<String>) -> Complaint<'_> {
        self.push(Report::error(Some(self.located.span(path)), message))
    }

    /// The key at the end of `path` is wrong.
    pub(super) fn wrong_key(&mut self, path: &str, message: impl Into<String>) -> Complaint<'_> {
        self.push(Report::error(Some(self.located.key(path)), message))
    }

    /// The stretch `part` of the text at `path` is wrong.
    pub(super) fn wrong_part(
        &mut self,
        path: &str,
        part: Range<usize>,
        message: impl Into<String>,
    ) -> Complaint<'_> {
        let whole = || self.located.span(path);
        let span = self.located.inside(path, part).unwrap_or_else(whole);
        self.push(Report::error(Some(span), message))
    }

    /// A word that is none of `names`.
    pub(super) fn unknown<'n>(
        &mut self,
        path: &str,
        kind: &str,
        word: &str,
        names: impl IntoIterator<Item = &'n str> + Clone,
    ) -> Complaint<'_> {
        let help = suggest::help(word, names);
        self.wrong(path, format!("unknown {kind} `{word}`")).maybe_help(help)
    }

    /// A required key of the mapping at `path` is not there.
    pub(super) fn missing(&mut self, path: &str, key: &'static str, help: Option<&'static str>) {
        self.missing.entry(path.to_owned()).or_default().push(Missing { key, help });
    }

    fn missing_report(&self, path: &str, keys: &[Missing]) -> Report {
        let span = self.located.span(path);
        let span = Span { end: span.end.min(span.start + 1), ..span };
        let names: Vec<_> = keys.iter().map(|missing| format!("`{}`", missing.key)).collect();
        let message = match names.as_slice() {
            [name] => format!("the key {name} is missing"),
            names => format!("the keys {} are missing", names.join(", ")),
        };
        let help: Vec<_> = keys.iter().filter_map(|missing| missing.help).collect();
        let report = Report::error(Some(span), message);
        if help.is_empty() { report } else { report.help(help.join("; ")) }
    }

    /// A required text under the top key `name`, not empty.
    pub(super) fn text<'v>(
        &mut self,
        name: &'static str,
        value: Option<&'v str>,
    ) -> Option<&'v str> {
        self.text_at("", name, value)
    }

    /// A required text under the key `name` of the mapping at `path`, not empty.
    pub(super) fn text_at<'v>(
        &mut self,
        path: &str,
        name: &'static str,
        value: Option<&'v str>,
    ) -> Option<&'v str> {
        let Some(text) = value else {
            self.missing(path, name, None);
            return None;
        };
        if text.trim().is_empty() {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            self.wrong(&path, format!("`{name}` is empty"));
            return None;
        }
        Some(text)
    }

    /// A word under the top key `name` that stands for one of a few things.
    pub(super) fn word<'n, T>(
        &mut self,
        name: &str,
        word: Option<&str>,
        words: impl IntoIterator<Item = (&'n str, T)> + Clone,
    ) -> Option<T> {
        let word = word?;
        let found = words.clone().into_iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let names: Vec<_> = words.into_iter().map(|(known, _)| known).collect();
            self.unknown(name, name, word, names);
        }
        found.map(|(_, thing)| thing)
    }

    /// A number under the top key `name`.
    pub(super) fn bounded<T: TryFrom<i64>>(
        &mut self,
        name: &str,
        number: Option<i64>,
        bounds: RangeInclusive<i64>,
    ) -> Option<T> {
        let number = number?;
        if !bounds.contains(&number) {
            let (low, high) = bounds.into_inner();
            self.wrong(name, format!("`{name}` is a number from {low} to {high}"));
            return None;
        }
        T::try_from(number).ok()
    }

    fn push(&mut self, report: Report) -> Complaint<'_> {
        Complaint(self.reports.push_mut(report))
    }
}

/// A complaint just made, open for advice.
pub(super) struct Complaint<'c>(&'c mut Report);

impl Complaint<'_> {
    /// With advice.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        self.maybe_help(Some(help.into()))
    }

    /// With advice where there is some.
    pub(super) fn maybe_help(self, help: Option<String>) -> Self {
        self.0.help = help;
        self
    }
}

/// Bytes of text that are repeated in a complaint.
const SHORT: usize = 40;

/// What a value is, in a rule author's words.
pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.len() <= SHORT => format!("the text {text:?}"),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}
