//! The syntax tree: what a configuration says, in order.

use super::action::{Action, ActionKind};
use super::ctl::RuleSet;
use super::operator::Operator;
use super::setting::Setting;
use super::target::Target;
use super::update::{UpdateActions, UpdateTargets};
use crate::source::{Report, Span};

/// Everything that some files and the files they include say.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// In the order read.
    pub statements: Vec<Statement>,
    /// What should be looked at, though it can be read.
    pub warnings: Vec<Report>,
    /// How many files were read.
    pub files: usize,
}

/// One directive; a chain of rules is one.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What it says.
    pub directive: Directive,
    /// Where its name was written.
    pub span: Span,
}

/// What a directive says. What has no meaning here is left out.
#[derive(Clone, Debug)]
pub enum Directive {
    /// `SecRule` or `SecAction`: the head of a chain and its links; one at least.
    Rule(Vec<Link>),
    /// `SecMarker`: a place that `skipAfter` names.
    Marker(String),
    /// `SecDefaultAction`, with a phase and a disruptive action.
    DefaultAction(Vec<Action>),
    /// `SecRuleRemoveById`, `…ByTag`, `…ByMsg`.
    RemoveRules(RuleSet),
    /// `SecRuleUpdateTargetById`, `…ByTag`, `…ByMsg`.
    UpdateTargets(UpdateTargets),
    /// `SecRuleUpdateActionById`.
    UpdateActions(UpdateActions),
    /// A setting.
    Setting(Setting),
}

/// One `SecRule` or `SecAction`.
#[derive(Clone, Debug)]
pub struct Link {
    /// What it looks at; nothing in `SecAction`.
    pub targets: Vec<Target>,
    /// What it asks; in `SecAction` nothing.
    pub operator: Operator,
    /// What follows from a match.
    pub actions: Vec<Action>,
    /// Where the name of the directive was written.
    pub span: Span,
}

impl Link {
    /// Its id; the last one where several are written.
    pub fn id(&self) -> Option<u64> {
        self.actions.iter().rev().find_map(|action| match action.kind {
            ActionKind::Id(id) => Some(id),
            _ => None,
        })
    }

    /// Whether the next rule belongs to it.
    pub fn is_chained(&self) -> bool {
        self.actions.iter().any(|action| matches!(action.kind, ActionKind::Chain))
    }
}
