//! What a replay found, for people and for programs.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use waf_corpus::Label;
use waf_corpus::tally::{Count, Tally};

use super::baseline::Changes;
use super::court::Court;
use super::{Arguments, Found};
use crate::cli::output::safe;

/// Everything that is printed: one report for each paranoia level.
#[derive(Debug, Default, Serialize)]
#[serde(untagged)]
pub(super) enum Levels {
    /// Before the first.
    #[default]
    None,
    /// The usual case is not wrapped.
    One(Box<Report>),
    /// In the order asked for.
    Many { levels: Vec<Report> },
}

/// What one court found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    rules: String,
    ruleset: Option<String>,
    paranoia: Option<u8>,
    requests: u64,
    attack: Side,
    benign: Side,
    unlabelled: Row,
    /// Requests that a target did not answer; in no other count.
    #[serde(skip_serializing_if = "is_none")]
    unanswered: u64,
    /// Microseconds in the engine, or to the answer of a target.
    cost_us: Cost,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Changes>,
    /// The sides in the baseline.
    #[serde(skip)]
    was: Option<[Side; 2]>,
}

/// Attacks, or benign requests.
#[derive(Debug, Default, Serialize)]
struct Side {
    /// In percent, as `--summary` asks.
    share: f64,
    all: Row,
    classes: BTreeMap<String, Row>,
    sources: BTreeMap<String, Row>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Row {
    total: u64,
    caught: u64,
}

#[derive(Debug, Default, Serialize)]
struct Cost {
    p50: u64,
    p99: u64,
}

impl Levels {
    pub(super) fn push(&mut self, report: Report) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(Box::new(report)),
            Self::One(first) => Self::Many { levels: vec![*first, report] },
            Self::Many { mut levels } => {
                levels.push(report);
                Self::Many { levels }
            }
        };
    }

    fn reports(&self) -> &[Report] {
        match self {
            Self::None => &[],
            Self::One(report) => std::slice::from_ref(report),
            Self::Many { levels } => levels,
        }
    }

    pub(super) fn text(&self) -> String {
        let reports = self.reports();
        let each: Vec<String> = reports.iter().map(Report::text).collect();
        match reports {
            [_, _, ..] => format!("{}\n\n\n{}", overview(reports), each.join("\n\n")),
            _ => each.concat(),
        }
    }

    /// A sentence for each gate that was not met.
    pub(super) fn missed(&self, arguments: &Arguments) -> Vec<String> {
        self.reports().iter().flat_map(|report| report.missed(arguments)).collect()
    }
}

/// The levels beside each other.
fn overview(reports: &[Report]) -> String {
    let mut table = new_table(["PARANOIA", "DETECTED", "FALSE POSITIVES", "P50 µs", "P99 µs"]);
    for report in reports {
        let share = |side: &Side| match side.all.total {
            0 => "-".to_owned(),
            _ => percent(side.share),
        };
        table.add_row([
            report.paranoia.map_or("-".to_owned(), |level| level.to_string()),
            share(&report.attack),
            share(&report.benign),
            report.cost_us.p50.to_string(),
            report.cost_us.p99.to_string(),
        ]);
    }
    aligned(table)
}

impl Report {
    pub(super) fn new(court: &Court<'_>, found: Found, by_source: bool) -> Self {
        let tally = &found.tally;
        let side = |tally: &Tally, label| side(tally, label, by_source);
        let sides = |tally: &Tally| [Label::Attack, Label::Benign].map(|label| side(tally, label));
        let was = found.baseline.as_ref().map(|baseline| sides(&baseline.tally));
        let cost = |share| tally.costs.quantile(share).unwrap_or_default();
        let [attack, benign] = sides(tally);
        Self {
            rules: court.judge.clone(),
            ruleset: court.ruleset.clone(),
            paranoia: court.paranoia,
            requests: tally.len(),
            attack,
            benign,
            unlabelled: tally.unlabelled.into(),
            unanswered: tally.unanswered,
            cost_us: Cost { p50: cost(0.5), p99: cost(0.99) },
            changes: found.baseline.map(|baseline| baseline.changes),
            was,
        }
    }

    fn missed(&self, arguments: &Arguments) -> Vec<String> {
        let at = self.paranoia.filter(|_| arguments.paranoia.len() > 1);
        let at = at.map(|level| format!(" at paranoia {level}")).unwrap_or_default();
        let mut missed = Vec::new();
        if let Some(gate) = arguments.fail_under.filter(|gate| self.attack.share < *gate) {
            let share = percent(self.attack.share);
            missed.push(format!("gate missed{at}: {share} of attacks detected, under {gate}%"));
        }
        if let Some(gate) = arguments.fail_over.filter(|gate| self.benign.share > *gate) {
            let share = percent(self.benign.share);
            missed
                .push(format!("gate missed{at}: {share} of benign requests flagged, over {gate}%"));
        }
        let changed = self.changes.as_ref().map(Changes::len).filter(|changed| *changed > 0);
        if let Some(changed) = changed.filter(|_| arguments.fail_on_change) {
            missed.push(format!("gate missed{at}: {changed} requests are not as in the baseline"));
        }
        missed
    }

    fn text(&self) -> String {
        let level = self.paranoia.map(|level| format!(" · paranoia {level}")).unwrap_or_default();
        let mut text = format!("{} requests · {}{level}\n", self.requests, safe(&self.rules));
        let [was_attack, was_benign] = match &self.was {
            Some([attack, benign]) => [Some(attack), Some(benign)],
            None => [None; 2],
        };
        let sides = [
            ("ATTACKS", "DETECTED", "MISSED", &self.attack, was_attack),
            ("BENIGN", "FLAGGED", "PASSED", &self.benign, was_benign),
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
        if let Some(changes) = &self.changes {
            text += &format!("\n{}", changes.text());
        }
        let place = if self.ruleset.is_none() { "to the answer" } else { "in the engine" };
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
        let mut header = vec![title, "REQUESTS", caught, passed, "SHARE"];
        header.extend(was.map(|_| "WAS"));
        let mut table = new_table(header);
        for (name, row) in rows {
            let was = was.map(|(was, _)| was.get(name).map(|row| row.share()));
            table.add_row(cells(&safe(name), *row, row.share(), was));
        }
        let was = was.map(|(_, share)| Some(share));
        table.add_row(cells("all", self.all, self.share, was));
        aligned(table)
    }
}

fn new_table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.into_iter().collect::<Vec<_>>());
    table
}

/// Numbers end where numbers end.
fn aligned(mut table: Table) -> String {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
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
    let all = Row::from(tally.of(label));
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
