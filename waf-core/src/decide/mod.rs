//! Facts to a verdict. Facts come in canonical order; deciding knows rules and scores, and never
//! sees a byte that was not scanned.
//!
//! A rule's conditions are bits that can only be set. So a rule without `not` is monotone: once it
//! matches, no byte to come can take that back, and the sum over such rules is a lower bound of the
//! score. A block is *certain* when the bound reaches the threshold.

mod early;
mod program;
mod score;

use std::sync::Arc;

use crate::finding::{Finding, Origin};
use crate::limits;
use crate::policy::{Policy, ResponseBody};
use crate::record::{Mode, Source};
use crate::rule::{Action, Phase};
use crate::ruleset::{CompiledCondition, ExclusionId, RuleIndex, Settles, Trigger};
use crate::scan::{Evidence, Fact, Facts, Rows, Subject, Totals};
use crate::verdict::Refusal;

pub(crate) use early::{Scene, Watch};
pub(crate) use program::{Fired, ProgramScore, ProgramState, Turn};
pub(crate) use score::Scores;

/// A rule that matched.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) rule: RuleIndex,
    /// Whether it counted.
    pub(crate) counted: bool,
    /// It came after the verdict.
    pub(crate) after_verdict: bool,
    pub(crate) evidence: Evidence,
}

/// The point at which a block was certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// When it fell.
    pub(crate) phase: Phase,
    /// Body bytes that had to be known; `None`: the head was enough.
    pub(crate) offset: Option<u64>,
    /// The answer.
    pub(crate) refusal: Refusal,
    /// Whether it is carried out.
    pub(crate) enforced: bool,
}

/// What is known of a request's rules.
#[derive(Debug)]
pub(crate) struct Decider {
    policy: Arc<Policy>,
    /// Which exclusions apply to the request.
    exclusions: Vec<bool>,
    /// What holds of each rule; empty while nothing does of any, as with most requests.
    held: Vec<Held>,
    /// Conditions that exclusions kept from holding, and what would have made them hold.
    excluded: Vec<(RuleIndex, u8, ExclusionId, Evidence)>,
    /// What made them hold, in the order it did.
    causes: Vec<(RuleIndex, u8, Evidence)>,
    matches: Vec<Match>,
    scores: Scores,
    /// Matches that block by themselves, in the order found.
    blocking: Vec<Blocking>,
    /// What findings that block added to the inbound score.
    by_findings: u32,
    /// The SecLang rules, where there are any.
    program: Option<Box<ProgramState>>,
    /// Their state at a verdict before the end of a body that is not carried out.
    early: Option<Box<ProgramState>>,
    verdict: Option<Verdict>,
}

/// What holds of one rule.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// Its conditions that hold.
    conditions: u64,
    /// It has matched.
    matched: bool,
}

/// A match that blocks by itself.
#[derive(Clone, Copy, Debug)]
struct Blocking {
    /// The finding, when it is one.
    finding: Option<Finding>,
    /// Refused in detection-only mode too.
    always: bool,
    /// It speaks against the response, not the request.
    outbound: bool,
}

