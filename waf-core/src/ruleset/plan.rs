//! What is to be done with the fields of one collection and class under one policy. Made at load;
//! a request only looks it up.

use super::closure::{Closure, Closures};
use super::ids::{ExclusionId, RuleIndex, SignatureId, StepId, unique};
use super::joint_parts::JointParts;
use super::program::Noted;
use crate::automaton::{Gate, PatternId, PatternSet};
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
    /// Patterns looked for in this value.
    pub patterns: PatternSet,
    /// Phrase lists looked for in this value.
    pub lists: PatternSet,
    /// Who asks for each pattern, sorted.
    pub pattern_inquiries: Vec<(PatternId, Inquiry)>,
    /// Who asks for each list, sorted.
    pub list_inquiries: Vec<(PatternId, Inquiry)>,
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

    /// Who asks for a pattern.
    pub fn asking_pattern(&self, pattern: PatternId) -> impl Iterator<Item = Inquiry> {
        asking(&self.pattern_inquiries, pattern)
    }

    /// Who asks for a list of phrases.
    pub fn asking_list(&self, list: PatternId) -> impl Iterator<Item = Inquiry> {
        asking(&self.list_inquiries, list)
    }

    /// How many questions are asked of it.
    pub fn questions(&self) -> usize {
        let alone = usize::from(self.sqli.is_some()) + usize::from(self.xss.is_some());
        self.pattern_inquiries.len() + self.list_inquiries.len() + self.checks.len() + alone
    }

    /// Whether nothing is asked of it: it is there for those below, or for records.
    pub(super) fn is_idle(&self) -> bool {
        self.questions() == 0
    }

    /// Whether a check or libinjection is wanted, which each node runs for itself.
    pub(super) fn asks_alone(&self) -> bool {
        !self.checks.is_empty() || self.sqli.is_some() || self.xss.is_some()
    }
}

/// What stands beside a pattern in a sorted table.
pub(super) fn asking<T: Copy>(
    table: &[(PatternId, T)],
    pattern: PatternId,
) -> impl Iterator<Item = T> {
    let first = table.partition_point(|(id, _)| *id < pattern);
    let of_pattern = table[first..].iter().take_while(move |(id, _)| *id == pattern);
    of_pattern.map(|(_, asking)| *asking)
}

/// The patterns that only such signatures ask for.
pub(super) fn patterns_of_only(
    nodes: &[PlanNode],
    is_such: impl Fn(SignatureId) -> bool,
) -> PatternSet {
    let inquiries = || nodes.iter().flat_map(|node| &node.pattern_inquiries);
    let of_others = inquiries().filter(|(_, inquiry)| !is_such(inquiry.signature));
    let of_others: PatternSet = of_others.map(|(pattern, _)| *pattern).collect();
    let asked = inquiries().map(|(pattern, _)| *pattern);
    asked.filter(|pattern| !of_others.contains(*pattern)).collect()
}

/// A signature, and the node of whose output it speaks: the one that is searched, or one below it
/// whose output differs in case only, and then the pattern sees to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inquiry {
    /// Which signature.
    pub signature: SignatureId,
    /// Whose output, by its place in the plan.
    pub node: usize,
}

/// Which plan: no other of the process has the same, also after a reload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanId(u64);

impl PlanId {
    /// No plan.
    pub const NONE: Self = Self(0);

    fn next() -> Self {
        Self(unique())
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Everything wanted of a field.
#[derive(Debug, Default)]
pub struct FieldPlan {
    id: PlanId,
    /// Steps, parents first; empty when nothing is wanted.
    pub nodes: Vec<PlanNode>,
    /// Joints wanted, with their place in the table; last those known only at the end of the value.
    pub joints: Vec<(u16, SignatureId)>,
    /// How many of them are known before.
    pub prompt: usize,
    /// What each fact triggers, sorted by signature.
    pub triggers: Vec<(SignatureId, Vec<Trigger>)>,
    /// What the SecLang rules must know of it.
    pub noted: Noted,
    /// What nothing asks for but joints.
    pub parts: JointParts,
    /// Patterns of which only the row of a whole value tells: where they match is asked by nobody.
    pub placeless: PatternSet,
    /// What is asked of outputs that steps leave as they are.
    closures: Closures,
}

impl FieldPlan {
    /// A plan of steps, parents first.
    pub fn new(
        nodes: Vec<PlanNode>,
        joints: Vec<(u16, SignatureId)>,
        triggers: Vec<(SignatureId, Vec<Trigger>)>,
        noted: Noted,
    ) -> Self {
        let closures = Closures::new(&nodes);
        let id = PlanId::next();
        let mut plan = Self { id, nodes, joints, triggers, noted, closures, ..Self::default() };
        plan.placeless = patterns_of_only(&plan.nodes, |id| plan.is_only_noted(id));
        plan
    }

    /// Whether the row alone tells of a signature, when the value is whole.
    pub fn is_only_noted(&self, signature: SignatureId) -> bool {
        self.noted.signatures.binary_search(&signature).is_ok()
            && self.joints.is_empty()
            && self.triggers_of(signature).is_empty()
    }

    /// Whether rows alone tell of all that is asked.
    pub fn is_all_noted(&self) -> bool {
        self.joints.is_empty() && self.triggers.is_empty()
    }

    /// Which plan it is.
    pub fn id(&self) -> PlanId {
        self.id
    }

    /// Everything that is asked of a node's output, in which these bytes occur: by the node, and by
    /// all below it that pass it unchanged.
    pub fn closure<'a>(
        &'a self,
        node: usize,
        present: ByteSet,
        gate: &Gate,
        spare: &'a mut Closure,
    ) -> &'a Closure {
        self.closures.of((&self.nodes, gate), node, present, spare)
    }

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
