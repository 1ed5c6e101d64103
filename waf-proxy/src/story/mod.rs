//! The story of one decision, as data: `pinpoint why` and the console tell the same.
//!
//! Texts hold what the record holds. Whoever shows them makes them safe for the place they go to.

mod answer;
mod exclusion;

use waf_core::finding::Finding;
use waf_core::record::{DecisionRecord, MatchRecord, Mode, Stop};

pub use answer::{answered_by, decided};
pub use exclusion::{Proposal, choices, propose};

use exclusion::causes;

/// What a record says, in the order in which it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The rules that matched, heaviest first.
    pub rules: Vec<RuleStory>,
    /// What was looked at and what was not, in sentences.
    pub inspected: Vec<String>,
    /// What would let the request pass.
    pub advice: Advice,
}

/// One rule that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleStory {
    /// Its id.
    pub id: String,
    /// Its title.
    pub name: String,
    /// How severe it is.
    pub severity: String,
    /// What it did to the score: `+5`, and `on trial: not counted`.
    pub weight: String,
    /// Where it looked and what it saw: a word and its value each.
    pub facts: Vec<(&'static str, String)>,
}

/// What would let the request pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// It did pass, or nobody can say.
    Nothing,
    /// These changes and nothing wider; at least one.
    Change(Vec<Proposal>),
    /// Nothing: it cannot be passed on safely.
    AlwaysRefused,
}

impl Story {
    /// The story of this record.
    pub fn of(record: &DecisionRecord) -> Self {
        Self {
            rules: record.matches.iter().map(|one| RuleStory::of(one, record.mode)).collect(),
            inspected: inspected(record),
            advice: Advice::on(record),
        }
    }
}

impl RuleStory {
    fn of(one: &MatchRecord, mode: Mode) -> Self {
        let mut facts = vec![("field", one.target.clone())];
        let mut add = |word, value: String| {
            if !value.is_empty() {
                facts.push((word, value));
            }
        };
        add("also in", one.also.join(", "));
        add("decoded", one.decode.join(" → "));
        add("bytes", place(one).unwrap_or_default());
        add("matched", one.excerpt.clone());
        if one.message != one.name {
            add("message", one.message.clone());
        }
        add("data", one.data.clone());
        add("rule", format!("{}:{}", one.file, one.line));
        Self {
            id: one.rule_id.clone(),
            name: one.name.clone(),
            severity: one.severity.clone(),
            weight: weight(one, mode),
            facts,
        }
    }
}

impl Advice {
    fn on(record: &DecisionRecord) -> Self {
        let proposals = propose(record);
        if !proposals.is_empty() {
            return Self::Change(proposals);
        }
        let is_refused = |one: &&MatchRecord| {
            Finding::from_id(&one.rule_id).is_some_and(Finding::always_refused)
        };
        if causes(record).iter().any(is_refused) { Self::AlwaysRefused } else { Self::Nothing }
    }
}

fn weight(one: &MatchRecord, mode: Mode) -> String {
    let mut weight = if one.blocks { "blocks by itself".into() } else { format!("+{}", one.score) };
    if !one.counted {
        weight.push_str(", on trial: not counted");
    }
    if one.after_verdict {
        weight.push_str(", after the verdict");
    } else if mode == Mode::Detect {
        weight.push_str(", detection only");
    }
    weight
}

fn place(one: &MatchRecord) -> Option<String> {
    let of = if one.decode.is_empty() { "value" } else { "decoded value" };
    let in_value = match (one.offset, one.length) {
        (Some(offset), Some(length)) => format!("{offset} to {} of the {of}", offset + length),
        (Some(offset), None) => format!("from {offset} of the {of}"),
        (None, Some(length)) => format!("{length} of the {of}, their start is not known"),
        (None, None) => return None,
    };
    let at = one.at.map(|at| format!(", which begins at byte {at} of the body"));
    Some(in_value + &at.unwrap_or_default())
}

fn inspected(record: &DecisionRecord) -> Vec<String> {
    let coverage = &record.coverage;
    let mut sentences = Vec::new();
    let total = coverage.body_total.unwrap_or(record.request.body_bytes);
    if total > 0 || coverage.body_seen > 0 {
        let verdict =
            record.verdict_offset.map(|at| format!("; the verdict was certain at byte {at}"));
        let seen = coverage.body_seen;
        let verdict = verdict.unwrap_or_default();
        sentences.push(format!("Inspected {seen} of {total} bytes of body{verdict}."));
    }
    if let Some(stop) = coverage.stop.and_then(stopped) {
        sentences.push(format!("Inspection stopped early: {stop}."));
    }
    for inexact in &coverage.inexact {
        sentences.push(format!("Not exact: {} ({}).", inexact.field, inexact.what.join(", ")));
    }
    for one in &record.excluded {
        let (rule, target, by) = (&one.rule_id, &one.target, &one.exclusion);
        sentences.push(format!("Excluded: {rule} would have matched in {target} ({by})."));
    }
    if let (Some(intended), Some(seen)) = (record.intended_status, record.status) {
        sentences.push(format!(
            "The client saw {seen}, because the answer had begun before {intended} was decided."
        ));
    }
    sentences
}

/// Why not everything was looked at, where that is worth a word.
fn stopped(stop: Stop) -> Option<&'static str> {
    match stop {
        Stop::Verdict => None,
        Stop::Upgraded => Some("the connection became a WebSocket; its frames are not inspected"),
        Stop::ClientAbort => Some("the client went away"),
        Stop::Limit => Some("a limit was passed"),
        Stop::Error => Some("an error of ours, or the application failed"),
    }
}
