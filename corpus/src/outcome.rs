//! What became of one request of a replay: a flat object that data tools read as it is.

use serde::{Deserialize, Serialize};
use waf_core::record::{Decision, DecisionRecord, MatchRecord, Stop, printable};

use crate::request::{Label, Request};

/// Bytes of a path that are kept.
const PATH: usize = 512;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was blocked, or would have been.
    Blocked,
    /// It was let through.
    Passed,
    /// Nobody answered: neither is known.
    Unanswered,
}

/// What is different from a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It passed, now it is blocked.
    NewlyBlocked,
    /// It was blocked, now it passes.
    NewlyPassed,
    /// One of the two was not answered.
    Unanswered,
    /// The same verdict, by other rules.
    Rules,
    /// The same verdict and rules, another score.
    Score,
    /// It is not in the baseline.
    Absent,
    /// Nothing.
    None,
}

/// One line of results. The names are stable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its place in the corpora, from 0.
    pub number: u64,
    /// Its id in the corpus, or its file and place.
    pub id: String,
    /// Where the corpus has it from.
    pub source: String,
    /// The kind of attack or use.
    pub class: String,
    /// What it is known to be.
    pub label: Option<Label>,
    /// The method, printable.
    pub method: String,
    /// The path, printable, without its query.
    pub path: String,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// Who judged: a summary of the rules, the URL of a target, or a name that the user gave.
    pub judge: String,
    /// The hash of the rules, where they are ours.
    pub ruleset: Option<String>,
    /// The paranoia level, where it is known.
    pub paranoia: Option<u8>,
    /// What became of it.
    pub verdict: Verdict,
    /// The status that a target answered.
    pub status: Option<u16>,
    /// The sum over all rules that count, also beyond the threshold.
    pub score: Option<u32>,
    /// The threshold in force.
    pub threshold: Option<u32>,
    /// A rule or finding refuses it by itself, whatever the threshold.
    pub blocks_alone: bool,
    /// The rules that count, heaviest first.
    pub rules: Vec<String>,
    /// What each added.
    pub rule_scores: Vec<u32>,
    /// Bytes of the body that were inspected.
    pub body_seen: Option<u64>,
    /// Why inspection stopped early.
    pub stop: Option<Stop>,
    /// What could not be exact: `field: what`.
    pub inexact: Vec<String>,
    /// Microseconds in the engine, or to the answer of a target.
    pub cost_us: u64,
    /// What is different from the baseline, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The verdict in the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_verdict: Option<Verdict>,
    /// The score in the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_score: Option<u32>,
}

impl Outcome {
    /// What is known of a request before anybody has judged it.
    pub fn of(number: u64, request: &Request) -> Self {
        let head = &request.head;
        let path = head.target.split(|&byte| byte == b'?').next().unwrap_or_default();
        Self {
            number,
            id: request.id.clone(),
            source: request.source.clone(),
            class: request.class.clone(),
            label: request.label,
            method: printable(&head.method, PATH),
            path: printable(path, PATH),
            body_bytes: request.body.len() as u64,
            judge: String::new(),
            ruleset: None,
            paranoia: None,
            verdict: Verdict::Unanswered,
            status: None,
            score: None,
            threshold: None,
            blocks_alone: false,
            rules: Vec::new(),
            rule_scores: Vec::new(),
            body_seen: None,
            stop: None,
            inexact: Vec::new(),
            cost_us: 0,
            change: None,
            was_verdict: None,
            was_score: None,
        }
    }

    /// With what a record says. Only in detection-only mode is the score that of the whole request.
    #[must_use]
    pub fn judged(self, record: &DecisionRecord) -> Self {
        let mut counted: Vec<&MatchRecord> = Vec::new();
        for found in &record.matches {
            let known = counted.iter().any(|known| known.rule_id == found.rule_id);
            if is_heavy(found) && !known {
                counted.push(found);
            }
        }
        let inexact = record.coverage.inexact.iter();
        Self {
            verdict: match record.decision {
                Decision::Pass => Verdict::Passed,
                Decision::Block | Decision::WouldBlock => Verdict::Blocked,
            },
            score: Some(score(record, &counted)),
            threshold: Some(record.score.inbound_threshold),
            blocks_alone: counted.iter().any(|found| found.blocks),
            rules: counted.iter().map(|found| found.rule_id.clone()).collect(),
            rule_scores: counted.iter().map(|found| found.score).collect(),
            body_seen: Some(record.coverage.body_seen),
            stop: record.coverage.stop,
            inexact: inexact.map(|one| format!("{}: {}", one.field, one.what.join(" "))).collect(),
            cost_us: record.timing_us.inspect,
            ..self
        }
    }

