//! Rules of which scanning tells what their notes come to: see
//! [`ProgramRule::foreseen`](crate::ruleset::ProgramRule::foreseen).

use super::answer::{self, Asked};
use super::score::Shown;
use super::{ProgramState, Turn, targets};
use crate::ruleset::ProgramRule;

/// Of the fields that a rule noted, those whose notes match: the others are no cause of it. All of them
/// where that cannot be told.
pub(super) fn keep_causes(shown: &mut Vec<Shown>, rule: &ProgramRule, turn: &Turn<'_>) {
    let Some(foreseen) = &rule.foreseen else { return };
    let is_cause = |shown: &Shown| {
        let row = turn.rows.row(shown.row);
        foreseen.iter().any(|&signature| row.has(signature))
    };
    if shown.iter().any(is_cause) {
        shown.retain(is_cause);
    }
}

impl ProgramState {
    /// Whether a rule is known not to match, and to leave nothing behind but what its `maker`, the
    /// link that notes, captured last. That is captured here.
    pub(super) fn comes_to_nothing(&mut self, maker: &Asked<'_>, turn: &Turn<'_>) -> bool {
        let Some(foreseen) = &maker.rule.foreseen else { return false };
        if foreseen.iter().any(|&signature| turn.rows.any(signature)) {
            return false;
        }
        // What is taken away from a rule may be told.
        let narrowed = self.removed_from(maker.ordinal, turn).next().is_some()
            || targets::is_excluded(maker.ordinal, turn);
        !narrowed && (!turn.program().shares_captures || self.capture_last(maker, turn))
    }

    /// Captures the last field of which a link is true, if there is any. Whether that could be done.
    fn capture_last(&mut self, asked: &Asked<'_>, turn: &Turn<'_>) -> bool {
        let of_targets = asked.link.targets.iter().rev().flat_map(|target| {
            let collections = target.collections().iter().rev();
            let collections = collections.filter(|&&it| self.shows(it, turn));
            let rows = collections.flat_map(|&it| turn.rows.of(it).iter().rev());
            rows.filter(|&&at| target.names.has_class(turn.rows.row(at).class))
        });
        let is_true = |&&at: &&u32| answer::is_known(asked, turn.rows.row(at), 0) == Some(true);
        let Some(&at) = of_targets.into_iter().find(is_true) else { return true };
        let Some(came) = &turn.rows.row(at).value else { return false };
        let (output, _) = answer::stage(asked.written, came, 0);
        answer::capture(asked, output.value(came), &mut self.captures, turn)
    }
}
