//! What is different from an earlier replay, request by request.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use waf_corpus::Outcome;
use waf_corpus::outcome::Change;
use waf_corpus::tally::Tally;

use crate::cli::Failure;
use crate::cli::lines::Lines;
use crate::cli::output::safe;

/// Requests that are shown of each kind of change; the results have all of them.
const SHOWN: usize = 20;

/// The results of an earlier replay, read beside this one.
pub(super) struct Baseline {
    lines: Lines,
    /// The level whose results are compared.
    level: Option<u8>,
    ahead: Option<Outcome>,
    /// Counts of what was compared with.
    pub(super) tally: Tally,
    pub(super) changes: Changes,
}

/// How many requests changed, and some of them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Changes {
    baseline: String,
    counts: BTreeMap<Change, u64>,
    requests: Vec<Changed>,
}

/// One of them.
#[derive(Debug, Serialize)]
struct Changed {
    change: Change,
    id: String,
    label: Option<&'static str>,
    class: String,
    method: String,
    path: String,
    was_score: Option<u32>,
    score: Option<u32>,
    /// Rules that now match and did not.
    added: Vec<String>,
    /// Rules that matched and no longer do.
    removed: Vec<String>,
}

impl Baseline {
    /// The results of the same paranoia level; where the file has none, those of its first.
    pub(super) fn open(path: &Path, level: Option<u8>) -> Result<Self, Failure> {
        let mut lines = Lines::open(path)?;
        let mut first = None;
        while let Some(was) = next(&mut lines)? {
            first = first.or(Some(was.paranoia));
            if was.paranoia == level {
                first = Some(level);
                break;
            }
        }
        let level = first.ok_or_else(|| {
            Failure::unreadable(format!("{} has no results of a replay", path.display()))
        })?;
        let mut baseline = Self {
            lines: Lines::open(path)?,
            level,
            ahead: None,
            tally: Tally::default(),
            changes: Changes { baseline: path.display().to_string(), ..Changes::default() },
        };
        baseline.read_ahead()?;
        Ok(baseline)
    }

    fn read_ahead(&mut self) -> Result<(), Failure> {
        self.ahead = loop {
            match next(&mut self.lines)? {
                Some(was) if was.paranoia != self.level => {}
                other => break other,
            }
        };
        Ok(())
    }

    /// A result, compared with what it was. Results come in the order of their numbers.
    pub(super) fn compare(&mut self, now: Outcome) -> Result<Outcome, Failure> {
        while self.ahead.as_ref().is_some_and(|was| was.number < now.number) {
            self.read_ahead()?;
        }
        let was = self.ahead.as_ref().filter(|was| was.number == now.number && was.id == now.id);
        let now = now.against(was);
        if let Some(was) = was {
            self.tally.add(was);
        }
        self.changes.add(&now, was);
        Ok(now)
    }
}

fn next(lines: &mut Lines) -> Result<Option<Outcome>, Failure> {
    lines.next_as("result of a replay (`replay --results FILE` writes them)")
}

impl Changes {
    fn add(&mut self, now: &Outcome, was: Option<&Outcome>) {
        let change = now.change.unwrap_or(Change::None);
        let count = self.counts.entry(change).or_default();
        *count += 1;
        let shown = !matches!(change, Change::None | Change::Absent);
        if shown && *count <= SHOWN as u64 {
            self.requests.push(Changed::new(change, now, was));
        }
    }

    fn count(&self, change: Change) -> u64 {
        self.counts.get(&change).copied().unwrap_or_default()
    }

    /// Requests that are not as they were; one that the baseline does not have is one.
    pub(super) fn len(&self) -> u64 {
        self.counts.values().sum::<u64>() - self.count(Change::None)
    }

    pub(super) fn text(&self) -> String {
        let always = [Change::NewlyBlocked, Change::NewlyPassed];
        let told = KINDS.iter().filter(|(kind, _)| self.count(*kind) > 0 || always.contains(kind));
        let counts: Vec<_> =
            told.map(|(kind, name)| format!("{} {name}", self.count(*kind))).collect();
        let baseline = safe(&self.baseline);
        let mut text = format!("changes from {baseline}: {}\n", counts.join(", "));
        for (kind, name) in KINDS {
            let shown: Vec<_> = self.requests.iter().filter(|one| one.change == kind).collect();
            if shown.is_empty() {
                continue;
            }
            let more = self.count(kind) - shown.len() as u64;
            let rest =
                if more > 0 { format!(", {more} more in the results") } else { String::new() };
            text += &format!("\n{name}{rest}\n");
            for one in shown {
                text += &one.text();
            }
        }
        text
    }
}

/// The kinds of change, as they are told.
const KINDS: [(Change, &str); 7] = [
    (Change::NewlyBlocked, "newly blocked"),
    (Change::NewlyPassed, "newly passed"),
    (Change::Unanswered, "answered only once"),
    (Change::Rules, "by other rules"),
    (Change::Score, "of another score"),
    (Change::Absent, "not in the baseline"),
    (Change::None, "unchanged"),
];

impl Changed {
    fn new(change: Change, now: &Outcome, was: Option<&Outcome>) -> Self {
        let none = Vec::new();
        let had = was.map_or(&none, |was| &was.rules);
        let without = |rules: &[String], others: &[String]| {
            rules.iter().filter(|rule| !others.contains(rule)).cloned().collect()
        };
        Self {
            change,
            id: now.id.clone(),
            label: now.label.map(waf_corpus::Label::name),
            class: now.class.clone(),
            method: now.method.clone(),
            path: now.path.clone(),
            was_score: was.and_then(|was| was.score),
            score: now.score,
            added: without(&now.rules, had),
            removed: without(had, &now.rules),
        }
    }

    /// `  attack sqli 0a1b POST /login: score 3 → 8, + sqli-union-select`
    fn text(&self) -> String {
        let about = [self.label.unwrap_or("-"), &self.class, &self.id, &self.method, &self.path];
        let about = about.map(safe).join(" ");
        let score = |score: Option<u32>| score.map_or("?".to_owned(), |score| score.to_string());
        let mut told = Vec::new();
        if self.was_score != self.score {
            told.push(format!("score {} → {}", score(self.was_score), score(self.score)));
        }
        told.extend(self.added.iter().map(|rule| format!("+ {}", safe(rule))));
        told.extend(self.removed.iter().map(|rule| format!("- {}", safe(rule))));
        let colon = if told.is_empty() { "" } else { ": " };
        format!("  {about}{colon}{}\n", told.join(", "))
    }
}
