//! What a candidate, a rule set or configuration on trial beside the active one, would have said.

use serde::{Deserialize, Serialize};

use super::{Decision, DecisionRecord, MatchRecord, ScoreRecord};

/// The candidate's decision against the active one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CandidateResult {
    /// Both block, or both pass.
    Same,
    /// Only the candidate blocks.
    NewlyBlocked,
    /// Only the active one blocks.
    NewlyPassed,
    /// The active one refused before everything was seen; of what was seen the candidate would have
    /// let pass.
    Undecided,
    /// The candidate's engine failed: a bug of ours, which the request did not feel.
    Error,
}

impl CandidateResult {
    /// Every result.
    pub const ALL: &'static [Self] =
        &[Self::Same, Self::NewlyBlocked, Self::NewlyPassed, Self::Undecided, Self::Error];

    /// The word in records and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::NewlyBlocked => "newly_blocked",
            Self::NewlyPassed => "newly_passed",
            Self::Undecided => "undecided",
            Self::Error => "error",
        }
    }
}

/// How a candidate differs on one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateRecord {
    /// Its decision against the active one.
    pub result: CandidateResult,
    /// Its decision: `pass` or `would_block`. Absent where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Its scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScoreRecord>,
    /// What matches under the candidate and not, or otherwise, under the active one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<MatchRecord>,
    /// The rules that match under the active one and not, or otherwise, under the candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// The hash of its rules.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ruleset: String,
    /// Microseconds in its engine, which are part of `timing_us.total` alone.
    #[serde(default)]
    pub inspect_us: u64,
}

impl CandidateRecord {
    /// A candidate that failed.
    pub fn failed() -> Self {
        Self {
            result: CandidateResult::Error,
            decision: None,
            score: None,
            matches: Vec::new(),
            gone: Vec::new(),
            ruleset: String::new(),
            inspect_us: 0,
        }
    }

    /// The difference between two engines' records of one request, where the active one `decided`
    /// this and the candidate has seen the `whole` request or not. What stands behind the verdict
    /// of one is no difference: the other may not have looked there.
    pub fn between(
        decided: Decision,
        active: &DecisionRecord,
        candidate: DecisionRecord,
        whole: bool,
    ) -> Self {
        let result = result(decided, candidate.decision, whole);
        let gone = only_in(&active.matches, &candidate.matches);
        let mut gone: Vec<String> = gone.map(|known| known.rule_id.clone()).collect();
        gone.dedup();
        Self {
            result,
            decision: Some(candidate.decision),
            score: Some(candidate.score),
            matches: only_in(&candidate.matches, &active.matches).cloned().collect(),
            gone,
            ruleset: candidate.ruleset,
            inspect_us: candidate.timing_us.inspect,
        }
    }

    /// Whether anything differs.
    pub fn differs(&self) -> bool {
        self.result != CandidateResult::Same || !self.matches.is_empty() || !self.gone.is_empty()
    }
}

fn result(active: Decision, candidate: Decision, whole: bool) -> CandidateResult {
    match (active != Decision::Pass, candidate != Decision::Pass) {
        (false, true) => CandidateResult::NewlyBlocked,
        (true, false) if whole => CandidateResult::NewlyPassed,
        (true, false) => CandidateResult::Undecided,
        (true, true) | (false, false) => CandidateResult::Same,
    }
}

/// The matches up to the verdict of one that the other does not have at all.
fn only_in<'a>(
    one: &'a [MatchRecord],
    other: &'a [MatchRecord],
) -> impl Iterator<Item = &'a MatchRecord> {
    let same = |a: &MatchRecord, b: &MatchRecord| {
        (&a.rule_id, &a.target, a.score, a.counted) == (&b.rule_id, &b.target, b.score, b.counted)
    };
    let is_known = move |known: &&MatchRecord| !other.iter().any(|one| same(one, known));
    one.iter().filter(|known| !known.after_verdict).filter(is_known)
}
