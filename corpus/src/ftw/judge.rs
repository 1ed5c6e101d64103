//! Whether what came of a request is what was expected.

use std::collections::BTreeSet;

use waf_core::record::{DecisionRecord, MatchRecord};

use super::expect::Expectation;

/// Ids that a failure names; more are counted.
const NAMED: usize = 12;

/// What came of a request.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The status; `None` when there was no answer.
    pub status: Option<u16>,
    /// The answer as it came, head and body.
    pub response: Vec<u8>,
    /// The rules that were logged.
    pub ids: BTreeSet<String>,
    /// The log, a line for each rule.
    pub lines: Vec<String>,
}

impl Observed {
    /// Nothing came: the connection was closed, or nobody answered in time.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// With the rules that a record names, those that only sum up too.
    #[must_use]
    pub fn logged(mut self, record: &DecisionRecord) -> Self {
        let told = || record.matches.iter().chain(&record.bookkeeping);
        self.ids = told().map(|known| known.rule_id.clone()).collect();
        self.lines = told().map(log_line).collect();
        self
    }
}

/// A match as `ModSecurity` would log it, as far as expectations look at it:
/// `[id "942100"] [msg "…"] [data "…"]`. The texts of a record are printable and their backslashes
/// doubled; a quote is escaped here, so that no value can end its field early and forge another.
pub fn log_line(known: &MatchRecord) -> String {
    let quoted = |text: &str| text.replace('"', "\\\"");
    format!(
        "[id \"{}\"] [msg \"{}\"] [data \"{}\"]",
        known.rule_id,
        quoted(&known.message),
        quoted(&known.data)
    )
}

/// What was expected and did not come, a sentence each; none when all is as expected.
pub fn judge(expected: &Expectation, observed: &Observed) -> Vec<String> {
    if expected.no_answer {
        let status = observed.status.map(|status| format!("no answer was expected, not {status}"));
        return status.into_iter().collect();
    }
    let Some(status) = observed.status else {
        return vec!["there was no answer".to_owned()];
    };
    let mut wrong = Vec::new();
    if !expected.status.is_empty() && !expected.status.contains(&status) {
        let any: Vec<String> = expected.status.iter().map(u16::to_string).collect();
        wrong.push(format!("status {} was expected, not {status}", any.join(" or ")));
    }
    if let Some(pattern) = &expected.response
        && !pattern.is_match(&observed.response)
    {
        wrong.push(format!("the response has no match of /{pattern}/"));
    }
    wrong.extend(wrong_ids(expected, observed));
    wrong.extend(wrong_lines(expected, observed));
    wrong
}

fn wrong_ids(expected: &Expectation, observed: &Observed) -> Vec<String> {
    let mut wrong = Vec::new();
    let missing: Vec<&str> =
        expected.ids.iter().filter(|id| !observed.ids.contains(*id)).map(String::as_str).collect();
    if !missing.is_empty() {
        let found = named(observed.ids.iter().map(String::as_str));
        wrong.push(format!("{} was expected in the log, which has {found}", named(missing)));
    }
    let unwanted: Vec<&str> = expected
        .no_ids
        .iter()
        .filter(|id| observed.ids.contains(*id))
        .map(String::as_str)
        .collect();
    if !unwanted.is_empty() {
        wrong.push(format!("{} is in the log and should not be", named(unwanted)));
    }
    if expected.isolated && observed.ids.len() != 1 {
        let found = named(observed.ids.iter().map(String::as_str));
        wrong.push(format!("one rule alone was expected in the log, which has {found}"));
    }
    wrong
}

fn wrong_lines(expected: &Expectation, observed: &Observed) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(pattern) = &expected.line
        && !observed.lines.iter().any(|line| pattern.is_match(line.as_bytes()))
    {
        let found = named(observed.ids.iter().map(String::as_str));
        wrong.push(format!("no line of the log matches /{pattern}/; it has {found}"));
    }
    if let Some(pattern) = &expected.no_line {
        let line = observed.lines.iter().find(|line| pattern.is_match(line.as_bytes()));
        wrong.extend(line.map(|line| format!("a line of the log matches /{pattern}/: {line}")));
    }
    wrong
}

fn named<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let ids: Vec<&str> = ids.into_iter().collect();
    match ids.len() {
        0 => "nothing".to_owned(),
        count if count > NAMED => {
            format!("{} and {} more", ids[..NAMED].join(", "), count - NAMED)
        }
        _ => ids.join(", "),
    }
}
