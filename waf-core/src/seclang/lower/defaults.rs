//! `SecDefaultAction`: what rules inherit, phase by phase.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::action::{Action, ActionKind, Phase};
use super::rule::phase;

/// The default actions in force, cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults(Arc<BTreeMap<Phase, Vec<Action>>>);

impl Defaults {
    /// The rules of their phase that follow inherit these actions.
    pub(super) fn set(&mut self, actions: &[Action]) {
        Arc::make_mut(&mut self.0).insert(phase(actions), actions.to_vec());
    }

    /// What rules of a phase inherit. Nothing written means `log,auditlog,pass`.
    pub(super) fn of(&self, phase: Phase) -> impl DoubleEndedIterator<Item = &ActionKind> {
        self.0.get(&phase).into_iter().flatten().map(|action| &action.kind)
    }
}
