//! [`JointParts`]: signatures that nothing asks for but joints.

use super::ids::SignatureId;
use super::plan::{PlanNode, asking, patterns_of_only};
use crate::automaton::{PatternId, PatternSet};

/// The signatures of a plan that nothing asks for but joints without `not`: where none of these
/// joints holds they are of no consequence, and where none can they need not be asked.
#[derive(Debug, Default)]
pub struct JointParts {
    /// Sorted, each with its joints, by their places in the table.
    joints: Vec<(SignatureId, Vec<u16>)>,
    /// Patterns that nobody else asks for.
    patterns: PatternSet,
    /// Who asks for each of them, sorted.
    askers: Vec<(PatternId, SignatureId)>,
}

impl JointParts {
    /// Such signatures, sorted, with their joints, of a plan of these nodes.
    pub(crate) fn new(nodes: &[PlanNode], joints: Vec<(SignatureId, Vec<u16>)>) -> Self {
        let mut parts = Self { joints, ..Self::default() };
        parts.patterns = patterns_of_only(nodes, |id| parts.joints_of(id).is_some());
        let inquiries = nodes.iter().flat_map(|node| &node.pattern_inquiries);
        let own = inquiries.filter(|(pattern, _)| parts.patterns.contains(*pattern));
        parts.askers = own.map(|(pattern, inquiry)| (*pattern, inquiry.signature)).collect();
        parts.askers.sort_unstable();
        parts
    }

    /// The joints that alone ask for a signature; `None` where something else does too.
    pub fn joints_of(&self, signature: SignatureId) -> Option<&[u16]> {
        let at = self.joints.binary_search_by_key(&signature, |(id, _)| *id).ok()?;
        Some(&self.joints[at].1)
    }

    /// The patterns that only such signatures ask for.
    pub fn patterns(&self) -> &PatternSet {
        &self.patterns
    }

    /// The signatures that ask for one of these patterns.
    pub fn asking(&self, pattern: PatternId) -> impl Iterator<Item = SignatureId> {
        asking(&self.askers, pattern)
    }
}
