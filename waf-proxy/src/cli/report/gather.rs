//! From lines to counts: memory does not grow with the lines.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use waf_core::record::DecisionRecord;
use waf_corpus::outcome::Verdict;
use waf_corpus::tally::{Count, Tally};
use waf_corpus::{Label, Outcome, Request};

use crate::chart::grouped;
use crate::cli::Failure;
use crate::cli::lines::Lines;

/// Runs that are told apart: more in one page nobody compares.
const RUNS: usize = 16;

/// Names that are counted apart in one table: the CRS has some 700 rules.
const NAMES: usize = 10_000;

/// Where the others are counted.
const OTHERS: &str = "(others)";

/// Thresholds of the sweep: 1 to this.
pub(super) const SWEEP: u32 = 50;

/// Missed attacks, and false positives, that are shown.
const SHOWN: usize = 25;

/// All that was read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// In the order in which they came.
    pub(super) runs: Vec<Run>,
    /// Lines of further runs.
    pub(super) left_out: u64,
}

/// Requests under one judge at one level, or all records.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) judge: String,
    pub(super) ruleset: Option<String>,
    pub(super) paranoia: Option<u8>,
    /// The threshold in force, as the last line had it.
    pub(super) threshold: Option<u32>,
    /// Decision records, whose requests have no label.
    pub(super) is_traffic: bool,
    pub(super) tally: Tally,
    /// By label; without one the last.
    scores: [Scores; 3],
    pub(super) rules: BTreeMap<String, RuleCount>,
    pub(super) coverage: Coverage,
    /// Attacks that passed.
    pub(super) missed: Vec<Outcome>,
    /// Benign requests that were flagged.
    pub(super) flagged: Vec<Outcome>,
    /// Of records: who answered, and what.
    pub(super) answers: BTreeMap<(String, String), u64>,
    /// Of records: the least and the greatest time.
    pub(super) times: Option<(String, String)>,
}

/// Requests by score.
#[derive(Debug, Default)]
struct Scores {
    /// Those with a score.
    total: u64,
    /// Those that are refused whatever the threshold.
    alone: u64,
    /// The others by score, [`SWEEP`] and more together.
    counts: Vec<u64>,
}

/// The requests in which a rule counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RuleCount {
    /// By label; without one the last.
    pub(super) requests: [u64; 3],
    /// Those in which no other did.
    pub(super) single: u64,
}

impl RuleCount {
    pub(super) fn total(self) -> u64 {
        self.requests.iter().sum()
    }
}

/// What was inspected.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// Requests of which it is known.
    pub(super) requests: u64,
    pub(super) body_bytes: u64,
    pub(super) body_seen: u64,
    /// Why inspection stopped early.
    pub(super) stops: BTreeMap<String, u64>,
    /// Requests of which something was not exact.
    pub(super) not_exact: u64,
    pub(super) inexact: BTreeMap<String, u64>,
}

/// Which of two kinds a line is.
#[derive(Deserialize)]
struct Kind {
    verdict: Option<IgnoredAny>,
    request_id: Option<IgnoredAny>,
}

