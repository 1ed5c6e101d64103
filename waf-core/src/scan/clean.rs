//! Values of one request in which nothing was found. Bodies repeat themselves (the keys of a list of
//! objects, `true`, `0`), and equal values under one plan give equal answers: they are scanned once.

use crate::limits::{CLEAN_BYTES, CLEAN_VALUES};
use crate::ruleset::FieldPlan;

/// Some of the values of one request in which nothing was found. Each has one place in a table that
/// it may lose to another, so a sender who makes values meet there only makes them be scanned.
#[derive(Debug, Default)]
pub(super) struct Clean {
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// The request whose value it is: the plans of other requests may be gone.
    request: u64,
    /// The plan's address, which is its own while the request lasts.
    plan: usize,
    length: u8,
    value: [u8; CLEAN_BYTES],
}

impl Clean {
    /// Whether nothing was found in an equal value of the request. Its number is above 0, and no
    /// other request has it.
    pub(super) fn has(&self, request: u64, plan: &FieldPlan, value: &[u8]) -> bool {
        let Some(place) = self.places.get(place_of(plan, value)) else { return false };
        place.request == request
            && place.plan == address(plan)
            && place.value.get(..usize::from(place.length)) == Some(value)
    }

    /// Nothing was found in a value.
    pub(super) fn add(&mut self, request: u64, plan: &FieldPlan, value: &[u8]) {
        if value.len() > CLEAN_BYTES {
            return;
        }
        let mut new = Place {
            request,
            plan: address(plan),
            length: value.len() as u8,
            value: [0; CLEAN_BYTES],
        };
        new.value[..value.len()].copy_from_slice(value);
        if self.places.is_empty() {
            self.places.resize(CLEAN_VALUES, Place { request: 0, ..new });
        }
        self.places[place_of(plan, value)] = new;
    }
}

fn address(plan: &FieldPlan) -> usize {
    std::ptr::from_ref(plan) as usize
}

/// Words folded by rotating and multiplying: quick, and good enough where a collision costs nothing
/// but a scan.
fn place_of(plan: &FieldPlan, value: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let seed = mix(address(plan) as u64, value.len() as u64);
    let hash = value.chunks(8).fold(seed, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash, u64::from_le_bytes(word))
    });
    (hash >> 32) as usize % CLEAN_VALUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_added_for_the_same_plan_and_request_is_known() {
        let (plan, other) = (Box::new(FieldPlan::default()), Box::new(FieldPlan::default()));
        let mut clean = Clean::default();
        assert!(!clean.has(1, &plan, b""));
        for value in [&b""[..], b"id", b"12345678", b"123456789"] {
            clean.add(1, &plan, value);
            assert!(clean.has(1, &plan, value));
            assert!(!clean.has(1, &other, value));
            assert!(!clean.has(2, &plan, value));
        }
        assert!(!clean.has(1, &plan, b"ie"));
    }

    #[test]
    fn long_values_are_not_kept_and_no_number_of_values_takes_more_room() {
        let (plan, mut clean) = (FieldPlan::default(), Clean::default());
        let long = [b'x'; CLEAN_BYTES + 1];
        clean.add(1, &plan, &long);
        assert!(!clean.has(1, &plan, &long));
        assert!(clean.places.is_empty());
        for number in 0..10 * CLEAN_VALUES {
            let value = number.to_string();
            clean.add(1, &plan, value.as_bytes());
            assert!(clean.has(1, &plan, value.as_bytes()));
        }
        assert_eq!(clean.places.len(), CLEAN_VALUES);
    }
}
