//! Values whose answer is known. Requests repeat themselves (the browser's headers, the names of a
//! form's fields, `true`, `0`, tokens, cookies, the queries of a GraphQL client), and equal values under
//! one plan give equal answers: they are scanned once. Of most the answer is that nothing was found, of
//! some that their rows hold a few signatures (that a header is well-formed).

use crate::bytes::fold;
use crate::limits::{
    KNOWN_BYTES, KNOWN_LONG_BYTES, KNOWN_LONG_SETS, KNOWN_SETS, KNOWN_SHORT_BYTES,
    KNOWN_SHORT_SETS, KNOWN_SIGNATURES,
};
use crate::ruleset::{FieldPlan, PlanId, SignatureId};

/// Some values of this request and those before it, and which signatures their rows hold.
///
/// Each value has a set of places: the first for what came again, the latest first, the others for
/// what was added or displaced from them last. Values that come once displace only one another. A
/// sender who makes values meet in a set only makes them be scanned again.
#[derive(Debug, Default)]
pub(super) struct Known {
    short: Table<KNOWN_SHORT_SETS, KNOWN_SHORT_BYTES>,
    middle: Table<KNOWN_SETS, KNOWN_BYTES>,
    long: Table<KNOWN_LONG_SETS, KNOWN_LONG_BYTES>,
}

impl Known {
    /// The signatures in the row of an equal value, in which nothing else was found.
    pub(super) fn get(&mut self, plan: &FieldPlan, value: &[u8]) -> Option<&[SignatureId]> {
        if value.len() <= KNOWN_SHORT_BYTES {
            self.short.get(plan.id(), value)
        } else if value.len() <= KNOWN_BYTES {
            self.middle.get(plan.id(), value)
        } else if value.len() <= KNOWN_LONG_BYTES {
            self.long.get(plan.id(), value)
        } else {
            None
        }
    }

    /// In a value nothing was found but what its row holds.
    pub(super) fn add(&mut self, plan: &FieldPlan, value: &[u8], row: &[SignatureId]) {
        if row.len() > KNOWN_SIGNATURES {
            return;
        }
        if value.len() <= KNOWN_SHORT_BYTES {
            self.short.add(plan.id(), value, row);
        } else if value.len() <= KNOWN_BYTES {
            self.middle.add(plan.id(), value, row);
        } else if value.len() <= KNOWN_LONG_BYTES {
            self.long.add(plan.id(), value, row);
        }
    }
}

/// Values of at most `BYTES` bytes. Empty until the first is added.
#[derive(Debug, Default)]
struct Table<const SETS: usize, const BYTES: usize> {
    sets: Vec<[Mark; WAYS]>,
    places: Vec<Place<BYTES>>,
}

/// Places of a set.
const WAYS: usize = 4;

/// Those of values that came again.
const AGAIN: usize = 2;

/// Some bits of a value's hash, and its place.
#[derive(Clone, Copy, Debug)]
struct Mark {
    tag: u32,
    place: u32,
}

#[derive(Clone, Copy, Debug)]
struct Place<const BYTES: usize> {
    plan: PlanId,
    length: u16,
    value: [u8; BYTES],
    count: u8,
    signatures: [SignatureId; KNOWN_SIGNATURES],
}

impl<const BYTES: usize> Place<BYTES> {
    const EMPTY: Self = Self {
        plan: PlanId::NONE,
        length: 0,
        value: [0; BYTES],
        count: 0,
        signatures: [SignatureId(0); KNOWN_SIGNATURES],
    };

    fn holds(&self, plan: PlanId, value: &[u8]) -> bool {
        self.plan == plan && self.value.get(..usize::from(self.length)) == Some(value)
    }
}

impl<const SETS: usize, const BYTES: usize> Table<SETS, BYTES> {
    fn get(&mut self, plan: PlanId, value: &[u8]) -> Option<&[SignatureId]> {
        let (set, tag) = seat(plan, value);
        let set = self.sets.get_mut(set % SETS)?;
        let is_it = |mark: &Mark| {
            mark.tag == tag
                && self.places.get(mark.place as usize).is_some_and(|it| it.holds(plan, value))
        };
        let found = set.iter().position(is_it)?;
        for at in (1..=found).rev() {
            set.swap(at, at - 1);
        }
        let place = self.places.get(set[0].place as usize)?;
        place.signatures.get(..usize::from(place.count))
    }