impl Gathered {
    /// Reads a file to its end.
    pub(super) fn read(&mut self, path: &Path) -> Result<(), Failure> {
        let mut lines = Lines::open(path)?;
        while let Some(line) = lines.next()? {
            let added = self.line(line);
            added.map_err(|why| lines.wrong(&why))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let told = |error: serde_json::Error| error.to_string();
        match serde_json::from_slice(line).map_err(told)? {
            Kind { verdict: Some(_), .. } => {
                let outcome: Outcome = serde_json::from_slice(line).map_err(told)?;
                let same = |run: &Run| {
                    !run.is_traffic
                        && run.judge == outcome.judge
                        && run.ruleset == outcome.ruleset
                        && run.paranoia == outcome.paranoia
                };
                let new = || Run {
                    judge: outcome.judge.clone(),
                    ruleset: outcome.ruleset.clone(),
                    paranoia: outcome.paranoia,
                    ..Run::default()
                };
                if let Some(run) = self.run(same, new) {
                    run.add(outcome);
                }
            }
            Kind { request_id: Some(_), .. } => {
                let record: DecisionRecord = serde_json::from_slice(line).map_err(told)?;
                let new = || Run {
                    judge: "decision records".to_owned(),
                    is_traffic: true,
                    ..Run::default()
                };
                if let Some(run) = self.run(|run| run.is_traffic, new) {
                    run.add_record(&record);
                }
            }
            Kind { .. } => {
                return Err("this is neither a result of `pinpoint replay --results` nor a \
                            decision record"
                    .to_owned());
            }
        }
        Ok(())
    }

    /// The run that a line belongs to; `None` where there are too many.
    fn run(&mut self, same: impl Fn(&Run) -> bool, new: impl Fn() -> Run) -> Option<&mut Run> {
        let at = match self.runs.iter().position(same) {
            Some(at) => at,
            None if self.runs.len() == RUNS => {
                self.left_out += 1;
                return None;
            }
            None => {
                self.runs.push(new());
                self.runs.len() - 1
            }
        };
        self.runs.get_mut(at)
    }

    /// For the terminal.
    pub(super) fn summary(&self) -> String {
        let requests: u64 = self.runs.iter().map(|run| run.tally.len()).sum();
        let runs = match self.runs.len() {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        };
        format!("{} requests, {runs}", grouped(requests))
    }
}

impl Run {
    fn add_record(&mut self, record: &DecisionRecord) {
        let request = Request { id: record.request_id.clone(), ..Request::default() };
        let status = record.status.map_or("none".to_owned(), |status| status.to_string());
        count(&mut self.answers, (record.source.name().to_owned(), status));
        let time = || record.time.clone();
        let (from, to) = self.times.get_or_insert_with(|| (time(), time()));
        if record.time < *from {
            *from = time();
        }
        if record.time > *to {
            *to = time();
        }
        self.ruleset = Some(record.ruleset.clone());
        self.add(Outcome {
            method: record.request.method.clone(),
            path: record.request.path.clone(),
            body_bytes: record.request.body_bytes,
            class: record.route.clone(),
            ..Outcome::of(0, &request).judged(record)
        });
    }

    fn add(&mut self, outcome: Outcome) {
        self.tally.add(&outcome);
        let label = slot(outcome.label);
        self.threshold = outcome.threshold.or(self.threshold);
        self.scores[label].add(&outcome);
        self.coverage.add(&outcome);
        for rule in &outcome.rules {
            let known = self.rules.len() < NAMES || self.rules.contains_key(rule);
            let rule = if known { rule.as_str() } else { OTHERS };
            let rule = self.rules.entry(rule.to_owned()).or_default();
            rule.requests[label] += 1;
            rule.single += u64::from(outcome.rules.len() == 1);
        }
        let shown = match (outcome.label, outcome.verdict) {
            (Some(Label::Attack), Verdict::Passed) => &mut self.missed,
            (Some(Label::Benign), Verdict::Blocked) => &mut self.flagged,
            _ => return,
        };
        if shown.len() < SHOWN {
            shown.push(outcome);
        }
    }

    /// Requests of a label.
    pub(super) fn count(&self, label: Option<Label>) -> Count {
        label.map_or(self.tally.unlabelled, |label| self.tally.of(label))
    }

    /// The share of a label's requests that would be blocked at a threshold; `None` where no score
    /// is known.
    pub(super) fn share_at(&self, label: Option<Label>, threshold: u32) -> Option<f64> {
        let scores = &self.scores[slot(label)];
        (scores.total > 0).then(|| scores.blocked_at(threshold) as f64 / scores.total as f64)
    }

    /// Requests without a label by score, and those refused whatever the score.
    pub(super) fn score_counts(&self) -> (&[u64], u64) {
        let scores = &self.scores[slot(None)];
        (&scores.counts, scores.alone)
    }

