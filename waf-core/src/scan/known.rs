//! Values whose answer is known. Requests repeat themselves (the browser's headers, the names of a
//! form's fields, `true`, `0`), and equal values under one plan give equal answers: they are scanned
//! once. Of most the answer is that nothing was found, of some that their rows hold a few signatures
//! (that a header is well-formed).

use crate::limits::{KNOWN_BYTES, KNOWN_SETS, KNOWN_SIGNATURES};
use crate::ruleset::{FieldPlan, PlanId, SignatureId};

/// Some values of this request and those before it, and which signatures their rows hold.
///
/// Each value has a set of two places. The first holds what came again, the second what came last:
/// values that come once displace only one another. A sender who makes values meet in a set only
/// makes them be scanned again.
#[derive(Debug, Default)]
pub(super) struct Known {
    sets: Vec<[Place; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    plan: PlanId,
    length: u8,
    value: [u8; KNOWN_BYTES],
    count: u8,
    signatures: [SignatureId; KNOWN_SIGNATURES],
}

impl Place {
    const EMPTY: Self = Self {
        plan: PlanId::NONE,
        length: 0,
        value: [0; KNOWN_BYTES],
        count: 0,
        signatures: [SignatureId(0); KNOWN_SIGNATURES],
    };

    fn holds(&self, plan: PlanId, value: &[u8]) -> bool {
        self.plan == plan && self.value.get(..usize::from(self.length)) == Some(value)
    }
}

impl Known {
    /// The signatures in the row of an equal value, in which nothing else was found.
    pub(super) fn get(&mut self, plan: &FieldPlan, value: &[u8]) -> Option<&[SignatureId]> {
        if value.len() > KNOWN_BYTES {
            return None;
        }
        let at = set_of(plan.id(), value);
        let [again, last] = self.sets.get_mut(at)?;
        if !again.holds(plan.id(), value) {
            if !last.holds(plan.id(), value) {
                return None;
            }
            std::mem::swap(again, last);
        }
        again.signatures.get(..usize::from(again.count))
    }

    /// In a value nothing was found but what its row holds.
    pub(super) fn add(&mut self, plan: &FieldPlan, value: &[u8], row: &[SignatureId]) {
        if value.len() > KNOWN_BYTES || row.len() > KNOWN_SIGNATURES {
            return;
        }
        if self.sets.is_empty() {
            self.sets.resize(KNOWN_SETS, [Place::EMPTY; 2]);
        }
        let at = set_of(plan.id(), value);
        let [_, last] = &mut self.sets[at];
        last.plan = plan.id();
        last.length = value.len() as u8;
        last.value[..value.len()].copy_from_slice(value);
        last.count = row.len() as u8;
        last.signatures[..row.len()].copy_from_slice(row);
    }
}

/// Words folded by rotating and multiplying: quick, and good enough where a collision costs nothing
/// but a scan.
fn set_of(plan: PlanId, value: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let seed = mix(plan.number(), value.len() as u64);
    let hash = value.chunks(8).fold(seed, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash, u64::from_le_bytes(word))
    });
    (hash >> 32) as usize % KNOWN_SETS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> FieldPlan {
        FieldPlan::new(Vec::new(), Vec::new(), Vec::new(), Default::default())
    }

    fn signatures(numbers: &[u16]) -> Vec<SignatureId> {
        numbers.iter().map(|number| SignatureId(*number)).collect()
    }

    #[test]
    fn only_what_was_added_for_the_same_plan_is_known() {
        let (plan, other) = (plan(), plan());
        let (mut known, row) = (Known::default(), signatures(&[3, 1]));
        assert!(known.get(&plan, b"").is_none());
        for value in [&b""[..], b"id", b"12345678", b"123456789"] {
            known.add(&plan, value, &row);
            assert_eq!(known.get(&plan, value), Some(&row[..]));
            assert!(known.get(&other, value).is_none());
        }
        assert!(known.get(&plan, b"ie").is_none());
        known.add(&other, b"id", &[]);
        assert_eq!(known.get(&other, b"id"), Some(&[][..]));
    }

    #[test]
    fn what_came_again_outlasts_any_number_of_values_that_come_once() {
        let (plan, mut known) = (plan(), Known::default());
        known.add(&plan, b"gzip, deflate", &[]);
        assert!(known.get(&plan, b"gzip, deflate").is_some());
        for number in 0..20 * KNOWN_SETS {
            known.add(&plan, number.to_string().as_bytes(), &[]);
        }
        assert!(known.get(&plan, b"gzip, deflate").is_some());
        assert_eq!(known.sets.len(), KNOWN_SETS);
    }

    #[test]
    fn long_values_and_those_with_many_signatures_are_not_kept() {
        let (plan, mut known) = (plan(), Known::default());
        let long = [b'x'; KNOWN_BYTES + 1];
        known.add(&plan, &long, &[]);
        assert!(known.get(&plan, &long).is_none());
        let many = vec![SignatureId(0); KNOWN_SIGNATURES + 1];
        known.add(&plan, b"x", &many);
        assert!(known.get(&plan, b"x").is_none());
        assert!(known.sets.is_empty());
        known.add(&plan, &long[1..], &many[1..]);
        assert_eq!(known.get(&plan, &long[1..]), Some(&many[1..]));
    }
}
