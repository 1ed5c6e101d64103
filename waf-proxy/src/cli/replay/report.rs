//! What a replay found, for people and for programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};
use waf_corpus::Label;
use waf_corpus::tally::{Count, Tally};

use super::Failure;
use crate::cli::output::safe;

/// Everything that is printed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    rules: String,
    ruleset: String,
    requests: usize,
    attack: Side,
    benign: Side,
    unlabelled: Row,
    /// Requests that a target did not answer; in no other count.
    #[serde(default, skip_serializing_if = "is_none")]
    unanswered: u64,
    /// Microseconds in the engine, or to the answer of a target.
    cost_us: Cost,
}

/// Attacks, or benign requests.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Side {
    /// In percent, as `--summary` asks.
    share: f64,
    all: Row,
    classes: BTreeMap<String, Row>,
    sources: BTreeMap<String, Row>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Row {
    total: u64,
    caught: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cost {
    p50: u64,
    p99: u64,
}

impl Report {
    /// `rules` and `ruleset` say what judged: a summary, and the hash of rules of ours.
    pub(super) fn new(tally: &Tally, by_source: bool, rules: String, ruleset: String) -> Self {
        let cost = |share| {
            let cost = tally.cost(share).unwrap_or_default();
            u64::try_from(cost.as_micros()).unwrap_or(u64::MAX)
        };
        Self {
            rules,
            ruleset,
            requests: tally.len(),
            attack: side(tally, Label::Attack, by_source),
            benign: side(tally, Label::Benign, by_source),
            unlabelled: tally.unlabelled.into(),
            unanswered: tally.unanswered,
            cost_us: Cost { p50: cost(0.5), p99: cost(0.99) },
        }
    }

    /// A sentence for each gate that was not met.
    pub(super) fn missed_gates(&self, under: Option<f64>, over: Option<f64>) -> Vec<String> {
        let mut missed = Vec::new();
        if let Some(gate) = under.filter(|gate| self.attack.share < *gate) {
            let share = percent(self.attack.share);
            missed.push(format!("gate missed: {share} of attacks detected, under {gate}%"));
        }
        if let Some(gate) = over.filter(|gate| self.benign.share > *gate) {
            let share = percent(self.benign.share);
            missed.push(format!("gate missed: {share} of benign requests flagged, over {gate}%"));
        }
        missed
    }

    pub(super) fn json(&self) -> &Self {
        self
    }

    pub(super) fn text(&self, baseline: Option<&Self>) -> String {
        let mut text = format!("{} requests · {}\n", self.requests, safe(&self.rules));
        let sides = [
            ("ATTACKS", "DETECTED", "MISSED", &self.attack, baseline.map(|b| &b.attack)),
            ("BENIGN", "FLAGGED", "PASSED", &self.benign, baseline.map(|b| &b.benign)),
        ];
        for (title, caught, passed, side, was) in sides {
            if side.all.total > 0 {
                let head = [title, caught, passed];
                let was_classes = was.map(|was| (&was.classes, was.share));
                text += &format!("\n{}\n", side.table(head, &side.classes, was_classes));
                if side.sources.len() > 1 {
                    let head = ["by source", caught, passed];
                    let was_sources = was.map(|was| (&was.sources, was.share));
                    text += &format!("\n{}\n", side.table(head, &side.sources, was_sources));
                }
            }
        }
        if self.unlabelled.total > 0 {
            let Row { total, caught } = self.unlabelled;
            text += &format!("\nwithout a label: {total} requests, {caught} flagged\n");
        }
        if self.unanswered > 0 {
            text += &format!("\nwithout an answer, not counted: {}\n", self.unanswered);
        }
        let place = if self.ruleset.is_empty() { "to the answer" } else { "in the engine" };
        let Cost { p50, p99 } = self.cost_us;
        text + &format!("\n{place}: p50 {p50} µs, p99 {p99} µs\n")
    }
}

impl Side {
    /// The rows of one kind and their sum, beside the same of a baseline.
    fn table(
        &self,
        [title, caught, passed]: [&str; 3],
        rows: &BTreeMap<String, Row>,
        was: Option<(&BTreeMap<String, Row>, f64)>,
    ) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut header = vec![title, "REQUESTS", caught, passed, "SHARE"];
        header.extend(was.map(|_| "WAS"));
        table.set_header(header);
        for (name, row) in rows {
            let was = was.map(|(was, _)| was.get(name).map(|row| row.share()));
            table.add_row(cells(&safe(name), *row, row.share(), was));
        }
        let was = was.map(|(_, share)| Some(share));
        table.add_row(cells("all", self.all, self.share, was));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt()
    }
}

/// A line of the table; `was` is the share in the baseline, where there is one and it has the line.
fn cells(name: &str, row: Row, share: f64, was: Option<Option<f64>>) -> Vec<String> {
    let mut cells = vec![
        name.to_owned(),
        row.total.to_string(),
        row.caught.to_string(),
        (row.total - row.caught).to_string(),
        percent(share),
    ];
    cells.extend(was.map(|was| was.map_or_else(|| "-".to_owned(), percent)));
    cells
}

impl Row {
    fn share(self) -> f64 {
        if self.total == 0 { 0.0 } else { 100.0 * self.caught as f64 / self.total as f64 }
    }
}

impl From<Count> for Row {
    fn from(count: Count) -> Self {
        Self { total: count.total, caught: count.caught }
    }
}

fn side(tally: &Tally, label: Label, by_source: bool) -> Side {
    let rows = |counts: &BTreeMap<(Label, String), Count>| {
        let own = counts.iter().filter(|((of, _), _)| *of == label);
        own.map(|((_, name), count)| (name.clone(), Row::from(*count))).collect()
    };
    let all = Row::from(tally.labels.get(&label).copied().unwrap_or_default());
    let mean = tally.mean_over_sources(label, &[]).map(|mean| 100.0 * mean);
    Side {
        share: mean.filter(|_| by_source).unwrap_or_else(|| all.share()),
        all,
        classes: rows(&tally.classes),
        sources: rows(&tally.sources),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

fn percent(share: f64) -> String {
    format!("{share:.2}%")
}

/// What an earlier replay printed as JSON.
pub(super) fn read_baseline(path: &Path) -> Result<Report, Failure> {
    let cannot = |why: String| Failure::unreadable(format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| cannot(format!("no replay's JSON: {error}")))
}
