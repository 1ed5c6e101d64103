//! [`JointParts`]: signatures that nothing asks for but joints.

use super::ids::SignatureId;
use super::plan::PlanNode;
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
        let inquiries = || nodes.iter().flat_map(|node| &node.pattern_inquiries);
        let is_part = |id: SignatureId| parts.joints_of(id).is_some();
        let others = inquiries().filter(|(_, inquiry)| !is_part(inquiry.signature));
        let others: PatternSet = others.map(|(pattern, _)| *pattern).collect();
        let own = inquiries().filter(|(pattern, _)| !others.contains(*pattern));
        parts.askers = own.map(|(pattern, inquiry)| (*pattern, inquiry.signature)).collect();
        parts.askers.sort_unstable();
        parts.patterns = parts.askers.iter().map(|(pattern, _)| *pattern).collect();
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
        let first = self.askers.partition_point(|(id, _)| *id < pattern);
        let of_pattern = self.askers[first..].iter().take_while(move |(id, _)| *id == pattern);
        of_pattern.map(|(_, signature)| *signature)
    }
}
