//! How far is a refusal, for certain, while the body is still coming? The rules of the phase are
//! run on a copy of their state, those only of which the body to come can take nothing back
//! (`compile/bound.rs` says which).

use super::answer::Asked;
use super::outputs::Outputs;
use super::{ProgramState, Turn};
use crate::rule::{Disruptive, Phase};
use crate::ruleset::{Bound, Comparison, Names, Part, ProgramLink, Question};

/// Which matches in the body are taken into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raised {
    Nothing,
    /// One match of one rule.
    By(u32),
    /// Every row.
    AsSeen,
}

impl ProgramState {
    /// What is missing to a refusal by the head alone: nothing where it refuses, the most there is
    /// where only a rule that refuses by itself can, `None` where nothing can be said.
    pub(crate) fn missing(&self, phase: Phase, turn: &Turn<'_>) -> Option<i64> {
        let mut copy = self.clone();
        let missing = copy.walk(phase, Raised::Nothing, turn)?;
        let amounts = &copy.bound(phase, turn).amounts;
        let negative = |slot: &u16| copy.tx.slot(*slot).is_some_and(|value| value.number() < 0);
        (!amounts.iter().any(negative)).then_some(missing)
    }

    /// How much nearer one match of a rule brings it. Nothing where fields may be taken away from
    /// the rule.
    pub(crate) fn gain(&self, phase: Phase, ordinal: u32, missing: i64, turn: &Turn<'_>) -> i64 {
        let narrowed = self.removed_from(ordinal, turn).next().is_some()
            || super::targets::is_excluded(ordinal, turn);
        if narrowed {
            return 0;
        }
        let with = self.clone().walk(phase, Raised::By(ordinal), turn);
        with.map_or(0, |with| missing.saturating_sub(with).max(0))
    }

    /// The state at a refusal that is certain by what the rows hold.
    pub(crate) fn refused(&self, phase: Phase, turn: &Turn<'_>) -> Option<Self> {
        let mut copy = self.clone();
        copy.walk(phase, Raised::AsSeen, turn);
        copy.ran[phase as usize] = true;
        // What is asked from here on goes by other rows.
        copy.outputs = Outputs::default();
        copy.denied.is_some().then_some(copy)
    }

    fn bound<'a>(&self, phase: Phase, turn: &Turn<'a>) -> &'a Bound {
        &turn.policy.ruleset().program.bounds[phase as usize]
    }

    /// Runs what is certain of a phase up to its first refusal. Gives what is missing to that.
    fn walk(&mut self, phase: Phase, raised: Raised, turn: &Turn<'_>) -> Option<i64> {
        let before = phase == Phase::RequestBody || self.ran[Phase::RequestBody as usize];
        if !before || !self.may_run(phase) || self.ran[phase as usize] || self.denied.is_some() {
            return None;
        }
        let (program, parts) = (turn.program(), &self.bound(phase, turn).parts);
        let mut next = 0;
        for &ordinal in &program.phases[phase as usize].all {
            let part = *parts.get(ordinal as usize)?;
            if part == Part::Open || ordinal < next || self.is_removed(ordinal) {
                continue;
            }
            let rule = &program.rules[ordinal as usize];
            let Some(chain) = turn.chain(rule) else { continue };
            if !turn.policy.stance(rule.rule).active {
                continue;
            }
            let link = rule.links.first()?;
            match (part, raised) {
                (Part::Threshold, Raised::Nothing | Raised::By(_)) => {
                    return self.distance(link, turn);
                }
                (Part::Raises, Raised::Nothing) => continue,
                (Part::Raises, Raised::By(one)) => {
                    if one == ordinal {
                        self.act(&Asked::new(ordinal, rule, chain, 0), 1, turn);
                        if chain.disruptive == Disruptive::Deny {
                            return Some(0);
                        }
                    }
                    continue;
                }
                _ => {}
            }
            if !self.holds(ordinal, rule, chain, phase, turn) {
                continue;
            }
            if raised == Raised::AsSeen {
                self.matched_rule(ordinal, phase, rule, chain, turn);
            }
            if self.stops(ordinal, phase, chain, turn) || self.denied.is_some() {
                return self.denied.map(|_| 0);
            }
            next = chain.skip_to.unwrap_or(0);
        }
        Some(i64::MAX)
    }

    /// What is missing of the sum that a threshold looks at.
    fn distance(&self, link: &ProgramLink, turn: &Turn<'_>) -> Option<i64> {
        let Question::Number(comparison, operand) = &link.question else { return None };
        let Names::Slot(slot) = link.targets.first()?.names else { return None };
        let sum = self.tx.slot(slot)?.number();
        let missing = self.number(operand, turn).saturating_sub(sum);
        Some(missing.saturating_add(i64::from(*comparison == Comparison::Gt)))
    }
}