    /// Whether both sides have scores, so that a threshold can be chosen.
    pub(super) fn has_sweep(&self) -> bool {
        [Label::Attack, Label::Benign].iter().all(|label| self.share_at(Some(*label), 1).is_some())
    }
}

fn slot(label: Option<Label>) -> usize {
    match label {
        Some(Label::Attack) => 0,
        Some(Label::Benign) => 1,
        None => 2,
    }
}

impl Scores {
    fn add(&mut self, outcome: &Outcome) {
        let Some(score) = outcome.score else { return };
        self.total += 1;
        if outcome.blocks_alone {
            self.alone += 1;
            return;
        }
        self.counts.resize(SWEEP as usize + 1, 0);
        self.counts[score.min(SWEEP) as usize] += 1;
    }

    /// As [`Outcome::blocked_at`].
    fn blocked_at(&self, threshold: u32) -> u64 {
        let from = threshold.max(1) as usize;
        self.alone + self.counts.iter().skip(from).sum::<u64>()
    }
}

impl Coverage {
    fn add(&mut self, outcome: &Outcome) {
        let Some(seen) = outcome.body_seen else { return };
        self.requests += 1;
        self.body_bytes += outcome.body_bytes;
        self.body_seen += seen;
        if let Some(stop) = outcome.stop {
            let name = serde_json::to_value(stop).ok();
            let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
            count(&mut self.stops, name.to_owned());
        }
        self.not_exact += u64::from(!outcome.inexact.is_empty());
        for what in &outcome.inexact {
            // The field's name is the sender's.
            let what = what.split_once(": ").map_or(what.as_str(), |(_, what)| what);
            count(&mut self.inexact, what.to_owned());
        }
    }
}

/// Counts one more of a name; one too many is not told apart.
fn count<K: Ord>(names: &mut BTreeMap<K, u64>, name: K) {
    if names.len() < NAMES || names.contains_key(&name) {
        *names.entry(name).or_default() += 1;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;

    fn outcome(label: Label, score: u32, blocks_alone: bool) -> Outcome {
        let request = Request { label: Some(label), ..Request::default() };
        let verdict = if blocks_alone || score >= 5 { Verdict::Blocked } else { Verdict::Passed };
        let one = Outcome::of(0, &request);
        Outcome { score: Some(score), threshold: Some(5), blocks_alone, verdict, ..one }
    }

    #[test]
    fn the_sweep_is_what_each_request_says_of_itself() {
        let scores = [(0, false), (0, true), (3, false), (5, false), (8, false), (90, false)];
        let all: Vec<Outcome> =
            scores.iter().map(|(score, alone)| outcome(Label::Attack, *score, *alone)).collect();
        let mut gathered = Gathered::default();
        for one in &all {
            gathered.line(&serde_json::to_vec(one).unwrap()).unwrap();
        }
        let run = &gathered.runs[0];
        for threshold in 1..=SWEEP {
            let blocked = all.iter().filter(|one| one.blocked_at(threshold) == Some(true)).count();
            let share = run.share_at(Some(Label::Attack), threshold).unwrap();
            assert!((share - blocked as f64 / 6.0).abs() < 1e-9, "{threshold}");
        }
        // At the threshold in force it is what was counted.
        let share = run.count(Some(Label::Attack)).share();
        assert_eq!(run.share_at(Some(Label::Attack), 5), Some(share));
        assert!(!run.has_sweep(), "there is no benign request");
    }

    #[test]
    fn runs_are_told_apart_and_bounded() {
        let mut gathered = Gathered::default();
        for number in 0..RUNS + 3 {
            let judge = format!("judge {number}");
            let one = Outcome { judge, ..outcome(Label::Benign, 0, false) };
            gathered.line(&serde_json::to_vec(&one).unwrap()).unwrap();
        }
        assert_eq!((gathered.runs.len(), gathered.left_out), (RUNS, 3));
        assert!(gathered.line(b"{\"a\":1}").unwrap_err().contains("neither"));
    }
}
