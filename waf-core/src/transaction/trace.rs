//! The trace of a transaction, as it may be shown.

use super::Transaction;
use super::about::{parser, target};
use crate::record::{CandidateTrace, FieldTrace, Masking, RuleTrace, StepTrace, TraceRecord};
use crate::rule::Transformation;
use crate::ruleset::Probe;
use crate::scan::{TracedCandidate, TracedField};

impl Transaction {
    /// Notes from now on what happens to every field. It costs time and memory: for one request
    /// that somebody looks at.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Some(Box::default());
        self
    }

    /// What was noted; `None` unless it was asked for.
    pub fn trace(&self, masking: &Masking) -> Option<TraceRecord> {
        let trace = self.trace.as_deref()?;
        let fields = trace.fields.iter().map(|field| self.field_trace(field, masking)).collect();
        Some(TraceRecord { fields, left_out: trace.left_out })
    }

    fn field_trace(&self, field: &TracedField, masking: &Masking) -> FieldTrace {
        let target = target(&field.evidence);
        let steps = field.steps.iter().map(|step| StepTrace {
            decode: names(&step.changed),
            excerpt: masking.excerpt(&target, &step.first),
        });
        FieldTrace {
            parser: parser(&field.evidence).map(str::to_owned),
            at: field.evidence.at,
            length: field.length,
            scanned: field.scanned,
            asked: field.asked,
            excerpt: masking.excerpt(&target, &field.first),
            steps: steps.collect(),
            candidates: field.candidates.iter().map(|known| self.candidate_trace(known)).collect(),
            target,
        }
    }

    fn candidate_trace(&self, candidate: &TracedCandidate) -> CandidateTrace {
        let ruleset = self.policy.ruleset();
        let rules = candidate.rules.iter().map(|asker| {
            let compiled = &ruleset.rules[asker.rule.index()];
            RuleTrace {
                rule_id: compiled.rule.id.to_string(),
                condition: usize::from(asker.condition) + 1,
                conditions: compiled.conditions.len(),
                in_part: asker.in_part,
            }
        });
        CandidateTrace {
            kind: kind(ruleset.signatures[candidate.signature.index()].probe).to_owned(),
            decode: names(&candidate.changed),
            hit: candidate.hit.is_some(),
            offset: candidate.hit.and_then(|(start, _)| start),
            end: candidate.hit.map(|(_, end)| end),
            rules: rules.collect(),
        }
    }
}

fn names(changed: &[Transformation]) -> Vec<String> {
    changed.iter().map(|step| step.name().to_owned()).collect()
}

fn kind(probe: Probe) -> &'static str {
    match probe {
        Probe::Pattern(_) => "pattern",
        Probe::Phrases(_) => "phrases",
        Probe::Check(_) => "check",
        Probe::DetectSqli => "detect_sqli",
        Probe::DetectXss => "detect_xss",
        Probe::Joint(_) => "joint",
    }
}
