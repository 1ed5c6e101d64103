//! Every rule's own examples, run through the engine.

use std::sync::Arc;

use serde_json::{Value, json};
use waf_core::record::Masking;
use waf_core::rule::{Example, Rule};
use waf_core::source::Report;
use waf_corpus::{Runner, examples};

use super::output::safe;
use crate::site::Site;

/// What running all examples gave.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Rules that have examples.
    pub(super) rules: usize,
    /// Requests made of examples.
    pub(super) requests: usize,
    /// Examples that went wrong, each at its place.
    pub(super) failures: Vec<Report>,
}

impl Outcome {
    pub(super) fn text(&self) -> String {
        let mut text: String =
            self.failures.iter().map(|failure| format!("{failure}\n\n")).collect();
        text += &format!(
            "{} rules, {} requests made of their examples, {} failed\n",
            self.rules,
            self.requests,
            self.failures.len()
        );
        text
    }

    pub(super) fn json(&self) -> Value {
        let failures: Vec<Value> = self
            .failures
            .iter()
            .map(|failure| {
                let span = failure.span.as_ref();
                json!({
                    "message": failure.message,
                    "file": span.map(|span| span.source.name.as_str()),
                    "line": span.map(waf_core::source::Span::line),
                })
            })
            .collect();
        json!({ "rules": self.rules, "requests": self.requests, "failures": failures })
    }
}

/// Sends every attack and every benign example of every rule, in all places that its targets allow.
pub(super) fn run(site: &Site) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(policy) = everything(site) else { return outcome };
    let mut runner = Runner::new(policy, Masking::default());
    for rule in site.rules().filter(|rule| !rule.attacks.is_empty() || !rule.benign.is_empty()) {
        outcome.rules += 1;
        for (tests, must_match) in [(&rule.attacks, true), (&rule.benign, false)] {
            for example in tests {
                one(&mut runner, &mut outcome, rule, example, must_match);
            }
        }
    }
    outcome
}

fn one(
    runner: &mut Runner,
    outcome: &mut Outcome,
    rule: &Rule,
    example: &Example,
    must_match: bool,
) {
    let requests = examples::requests(rule, example);
    if requests.is_empty() {
        let message = format!("this example fits no place that `{}` looks at", rule.id);
        outcome.failures.push(Report::error(Some(example.span.clone()), message));
    }
    for (place, request) in requests {
        outcome.requests += 1;
        let right = examples::CUTS
            .into_iter()
            .all(|cut| examples::matches(runner, rule, &request, cut) == must_match);
        if !right {
            let verb = if must_match { "does not match" } else { "matches" };
            let kind = if must_match { "attack" } else { "benign" };
            let place = safe(&place);
            let message = format!("`{}` {verb} this {kind} example in {place}", rule.id);
            outcome.failures.push(Report::error(Some(example.span.clone()), message));
            return;
        }
    }
}

/// Every rule looked for, whatever its level or mode, and nothing cut short by a verdict.
fn everything(site: &Site) -> Option<Arc<waf_core::policy::Policy>> {
    let settings = examples::settings(site.rules());
    let rules = site.rules().cloned().collect();
    let compiled = waf_core::compile::compile(rules, vec![settings]).ok()?;
    compiled.policies.into_iter().next()
}