    fn add(&mut self, plan: PlanId, value: &[u8], row: &[SignatureId]) {
        if self.sets.is_empty() {
            self.places.resize(SETS * WAYS, Place::EMPTY);
            let first = (0..SETS * WAYS).step_by(WAYS);
            let mark = |place: usize| Mark { tag: 0, place: place as u32 };
            self.sets = first.map(|at| std::array::from_fn(|way| mark(at + way))).collect();
        }
        let (set, tag) = seat(plan, value);
        let set = &mut self.sets[set % SETS];
        set[AGAIN..].rotate_right(1);
        let mark = &mut set[AGAIN];
        mark.tag = tag;
        let last = &mut self.places[mark.place as usize];
        last.plan = plan;
        last.length = value.len() as u16;
        last.value[..value.len()].copy_from_slice(value);
        last.count = row.len() as u8;
        last.signatures[..row.len()].copy_from_slice(row);
    }
}

/// Of which set a value is, and its tag.
fn seat(plan: PlanId, value: &[u8]) -> (usize, u32) {
    let hash = fold(plan.number(), value);
    ((hash >> 16) as usize, hash as u32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
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
        for number in 0..20 * KNOWN_SHORT_SETS {
            known.add(&plan, number.to_string().as_bytes(), &[]);
        }
        assert!(known.get(&plan, b"gzip, deflate").is_some());
        assert_eq!(known.short.sets.len(), KNOWN_SHORT_SETS);
        assert_eq!(known.short.places.len(), KNOWN_SHORT_SETS * WAYS);
    }

    #[test]
    fn values_that_meet_in_a_set_are_kept_side_by_side() {
        let (plan, mut known) = (plan(), Known::default());
        let set = |value: &[u8]| seat(plan.id(), value).0 % KNOWN_SHORT_SETS;
        let values = (0..).map(|number: u32| number.to_string().into_bytes());
        let meeting: Vec<_> = values.filter(|it| set(it) == set(b"")).take(WAYS + 1).collect();
        let (more, kept) = meeting.split_last().unwrap();
        for (number, value) in kept.iter().enumerate() {
            known.add(&plan, value, &signatures(&[number as u16]));
            assert!(known.get(&plan, value).is_some());
        }
        for (number, value) in kept.iter().enumerate() {
            assert_eq!(known.get(&plan, value), Some(&signatures(&[number as u16])[..]));
        }
        known.add(&plan, more, &[]);
        let still = kept.iter().filter(|value| known.get(&plan, value).is_some()).count();
        assert_eq!(still, WAYS - 1);
        assert!(known.get(&plan, kept.last().unwrap()).is_some());
    }

    #[test]
    fn long_values_and_those_with_many_signatures_are_not_kept() {
        let (plan, mut known) = (plan(), Known::default());
        let long = [b'x'; KNOWN_LONG_BYTES + 1];
        known.add(&plan, &long, &[]);
        assert!(known.get(&plan, &long).is_none());
        let many = vec![SignatureId(0); KNOWN_SIGNATURES + 1];
        known.add(&plan, b"x", &many);
        assert!(known.get(&plan, b"x").is_none());
        assert!(
            known.short.sets.is_empty()
                && known.middle.sets.is_empty()
                && known.long.sets.is_empty()
        );
        let (short, middle) = (KNOWN_SHORT_BYTES, KNOWN_BYTES);
        for length in [short, short + 1, middle, middle + 1, KNOWN_LONG_BYTES] {
            let value = &long[..length];
            assert!(known.get(&plan, value).is_none(), "{length}");
            known.add(&plan, value, &many[1..]);
            assert_eq!(known.get(&plan, value), Some(&many[1..]), "{length}");
        }
    }
}