impl Decider {
    /// Nothing is known yet.
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        let has_program = !policy.ruleset().program.is_empty();
        let program = has_program.then(|| Box::new(ProgramState::new(&policy)));
        Self {
            program,
            early: None,
            policy,
            exclusions: Vec::new(),
            held: Vec::new(),
            excluded: Vec::new(),
            causes: Vec::new(),
            matches: Vec::new(),
            scores: Scores::default(),
            blocking: Vec::new(),
            by_findings: 0,
            verdict: None,
        }
    }

    /// Which exclusions apply is known once the head is.
    pub(crate) fn set_exclusions(&mut self, active: Vec<bool>) {
        self.exclusions = active;
    }

    /// The rules that matched, in canonical order.
    pub(crate) fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// The scores up to the verdict.
    pub(crate) fn scores(&self) -> &Scores {
        &self.scores
    }

    /// The verdict, once there is one.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Whether the request is being refused.
    pub(crate) fn enforced(&self) -> bool {
        self.verdict.is_some_and(|verdict| verdict.enforced)
    }

    /// Runs the SecLang rules of a phase.
    pub(crate) fn run(
        &mut self,
        phase: Phase,
        rows: &Rows,
        totals: &Totals,
        facts: &Facts,
        processor: &'static str,
    ) {
        let Some(program) = &mut self.program else { return };
        let exclusions = &self.exclusions;
        program
            .run(phase, &Turn { policy: &self.policy, rows, totals, facts, exclusions, processor });
    }

    /// The state of the SecLang rules, where there are any.
    pub(crate) fn program(&self) -> Option<&ProgramState> {
        self.program.as_deref()
    }

    /// The score of the SecLang rules at the verdict.
    pub(crate) fn program_score(&self) -> ProgramScore {
        let program = self.early.as_deref().or(self.program());
        program.map(ProgramState::score).unwrap_or_default()
    }

    /// The SecLang rules that matched and tell it, with what each added: first those before an
    /// early verdict.
    pub(crate) fn fired(&self) -> Vec<(Fired, u32)> {
        let scored = |program: &ProgramState| {
            let score = program.score();
            let fired = program.fired().iter();
            fired.map(|fired| (fired.clone(), score.of(fired.ordinal))).collect::<Vec<_>>()
        };
        let all = self.program().map(scored).unwrap_or_default();
        let Some(early) = &self.early else { return all };
        let mut told = scored(early);
        let known = told.len();
        let is_known = |fired: &Fired, told: &[(Fired, u32)]| {
            told.iter().any(|(it, _)| (it.ordinal, it.phase) == (fired.ordinal, fired.phase))
        };
        for (fired, score) in all {
            if !is_known(&fired, &told[..known]) {
                told.push((Fired { after_verdict: true, ..fired }, score));
            }
        }
        told
    }

    /// A fact: conditions come true, and with them rules.
    pub(crate) fn apply(&mut self, fact: &Fact) {
        let policy = Arc::clone(&self.policy);
        let (triggers, finding) = match (fact.subject, &fact.plan) {
            (Subject::Signature(signature, ..), Some(plan)) => (plan.triggers_of(signature), None),
            (Subject::Finding(finding), _) => {
                (policy.findings[finding as usize].as_slice(), Some(finding))
            }
            (Subject::Signature(..), None) => return,
        };
        // Even where no rule is loaded for it, such a request cannot be forwarded.
        if let Some(finding) = finding.filter(|f| triggers.is_empty() && f.always_refused()) {
            self.blocking.push(Blocking { finding: Some(finding), always: true, outbound: false });
        }
        for trigger in triggers {
            match self.exclusion_of(trigger) {
                None => self.hold(trigger, &fact.evidence, finding),
                Some(exclusion) => self.exclude(trigger, exclusion, &fact.evidence),
            }
        }
    }

    /// The phase ends: rules that had to wait for it are decided.
    pub(crate) fn settle(&mut self, phase: Phase, totals: &Totals) {
        let policy = Arc::clone(&self.policy);
        let ruleset = policy.ruleset();
        for &rule in ruleset.waiting.of(phase) {
            let (index, compiled) = (rule.index(), &ruleset.rules[rule.index()]);
            if !policy.stances[index].active {
                continue;
            }
            // What makes no difference is not counted.
            let (counts, known) = (compiled.counts(), self.held(index).conditions);
            let holds = |bits| compiled.formula.holds(bits);
            let matters = counts.count_ones() > 1 || holds(known | counts) != holds(known);
            for (number, condition) in compiled.conditions.iter().enumerate() {
                if let CompiledCondition::Count { targets, check } = condition
                    && matters
                {
                    let count = self.count(targets, totals).to_string();
                    let mut state = check.start();
                    let holds =
                        check.feed(&mut state, count.as_bytes()).is_some() || check.finish(state);
                    if holds && !self.whole_rule_excluded(index) {
                        self.held_mut(index).conditions |= 1 << number;
                    }
                }
            }
            let held = self.held(index);
            if !held.matched && compiled.formula.holds(held.conditions) {
                self.matched(rule, None);
            }
        }
    }

    /// A verdict point: is a block certain here?
    pub(crate) fn judge(&mut self, phase: Phase, offset: Option<u64>) -> Option<Verdict> {
        if self.awaits_verdict(phase) {
            let settings = self.policy.settings();
            let blocking = || self.blocking.iter().filter(|b| !(b.outbound && phase.is_request()));
            let always = blocking().find(|blocking| blocking.always);
            // A finding that blocks has an answer of its own; its score alone does not hide that.
            let by_score = self.scores.without(self.by_findings).reaches(phase, settings);
            let program = self.early.as_ref().or(self.program.as_ref());
            let denied = program.and_then(|program| program.denied());
            let denied = denied.filter(|denied| denied.phase.is_request() || !phase.is_request());
            let by_rule = denied.is_some() || blocking().any(|blocking| blocking.finding.is_none());
            // A status is the operator's, unless the rule that refuses has one of its own.
            let status = denied.and_then(|denied| denied.status).unwrap_or(settings.block_status);
            let refusal = match (always, by_score || by_rule, blocking().next()) {
                (Some(blocking), _, _) => blocking.refusal(settings.block_status),
                (None, true, _) => Refusal { status, source: Source::Waf },
                (None, false, Some(blocking)) => blocking.refusal(settings.block_status),
                (None, false, None) => return self.verdict,
            };
            let watched =
                phase == Phase::ResponseBody && settings.response.body != ResponseBody::Block;
            let only_told = denied.is_some_and(|denied| !denied.enforced)
                && !by_score
                && blocking().next().is_none();
            let stands = settings.mode == Mode::Block && !watched && !only_told;
            let enforced = stands || always.is_some();
            self.verdict = Some(Verdict { phase, offset, refusal, enforced });
        }
        self.verdict
    }

    /// Whether what becomes known in a phase still counts. A response that is only watched must not
    /// end the judging of a request whose body is still coming.
    fn awaits_verdict(&self, phase: Phase) -> bool {
        self.verdict
            .is_none_or(|known| !known.enforced && !known.phase.is_request() && phase.is_request())
    }

    /// Whether the request would be refused if rules on trial counted.
    pub(crate) fn on_trial(&self, phase: Phase) -> bool {
        let trial_blocks = self.matches.iter().any(|known| {
            !known.counted
                && !known.after_verdict
                && self.policy.ruleset().rules[known.rule.index()].rule.action == Action::Block
                && self.is_on_trial(known.rule)
        });
        trial_blocks || self.scores.with_trial_reaches(phase, self.policy.settings())
    }

    fn hold(&mut self, trigger: &Trigger, evidence: &Evidence, finding: Option<Finding>) {
        let index = trigger.rule.index();
        let bit = 1 << trigger.condition;
        let held = self.held_mut(index);
        if held.conditions & bit != 0 {
            return;
        }
        held.conditions |= bit;
        let Held { conditions, matched } = *held;
        if matched {
            return;
        }
        self.causes.push((trigger.rule, trigger.condition, evidence.clone()));
        let policy = Arc::clone(&self.policy);
        let compiled = &policy.ruleset().rules[index];
        if compiled.settles == Settles::AtOnce && compiled.formula.holds(conditions) {
            self.matched(trigger.rule, finding);
        }
    }

    /// What holds of a rule.
    fn held(&self, index: usize) -> Held {
        self.held.get(index).copied().unwrap_or_default()
    }

    /// The same, to change.
    fn held_mut(&mut self, index: usize) -> &mut Held {
        if self.held.is_empty() {
            self.held.resize(self.policy.stances.len(), Held::default());
        }
        &mut self.held[index]
    }

    /// A rule matches, once a request.
    fn matched(&mut self, rule: RuleIndex, finding: Option<Finding>) {
        let index = rule.index();
        self.held_mut(index).matched = true;
        let policy = Arc::clone(&self.policy);
        let compiled = &policy.ruleset().rules[index];
        let stance = policy.stances[index];
        let always = finding.is_some_and(Finding::always_refused);
        let after_verdict = !self.awaits_verdict(compiled.rule.phase);
        let outbound = !compiled.rule.phase.is_request();
        if !after_verdict {
            self.scores.add(outbound, stance, self.is_on_trial(rule));
            if (compiled.rule.action == Action::Block && stance.counted) || always {
                self.blocking.push(Blocking { finding, always, outbound });
                if finding.is_some() && stance.counted {
                    self.by_findings = self.by_findings.saturating_add(stance.score);
                }
            }
        }
        let evidence = self.shown(rule, &compiled.formula.positive());
        self.causes.retain(|(known, _, _)| *known != rule);
        let counted = stance.counted || always;
        self.matches.push(Match { rule, counted, after_verdict, evidence });
    }

    /// The evidence of the first condition written that holds.
    fn shown(&self, rule: RuleIndex, positive: &[u8]) -> Evidence {
        let of = |number: &u8| {
            self.causes.iter().find(|(known, condition, _)| *known == rule && condition == number)
        };
        match positive.iter().find_map(of) {
            Some((_, _, evidence)) => evidence.clone(),
            None => Evidence::of_finding(None, 0),
        }
    }

    fn is_on_trial(&self, rule: RuleIndex) -> bool {
        let stance = self.policy.stances[rule.index()];
        let paranoia = self.policy.ruleset().rules[rule.index()].rule.paranoia;
        !stance.counted && paranoia <= self.policy.settings().paranoia
    }

    /// The first active exclusion that keeps a trigger from its rule.
    fn exclusion_of(&self, trigger: &Trigger) -> Option<ExclusionId> {
        let active = |id: &&ExclusionId| self.exclusions.get(id.index()) == Some(&true);
        trigger.unless.iter().find(active).copied()
    }

    fn exclude(&mut self, trigger: &Trigger, exclusion: ExclusionId, evidence: &Evidence) {
        let of_trigger = |(rule, condition, ..): &(RuleIndex, u8, ExclusionId, Evidence)| {
            (*rule, *condition) == (trigger.rule, trigger.condition)
        };
        if self.excluded.len() < limits::EXCLUDED && !self.excluded.iter().any(of_trigger) {
            self.excluded.push((trigger.rule, trigger.condition, exclusion, evidence.clone()));
        }
    }

    /// The rules that would have matched but for exclusions, each with the first one and what it took
    /// away. A rule that matched elsewhere is not among them.
    pub(crate) fn excluded(&self) -> Vec<(RuleIndex, ExclusionId, &Evidence)> {
        let mut found: Vec<(RuleIndex, ExclusionId, &Evidence)> = Vec::new();
        for (rule, _, exclusion, evidence) in &self.excluded {
            let index = rule.index();
            let of_rule = self.excluded.iter().filter(|(known, ..)| known == rule);
            let taken = of_rule.fold(0_u64, |bits, (_, condition, ..)| bits | 1 << condition);
            let formula = &self.policy.ruleset().rules[index].formula;
            let is_new = found.iter().all(|(known, ..)| known != rule);
            let held = self.held(index);
            if is_new && !held.matched && formula.holds(held.conditions | taken) {
                found.push((*rule, *exclusion, evidence));
            }
        }
        if let Some(program) = &self.program {
            found.extend(
                program.excluded().iter().map(|(rule, id, evidence)| (*rule, *id, evidence)),
            );
        }
        found
    }

    fn whole_rule_excluded(&self, index: usize) -> bool {
        let rule = &self.policy.ruleset().rules[index].rule;
        self.policy.exclusions.iter().zip(&self.exclusions).any(|(exclusion, &active)| {
            active && exclusion.targets.is_empty() && crate::compile::covers(&exclusion.scope, rule)
        })
    }

    fn count(&self, targets: &[crate::rule::Target], totals: &Totals) -> u64 {
        let names = &self.policy.ruleset().names;
        let selected = totals.iter().filter(|(collection, class, _)| {
            crate::compile::selects(names, targets, *collection, *class)
        });
        selected.map(|(_, _, total)| total.count).sum()
    }
}

impl Blocking {
    fn refusal(self, block_status: u16) -> Refusal {
        let Some(finding) = self.finding else {
            return Refusal { status: block_status, source: Source::Waf };
        };
        let source = match finding.origin() {
            Origin::Waf => Source::Waf,
            Origin::Protocol => Source::Protocol,
            Origin::Size => Source::Size,
        };
        let status = if finding.status() == 403 { block_status } else { finding.status() };
        Refusal { status, source }
    }
}
