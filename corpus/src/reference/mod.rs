//! The reference engine: slow and plainly right.
//!
//! It buffers the whole request, collects every field, and asks every rule in turn, every condition
//! of it, every value; SecLang rules run one after the other (`seclang`). With the real engine it
//! shares the parsers and the transformations (each proven against another implementation), and
//! nothing of scanning, planning or deciding: no automata, no classes of names, no facts.
//!
//! ```text
//! Request -> collect: fields, findings -> rules: does it match? -> decide: scores -> Outcome
//!                                    \-> seclang: chains, TX, one phase after the other -/
//! ```
//!
//! It judges at the end of the head and at the end of the body. Within `limits.hold` these are the
//! verdict points of the real engine too; beyond, that one may be certain earlier.

mod check_digits;
mod collect;
mod decide;
mod exclude;
mod operators;
mod regexes;
mod rules;
mod seclang;
pub(crate) mod select;

use std::sync::Arc;

use waf_core::parse::body::Processor;
use waf_core::policy::Policy;
use waf_core::record::Decision;
use waf_core::rule::{Phase, Rule};

use crate::request::Request;
use collect::Collected;
pub use collect::{Value, fields, texts};
use decide::{Scores, Stance};
use exclude::Exclusions;
pub use regexes::{Regexes, compile};
pub use rules::Found;
pub use seclang::Told;
use seclang::{Run, Seen};
pub use select::selects;

/// The reference engine under one policy, of which it uses the rules and the settings only.
#[derive(Debug)]
pub struct Reference {
    policy: Arc<Policy>,
    stances: Vec<Stance>,
    regexes: Regexes,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The rules that match, in load order.
    pub matches: Vec<Matched>,
    /// The score of the request at the verdict.
    pub score: u32,
    /// The SecLang rules that match and tell it, in the order in which they ran.
    pub told: Vec<Told>,
    /// The number of the request that SecLang rules held against a threshold last, and that.
    pub held: Option<(i64, i64)>,
    /// The status that a SecLang rule refuses with.
    pub status: Option<u16>,
    /// What is decided.
    pub decision: Decision,
    /// Bytes of the body after decoding.
    pub length: u64,
}

/// A rule that matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// The rule.
    pub id: String,
    /// Whether it counts.
    pub counted: bool,
    /// Whether the verdict was certain without it.
    pub after_verdict: bool,
    /// Every value that fulfils one of its conditions, and where.
    pub found: Vec<Found>,
}

impl Reference {
    /// The engine under a policy.
    pub fn new(policy: Arc<Policy>) -> Self {
        let settings = policy.settings();
        let stances = policy.ruleset().rules().map(|rule| Stance::of(rule, settings)).collect();
        Self { policy, stances, regexes: Regexes::default() }
    }

    /// Judges a request.
    pub fn judge(&self, request: &Request) -> Outcome {
        let settings = self.policy.settings();
        let exclusions = Exclusions::of(settings, &request.head, &self.regexes);
        let content_type = request.head.value("content-type");
        let processor = Processor::choose(content_type, true).name();
        let mut collected = collect::head(request, &settings.limits);
        let mut scores = Scores::default();
        let mut matches = Vec::new();
        let rules = self.rules().zip(self.stances.iter().map(|stance| stance.active));
        let mut run = Run::new(rules, settings, &self.regexes, &exclusions);
        self.point(Phase::RequestHeaders, &collected, &exclusions, &mut scores, &mut matches);
        run.phase(Phase::RequestHeaders, Seen { collected: &collected, processor });
        scores.deny(run.denied());
        if !scores.enforced(settings) {
            collect::body(request, run.processor(), &settings.limits, &mut collected);
            self.point(Phase::RequestBody, &collected, &exclusions, &mut scores, &mut matches);
            run.phase(Phase::RequestBody, Seen { collected: &collected, processor });
            scores.deny(run.denied());
        }
        run.phase(Phase::Logging, Seen { collected: &collected, processor });
        matches.sort_by_key(|(number, _)| *number);
        let (held, status) = (run.inbound(), run.denied().and_then(|denied| denied.status));
        Outcome {
            matches: matches.into_iter().map(|(_, matched)| matched).collect(),
            score: scores.inbound(),
            told: run.told(),
            held,
            status,
            decision: scores.decision(settings),
            length: collected.length,
        }
    }

    /// A verdict point: every rule that is due and has not matched yet.
    fn point(
        &self,
        phase: Phase,
        collected: &Collected,
        exclusions: &Exclusions<'_>,
        scores: &mut Scores,
        matches: &mut Vec<(usize, Matched)>,
    ) {
        let after_verdict = scores.has_verdict();
        for (number, rule) in self.policy.ruleset().rules().enumerate() {
            let stance = self.stances[number];
            let refused = decide::refused_finding(rule, collected);
            let known = matches.iter().any(|(known, _)| *known == number);
            if known || !(stance.active || refused) || !rules::is_due(rule, phase) {
                continue;
            }
            let asked = rules::Asked { collected, exclusions, regexes: &self.regexes, rule };
            let Some(found) = asked.answer() else { continue };
            let limit = self.policy.settings().limits.field_window;
            let found = found.into_iter().map(|found| found.within(limit)).collect();
            let counted = stance.counted || refused;
            scores.add(rule, stance, refused);
            let id = rule.id.to_string();
            matches.push((number, Matched { id, counted, after_verdict, found }));
        }
        scores.refuse_unnamed(self.rules(), collected);
        scores.judge(self.policy.settings());
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.policy.ruleset().rules()
    }
}