    /// Compared with what it was.
    #[must_use]
    pub fn against(self, was: Option<&Self>) -> Self {
        let change = was.map_or(Change::Absent, |was| self.change_from(was));
        Self {
            change: Some(change),
            was_verdict: was.map(|was| was.verdict),
            was_score: was.and_then(|was| was.score),
            ..self
        }
    }

    fn change_from(&self, was: &Self) -> Change {
        match (was.verdict, self.verdict) {
            (Verdict::Passed, Verdict::Blocked) => Change::NewlyBlocked,
            (Verdict::Blocked, Verdict::Passed) => Change::NewlyPassed,
            (was, now) if was != now => Change::Unanswered,
            _ if sorted(&self.rules) != sorted(&was.rules) => Change::Rules,
            _ if self.score != was.score => Change::Score,
            _ => Change::None,
        }
    }

    /// Whether it would be blocked at a threshold; `None` where no score is known.
    pub fn blocked_at(&self, threshold: u32) -> Option<bool> {
        let score = self.score?;
        Some(self.blocks_alone || (score > 0 && score >= threshold))
    }
}

fn sorted(rules: &[String]) -> Vec<&String> {
    let mut rules: Vec<&String> = rules.iter().collect();
    rules.sort_unstable();
    rules
}

/// Whether a match speaks against the request.
fn is_heavy(found: &MatchRecord) -> bool {
    found.counted && (found.score > 0 || found.blocks) && found.phase.starts_with("request")
}

/// The whole sum. Rules of ours that matched behind the verdict are added to it; SecLang rules, whose
/// ids are numbers, score apart, and their verdict stands at the end of the body.
fn score(record: &DecisionRecord, counted: &[&MatchRecord]) -> u32 {
    let ours = counted.iter().filter(|found| !found.rule_id.bytes().all(|b| b.is_ascii_digit()));
    ours.map(|found| found.score).fold(0, u32::saturating_add).max(record.score.inbound)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;

    fn outcome(verdict: Verdict, score: u32, rules: &[&str]) -> Outcome {
        let rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
        Outcome { verdict, score: Some(score), rules, ..Outcome::of(0, &Request::default()) }
    }

    #[test]
    fn changes_are_told_by_what_weighs_most() {
        use Verdict::{Blocked, Passed, Unanswered};
        let was = outcome(Passed, 3, &["a", "b"]);
        let change = |now: &Outcome| now.clone().against(Some(&was)).change.unwrap();
        assert_eq!(change(&was), Change::None);
        assert_eq!(change(&outcome(Passed, 3, &["b", "a"])), Change::None);
        assert_eq!(change(&outcome(Passed, 4, &["b", "a"])), Change::Score);
        assert_eq!(change(&outcome(Passed, 3, &["a"])), Change::Rules);
        assert_eq!(change(&outcome(Blocked, 5, &["a"])), Change::NewlyBlocked);
        assert_eq!(change(&outcome(Unanswered, 3, &[])), Change::Unanswered);
        assert_eq!(was.clone().against(None).change, Some(Change::Absent));
        let blocked = outcome(Blocked, 5, &["a"]);
        assert_eq!(was.clone().against(Some(&blocked)).change, Some(Change::NewlyPassed));
        assert_eq!(was.against(Some(&blocked)).was_score, Some(5));
    }

    #[test]
    fn a_threshold_is_reached_by_a_score_or_not_needed() {
        let mut one = outcome(Verdict::Passed, 5, &[]);
        assert_eq!([5, 6].map(|at| one.blocked_at(at)), [Some(true), Some(false)]);
        one.blocks_alone = true;
        assert_eq!(one.blocked_at(50), Some(true));
        assert_eq!(outcome(Verdict::Passed, 0, &[]).blocked_at(0), Some(false));
        assert_eq!(Outcome { score: None, ..one }.blocked_at(1), None);
    }

    #[test]
    fn a_line_is_flat_and_read_back_as_it_was() {
        let one = outcome(Verdict::Blocked, 5, &["a"]).against(None);
        let line = serde_json::to_value(&one).unwrap();
        for (name, value) in line.as_object().unwrap() {
            let flat = |value: &serde_json::Value| !value.is_object() && !value.is_array();
            let list = value.as_array().is_some_and(|list| list.iter().all(flat));
            assert!(flat(value) || list, "{name}");
        }
        assert_eq!(serde_json::from_value::<Outcome>(line).unwrap(), one);
    }
}
