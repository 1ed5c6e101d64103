//! Values in which nothing was found. Requests repeat themselves (the browser's headers, the names
//! of a form's fields, `true`, `0`), and equal values under one plan give equal answers: they are
//! scanned once.

use std::hash::{BuildHasher, RandomState};

use crate::limits::{CLEAN_BYTES, CLEAN_SETS};
use crate::ruleset::{FieldPlan, PlanId};

/// Some of the values in which nothing was found, of this request and those before it.
///
/// Each value has a set of two places. The first holds what came again, the second what came last:
/// values that come once displace only one another.
#[derive(Debug)]
pub(super) struct Clean {
    sets: Vec<[Place; 2]>,
    /// Senders do not know which values meet in a set. They could only make them be scanned again.
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    plan: PlanId,
    length: u8,
    value: [u8; CLEAN_BYTES],
}

impl Place {
    const EMPTY: Self = Self { plan: PlanId::NONE, length: 0, value: [0; CLEAN_BYTES] };

    fn holds(&self, plan: PlanId, value: &[u8]) -> bool {
        self.plan == plan && self.value.get(..usize::from(self.length)) == Some(value)
    }
}

impl Default for Clean {
    fn default() -> Self {
        Self { sets: Vec::new(), seed: RandomState::new().hash_one(0) }
    }
}

impl Clean {
    /// Whether nothing was found in an equal value.
    pub(super) fn has(&mut self, plan: &FieldPlan, value: &[u8]) -> bool {
        let at = self.set_of(plan.id(), value);
        let Some([again, last]) = self.sets.get_mut(at) else { return false };
        if again.holds(plan.id(), value) {
            return true;
        }
        let known = last.holds(plan.id(), value);
        if known {
            std::mem::swap(again, last);
        }
        known
    }

    /// Nothing was found in a value.
    pub(super) fn add(&mut self, plan: &FieldPlan, value: &[u8]) {
        if value.len() > CLEAN_BYTES {
            return;
        }
        if self.sets.is_empty() {
            self.sets.resize(CLEAN_SETS, [Place::EMPTY; 2]);
        }
        let at = self.set_of(plan.id(), value);
        let [_, last] = &mut self.sets[at];
        last.plan = plan.id();
        last.length = value.len() as u8;
        last.value[..value.len()].copy_from_slice(value);
    }

    /// Words folded by rotating and multiplying: quick, and good enough where a collision costs
    /// nothing but a scan.
    fn set_of(&self, plan: PlanId, value: &[u8]) -> usize {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
        let seed = mix(self.seed ^ plan.number(), value.len() as u64);
        let hash = value.chunks(8).fold(seed, |hash, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            mix(hash, u64::from_le_bytes(word))
        });
        (hash >> 32) as usize % CLEAN_SETS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> FieldPlan {
        FieldPlan::new(Vec::new(), Vec::new(), Vec::new(), Default::default())
    }

    #[test]
    fn only_what_was_added_for_the_same_plan_is_known() {
        let (plan, other) = (plan(), plan());
        let mut clean = Clean::default();
        assert!(!clean.has(&plan, b""));
        for value in [&b""[..], b"id", b"12345678", b"123456789"] {
            clean.add(&plan, value);
            assert!(clean.has(&plan, value));
            assert!(!clean.has(&other, value));
        }
        assert!(!clean.has(&plan, b"ie"));
    }

    #[test]
    fn what_came_again_outlasts_any_number_of_values_that_come_once() {
        let (plan, mut clean) = (plan(), Clean::default());
        clean.add(&plan, b"gzip, deflate");
        assert!(clean.has(&plan, b"gzip, deflate"));
        for number in 0..20 * CLEAN_SETS {
            let value = number.to_string();
            clean.add(&plan, value.as_bytes());
        }
        assert!(clean.has(&plan, b"gzip, deflate"));
        assert_eq!(clean.sets.len(), CLEAN_SETS);
    }

    #[test]
    fn long_values_are_not_kept() {
        let (plan, mut clean) = (plan(), Clean::default());
        let long = [b'x'; CLEAN_BYTES + 1];
        clean.add(&plan, &long);
        assert!(!clean.has(&plan, &long));
        assert!(clean.sets.is_empty());
        clean.add(&plan, &long[1..]);
        assert!(clean.has(&plan, &long[1..]));
    }
}
