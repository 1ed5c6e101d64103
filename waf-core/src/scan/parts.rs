//! Signatures that nothing asks for but joints: of consequence only where such a joint holds.
//!
//! Such a joint asks for a costly pattern and for something that few values have, such as `%25`. So
//! its patterns wait until all else is known of all outputs of a value, and are not looked for where
//! the joint cannot hold any more. libinjection, which takes microseconds, comes last.

use super::pipeline::RawHit;
use crate::automaton::PatternId;
use crate::ruleset::{FieldPlan, Probe, RuleSet, SignatureId};

/// What was found in a value so far, and what its plan makes of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) plan: &'a FieldPlan,
    pub(super) ruleset: &'a RuleSet,
}

impl Parts<'_> {
    /// Whether it may be of consequence that a pattern matches. What is not found may still be where
    /// it is `open`.
    pub(super) fn may_complete(
        self,
        pattern: PatternId,
        hits: &[RawHit],
        open: impl Fn(SignatureId) -> bool,
    ) -> bool {
        let has = |id| found(hits, id) || open(id);
        self.plan.parts.asking(pattern).any(|id| self.is_asked(id, has))
    }

    /// Whether it may be of consequence what libinjection says; all else has been asked.
    pub(super) fn may_matter(self, signature: SignatureId, hits: &[RawHit]) -> bool {
        let is_late = |id: SignatureId| {
            let probe = self.ruleset.signatures[id.index()].probe;
            matches!(probe, Probe::DetectSqli | Probe::DetectXss)
        };
        self.is_asked(signature, |id| is_late(id) || found(hits, id))
    }

    /// Drops what is of no consequence; everything has been asked.
    pub(super) fn drop_idle(self, hits: &mut Vec<RawHit>) {
        // A hit that goes was in no joint that holds, so for the others nothing changes.
        let mut at = 0;
        while let Some(hit) = hits.get(at) {
            if self.is_asked(hit.signature, |id| found(hits, id)) {
                at += 1;
            } else {
                hits.remove(at);
            }
        }
    }

    /// Whether a joint that asks for a signature holds, or something else asks for it.
    fn is_asked(self, signature: SignatureId, has: impl Fn(SignatureId) -> bool) -> bool {
        let Some(joints) = self.plan.parts.joints_of(signature) else { return true };
        joints.iter().any(|&at| self.ruleset.joints[usize::from(at)].holds(&has))
    }
}

fn found(hits: &[RawHit], signature: SignatureId) -> bool {
    hits.iter().any(|hit| hit.signature == signature)
}
