//! What is to be done with the fields of one collection and class under one policy. Made at load;
//! a request only looks it up.

use super::ids::{ExclusionId, RuleIndex, SignatureId, StepId};
use super::program::Noted;
use crate::automaton::{PatternId, PatternSet};
use crate::bytes::ByteSet;
use crate::rule::Transformation;

/// A condition of a rule that a fact makes true.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trigger {
    /// The rule.
    pub rule: RuleIndex,
    /// The number of its condition.
    pub condition: u8,
    /// It does not, while one of these exclusions is active for the request.
    pub unless: Vec<ExclusionId>,
}

/// The questions asked of one step's value.
#[derive(Clone, Debug)]
pub struct PlanNode {
    /// Which step.
    pub step: StepId,
    /// The node whose value is transformed; node 0 is its own parent.
    pub parent: usize,
    /// How; `None` for the root.
    pub transformation: Option<Transformation>,
    /// A value without these bytes passes unchanged.
    pub triggers: ByteSet,
    /// Patterns wanted of this value.
    pub patterns: PatternSet,
    /// Phrase lists wanted of this value.
    pub lists: PatternSet,
    /// The signature of each wanted pattern, sorted.
    pub pattern_signatures: Vec<(PatternId, SignatureId)>,
    /// The signature of each wanted list, sorted.
    pub list_signatures: Vec<(PatternId, SignatureId)>,
    /// Checks wanted of this value: their place in the table, and the signature.
    pub checks: Vec<(u16, SignatureId)>,
    /// Whether the SQL tokenizer is wanted.
    pub sqli: Option<SignatureId>,
    /// Whether the HTML tokenizer is wanted.
    pub xss: Option<SignatureId>,
}

/// Everything wanted of a field.
#[derive(Clone, Debug, Default)]
pub struct FieldPlan {
    /// Steps, parents first; empty when nothing is wanted.
    pub nodes: Vec<PlanNode>,
    /// Joints wanted, with their place in the table.
    pub joints: Vec<(u16, SignatureId)>,
    /// What each fact triggers, sorted by signature.
    pub triggers: Vec<(SignatureId, Vec<Trigger>)>,
    /// What the SecLang rules must know of it.
    pub noted: Noted,
}

impl FieldPlan {
    /// Whether nothing is wanted of the field.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.noted.is_empty()
    }

    /// What a fact triggers.
    pub fn triggers_of(&self, signature: SignatureId) -> &[Trigger] {
        match self.triggers.binary_search_by_key(&signature, |(id, _)| *id) {
            Ok(at) => &self.triggers[at].1,
            Err(_) => &[],
        }
    }
}
