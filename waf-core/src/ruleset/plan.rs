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

impl PlanNode {
    /// Whether a value of these bytes passes unchanged.
    pub fn sleeps(&self, present: ByteSet) -> bool {
        // What every byte wakes looks at the length too: an empty value may change.
        self.triggers != ByteSet::ALL && !present.intersects(self.triggers)
    }

    /// The signature of a pattern, where it is wanted.
    pub fn pattern_signature(&self, pattern: PatternId) -> Option<SignatureId> {
        signature_of(&self.pattern_signatures, pattern)
    }

    /// The signature of a list of phrases, where it is wanted.
    pub fn list_signature(&self, list: PatternId) -> Option<SignatureId> {
        signature_of(&self.list_signatures, list)
    }

    /// Whether a check or libinjection is wanted, which each node runs for itself.
    fn asks_alone(&self) -> bool {
        !self.checks.is_empty() || self.sqli.is_some() || self.xss.is_some()
    }
}

fn signature_of(known: &[(PatternId, SignatureId)], pattern: PatternId) -> Option<SignatureId> {
    let at = known.binary_search_by_key(&pattern, |(id, _)| *id).ok()?;
    Some(known[at].1)
}

/// Everything wanted of a field.
#[derive(Clone, Debug, Default)]
pub struct FieldPlan {
    /// Steps, parents first; empty when nothing is wanted.
    pub nodes: Vec<PlanNode>,
    /// Joints wanted, with their place in the table.
    pub joints: Vec<(u16, SignatureId)>,
    /// Whether one of them is known only at the end of the value.
    pub waits: bool,
    /// What each fact triggers, sorted by signature.
    pub triggers: Vec<(SignatureId, Vec<Trigger>)>,
    /// What the SecLang rules must know of it.
    pub noted: Noted,
    /// Signatures that nothing asks for but joints without `not`, sorted, and these joints: where
    /// none of them holds the signature is of no consequence.
    pub parts: Vec<(SignatureId, Vec<u16>)>,
    /// Patterns that any node wants: all that is asked of a value that no step changes.
    pub patterns: PatternSet,
    /// Phrase lists that any node wants.
    pub lists: PatternSet,
    /// Nodes with checks, or of libinjection.
    pub asking: Vec<usize>,
    /// Bytes that wake any step.
    wakes: ByteSet,
}

impl FieldPlan {
    /// A plan of steps, parents first.
    pub fn new(
        nodes: Vec<PlanNode>,
        joints: Vec<(u16, SignatureId)>,
        triggers: Vec<(SignatureId, Vec<Trigger>)>,
        noted: Noted,
    ) -> Self {
        let mut plan = Self { nodes, joints, triggers, noted, ..Self::default() };
        for (at, node) in plan.nodes.iter().enumerate() {
            plan.patterns.union_with(&node.patterns);
            plan.lists.union_with(&node.lists);
            plan.asking.extend(node.asks_alone().then_some(at));
            plan.wakes = plan.wakes.union(node.triggers);
        }
        plan
    }

    /// Whether a value of these bytes passes every step unchanged.
    pub fn sleeps(&self, present: ByteSet) -> bool {
        self.wakes != ByteSet::ALL && !present.intersects(self.wakes)
    }

    /// Whether nothing is wanted of the field.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.noted.is_empty()
    }

    /// The joints that alone ask for a signature; `None` where something else does too.
    pub fn only_joints_of(&self, signature: SignatureId) -> Option<&[u16]> {
        let at = self.parts.binary_search_by_key(&signature, |(id, _)| *id).ok()?;
        Some(&self.parts[at].1)
    }

    /// What a fact triggers.
    pub fn triggers_of(&self, signature: SignatureId) -> &[Trigger] {
        match self.triggers.binary_search_by_key(&signature, |(id, _)| *id) {
            Ok(at) => &self.triggers[at].1,
            Err(_) => &[],
        }
    }
}
