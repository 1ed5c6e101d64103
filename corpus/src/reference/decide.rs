//! Scores and verdict.

use waf_core::finding::Finding;
use waf_core::policy::{OverrideScope, PolicySettings};
use waf_core::record::{Decision, Mode};
use waf_core::rule::{Action, Operator, Rule, RuleMode};

use super::collect::Collected;
use super::seclang::Denied;

/// How a rule stands under the settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stance {
    /// It is looked for.
    pub(super) active: bool,
    /// Its matches count.
    pub(super) counted: bool,
    /// It would count, were it not on trial.
    on_trial: bool,
    score: u32,
}

impl Stance {
    /// The rule after all overrides that name it or its class.
    pub(super) fn of(rule: &Rule, settings: &PolicySettings) -> Self {
        let (mut mode, mut score) = (rule.mode, rule.score);
        for change in &settings.overrides {
            let named = match &change.scope {
                OverrideScope::Rule(id) => id == rule.id.as_str(),
                OverrideScope::Class(class) => *class == rule.class,
            };
            if named {
                mode = change.mode.unwrap_or(mode);
                score = change.score.unwrap_or(score);
            }
        }
        // SecLang rules keep their levels themselves.
        let within = |level: u8| rule.chain.is_some() || rule.paranoia <= level;
        let level = within(settings.paranoia);
        Self {
            active: mode != RuleMode::Off && within(settings.detection_paranoia),
            counted: mode == RuleMode::Block && level,
            on_trial: mode != RuleMode::Block && level,
            score,
        }
    }
}

/// Whether a rule is about something found that is refused in every mode.
pub(super) fn refused_finding(rule: &Rule, collected: &Collected) -> bool {
    findings_of(rule).any(|f| f.always_refused() && collected.findings.contains(&f))
}

fn findings_of(rule: &Rule) -> impl Iterator<Item = Finding> {
    let conditions = rule.expression.conditions().into_iter();
    conditions.filter_map(|condition| match condition.operator {
        Operator::Finding(finding) => Some(finding),
        _ => None,
    })
}

/// Sums, and what they lead to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scores {
    inbound: u32,
    outbound: u32,
    trial: u32,
    /// Something blocks by itself.
    blocks: bool,
    /// A rule on trial would.
    trial_blocks: bool,
    /// Something is refused in every mode.
    refused: bool,
    /// The verdict is a SecLang rule's whose own engine is not on: it is only told.
    only_told: bool,
    verdict: bool,
}

impl Scores {
    /// The sum of the request's rules that count.
    pub(super) fn inbound(&self) -> u32 {
        self.inbound
    }

    /// Whether a block is certain.
    pub(super) fn has_verdict(&self) -> bool {
        self.verdict
    }

    /// Whether a block is certain and carried out.
    pub(super) fn enforced(&self, settings: &PolicySettings) -> bool {
        self.decision(settings) == Decision::Block
    }

    /// A rule matches. Once the verdict is there, nothing adds to it.
    pub(super) fn add(&mut self, rule: &Rule, stance: Stance, refused: bool) {
        if self.verdict {
            return;
        }
        let blocks = rule.action == Action::Block;
        match (rule.phase.is_request(), stance.counted) {
            (true, true) => self.inbound += stance.score,
            (false, true) => self.outbound += stance.score,
            (true, false) if stance.on_trial => self.trial += stance.score,
            _ => {}
        }
        self.blocks |= blocks && stance.counted;
        self.trial_blocks |= blocks && stance.on_trial;
        self.refused |= refused;
    }

    /// What SecLang rules have refused so far.
    pub(super) fn deny(&mut self, denied: Option<Denied>) {
        let Some(denied) = denied else { return };
        self.only_told |= !self.verdict && !denied.enforced;
        self.verdict = true;
    }

    /// What is refused in every mode is so without any rule.
    pub(super) fn refuse_unnamed<'a>(
        &mut self,
        rules: impl Iterator<Item = &'a Rule>,
        collected: &Collected,
    ) {
        if self.verdict {
            return;
        }
        let named: Vec<Finding> = rules.flat_map(findings_of).collect();
        let unnamed = |finding: &Finding| finding.always_refused() && !named.contains(finding);
        self.refused |= collected.findings.iter().any(unnamed);
    }

    /// A verdict point.
    pub(super) fn judge(&mut self, settings: &PolicySettings) {
        let reached = self.inbound > 0 && self.inbound >= settings.inbound_threshold;
        self.verdict |= reached || self.blocks || self.refused;
    }

    /// What is decided as of now.
    pub(super) fn decision(&self, settings: &PolicySettings) -> Decision {
        let with_trial = self.inbound + self.trial;
        let trial = self.trial_blocks
            || (self.trial > 0 && with_trial > 0 && with_trial >= settings.inbound_threshold);
        match (self.verdict, settings.mode) {
            (true, Mode::Block) if !self.only_told => Decision::Block,
            (true, Mode::Detect) if self.refused => Decision::Block,
            (true, _) => Decision::WouldBlock,
            (false, _) if trial => Decision::WouldBlock,
            (false, _) => Decision::Pass,
        }
    }
}
