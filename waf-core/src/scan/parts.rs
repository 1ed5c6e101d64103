//! Signatures that nothing asks for but joints: of consequence only where such a joint holds.
//!
//! libinjection takes microseconds and is most often joined with patterns that say where in a value
//! an attack begins. So it is asked last, and not at all where the joint cannot hold.

use super::pipeline::RawHit;
use crate::ruleset::{FieldPlan, Probe, RuleSet, SignatureId};

/// What was found in a value so far, and what its plan makes of it.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) plan: &'a FieldPlan,
    pub(super) ruleset: &'a RuleSet,
}

impl Parts<'_> {
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
        let Some(joints) = self.plan.only_joints_of(signature) else { return true };
        joints.iter().any(|&at| self.ruleset.joints[usize::from(at)].holds(&has))
    }
}

fn found(hits: &[RawHit], signature: SignatureId) -> bool {
    hits.iter().any(|hit| hit.signature == signature)
}
