//! The engine against the reference engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use waf_core::policy::Policy;
use waf_core::record::{DecisionRecord, MatchRecord};
use waf_core::rule::{Operator, Rule};
use waf_corpus::reference::{Found, Matched, Outcome, Reference};
use waf_corpus::{Cut, Request, Runner};

/// Both engines under one policy.
pub(crate) struct Engines {
    policy: Arc<Policy>,
    runner: Runner,
    reference: Reference,
}

impl Engines {
    pub(crate) fn new(policy: &Arc<Policy>) -> Self {
        Self {
            policy: Arc::clone(policy),
            runner: super::runner(policy),
            reference: Reference::new(Arc::clone(policy)),
        }
    }

    /// How the engines differ over a request, a line each; `judged` is the reference's outcome.
    pub(crate) fn differences(
        &mut self,
        request: &Request,
        judged: &Outcome,
        cut: Cut,
    ) -> Vec<String> {
        let record = self.runner.run(request, cut);
        let mut differences = Vec::new();
        let mut tell = |what: String| differences.push(format!("{} {cut:?}: {what}", request.id));
        // What needs the whole value cannot be told beyond the window; the record says so.
        let inexact = !record.coverage.inexact.is_empty();
        let exact = |id: &str| !inexact || !self.rule(id).is_some_and(needs_whole_value);
        // Beyond the hold a block may be certain before the end, and without an inexact rule later.
        let held = !inexact && judged.length <= self.policy.settings().limits.hold;
        let fast = ids(&record.matches, |m| (m.rule_id.as_str(), m.counted, m.after_verdict), held);
        let slow = ids(&judged.matches, |m| (m.id.as_str(), m.counted, m.after_verdict), held);
        for (id, counted, after) in fast.symmetric_difference(&slow).filter(|(id, ..)| exact(id)) {
            let who = if slow.contains(&(*id, *counted, *after)) { "reference" } else { "engine" };
            tell(format!("only the {who} has {id}, counted {counted}, after verdict {after}"));
        }
        if held && record.score.inbound != judged.score {
            tell(format!("score {} and not {}", record.score.inbound, judged.score));
        }
        if !inexact && record.decision != judged.decision {
            tell(format!("{:?} and not {:?}", record.decision, judged.decision));
        }
        for known in record.matches.iter().filter(|known| exact(&known.rule_id)) {
            let Some(slow) = judged.matches.iter().find(|slow| slow.id == known.rule_id) else {
                continue;
            };
            if !is_among(known, slow) {
                let (target, at) = (&known.target, known.at);
                let place = (known.offset, known.length);
                let found = &slow.found;
                tell(format!("{} in {target} at {at:?} {place:?}, not {found:?}", slow.id));
            }
        }
        differences
    }

    /// What the reference engine makes of a request.
    pub(crate) fn judge(&self, request: &Request) -> Outcome {
        self.reference.judge(request)
    }

    /// The record of the engine.
    pub(crate) fn record(&mut self, request: &Request, cut: Cut) -> DecisionRecord {
        self.runner.run(request, cut)
    }

    fn rule(&self, id: &str) -> Option<&Rule> {
        self.policy.ruleset().rules().find(|rule| rule.id.as_str() == id)
    }
}

type Key<'a> = (&'a str, bool, bool);

fn ids<T>(matches: &[T], key: impl Fn(&T) -> Key<'_>, held: bool) -> BTreeSet<Key<'_>> {
    let matches = matches.iter().map(key);
    matches.map(|(id, counted, after)| (id, counted, after && held)).collect()
}

fn needs_whole_value(rule: &Rule) -> bool {
    rule.expression.conditions().iter().any(|condition| {
        matches!(condition.operator, Operator::DetectSqli | Operator::DetectXss)
            || condition.transformations.iter().any(|transformation| !transformation.streams())
    })
}

/// Whether a match is one of those that the reference engine found. A rule of a finding, or of
/// counts, has none.
fn is_among(known: &MatchRecord, slow: &Matched) -> bool {
    let same = |found: &Found| {
        let place = known.offset.zip(known.length);
        found.target == known.target
            && known.at.is_none_or(|at| at == found.at)
            && found.place.is_none_or(|found| place == Some(found))
    };
    slow.found.is_empty() || slow.found.iter().any(same)
}
