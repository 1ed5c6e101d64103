//! Which patterns can match a value of such kinds of bytes at all? Looked up, before single bytes are
//! looked at: a number or a word rules out most.
//!
//! ```text
//! 2024-05-01    digits and marks of names: no letter, no blank, no other mark
//! checkbox      small letters: nothing else
//! ```

use super::{PatternId, PatternSet};
use crate::bytes::ByteSet;

/// Bytes that values are made of, and all others.
const KINDS: [ByteSet; 6] = [
    ByteSet::range(b'a', b'z'),
    ByteSet::range(b'A', b'Z'),
    ByteSet::range(b'0', b'9'),
    BLANKS,
    NAME_MARKS,
    PLAIN.union(NAME_MARKS).complement(),
];

/// Letters, digits and blanks.
pub(super) const PLAIN: ByteSet = ByteSet::range(b'a', b'z')
    .union(ByteSet::range(b'A', b'Z'))
    .union(ByteSet::range(b'0', b'9'))
    .union(BLANKS);

const BLANKS: ByteSet = ByteSet::of(b" \t\r\n");

const NAME_MARKS: ByteSet = ByteSet::of(b"-._");

/// A combination of kinds, one bit each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Combination(u8);

impl Combination {
    /// The kinds of which some byte is `present`.
    pub(super) fn of(present: ByteSet) -> Self {
        let has = |at: usize| u8::from(present.intersects(KINDS[at])) << at;
        Self(has(0) | has(1) | has(2) | has(3) | has(4) | has(5))
    }

    /// All their bytes.
    fn bytes(self) -> ByteSet {
        let kinds = KINDS.iter().enumerate().filter(|(at, _)| self.0 & 1 << at != 0);
        kinds.fold(ByteSet::EMPTY, |bytes, (_, kind)| bytes.union(*kind))
    }
}

/// For each combination of kinds what can match a value of them.
#[derive(Debug)]
pub(super) struct Kinds {
    sets: Box<[PatternSet]>,
}

impl Kinds {
    /// Of patterns that need one of each of some sets of bytes, by their places.
    pub(super) fn new(masks: &[Vec<ByteSet>]) -> Self {
        let of_combination = |number: u8| {
            let bytes = Combination(number).bytes();
            let can_match = |masks: &[ByteSet]| masks.iter().all(|mask| mask.intersects(bytes));
            let mut set = PatternSet::none(masks.len());
            let places = masks.iter().enumerate().filter(|(_, masks)| can_match(masks));
            set.extend(places.filter_map(|(at, _)| PatternId::new(at)));
            set
        };
        Self { sets: (0..1 << KINDS.len()).map(of_combination).collect() }
    }

    /// What can match a value of such kinds of bytes.
    pub(super) fn of(&self, kinds: Combination) -> &PatternSet {
        &self.sets[usize::from(kinds.0)]
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> usize {
        self.sets.iter().map(|set| size_of_val(set.words())).sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A set says no more than its bytes do, and no less than their kinds.
    #[test]
    fn what_needs_a_kind_that_is_missing_is_ruled_out() {
        let sets = [&b"x"[..], b"X", b"7", b" ", b".", b"<", b"x<", b"\xff"];
        let mut masks: Vec<_> = sets.iter().map(|bytes| vec![ByteSet::of(bytes)]).collect();
        masks.push(vec![ByteSet::of(b"a"), ByteSet::of(b"1")]);
        masks.push(Vec::new());
        let kinds = Kinds::new(&masks);
        let left = |value: &[u8]| {
            let set = kinds.of(Combination::of(ByteSet::present(value)));
            set.iter().map(PatternId::index).collect::<Vec<_>>()
        };
        assert_eq!(left(b""), [9]);
        assert_eq!(left(b"word"), [0, 6, 9]);
        assert_eq!(left(b"Word 1"), [0, 1, 2, 3, 6, 8, 9]);
        assert_eq!(left(b"12.50"), [2, 4, 9]);
        assert_eq!(left(b"'"), [5, 6, 7, 9]);
    }
}
