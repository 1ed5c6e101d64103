//! With which bytes must a value begin and end, and which may it hold at all, for a pattern to match?
//!
//! ```text
//! ^-?\d{1,12}\s+or\b    begins with "-" or a digit
//! ^[\w=]+$              begins and ends with one of "[\w=]", and holds no other
//! ```
//!
//! A pattern that is not bound to the value's ends says nothing.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::needs;
use crate::bytes::ByteSet;

/// How a value looks at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    first: u8,
    last: u8,
}

impl Ends {
    /// Of a value; the empty one has none.
    pub(super) fn of(value: &[u8]) -> Option<Self> {
        Some(Self { first: *value.first()?, last: *value.last()? })
    }
}

/// What holds of every value that a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    first: ByteSet,
    last: ByteSet,
    all: ByteSet,
}

impl Frame {
    /// Whether a value with these ends and bytes may be matched.
    pub(super) fn admits(&self, ends: Option<Ends>, present: ByteSet) -> bool {
        let at_ends = |ends: Ends| self.first.contains(ends.first) && self.last.contains(ends.last);
        ends.is_none_or(at_ends) && !present.intersects(self.all.complement())
    }
}

/// What matches of a part of a pattern look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edges {
    /// They begin where the value does.
    starts: bool,
    /// They end where it does.
    ends: bool,
    /// They may be empty.
    empty: bool,
    /// What those that are not empty begin with, end with and hold.
    first: ByteSet,
    last: ByteSet,
    all: ByteSet,
}

impl Edges {
    const EMPTY: Self = Self {
        starts: false,
        ends: false,
        empty: true,
        first: ByteSet::EMPTY,
        last: ByteSet::EMPTY,
        all: ByteSet::EMPTY,
    };

    /// Anything anywhere.
    pub(super) const ANY: Self = Self {
        starts: false,
        ends: false,
        empty: true,
        first: ByteSet::ALL,
        last: ByteSet::ALL,
        all: ByteSet::ALL,
    };

    const fn of_byte(set: ByteSet) -> Self {
        Self { starts: false, ends: false, empty: false, first: set, last: set, all: set }
    }

    pub(super) fn of(pattern: &Hir) -> Self {
        match pattern.kind() {
            HirKind::Empty => Self::EMPTY,
            HirKind::Look(look) => {
                Self { starts: *look == Look::Start, ends: *look == Look::End, ..Self::EMPTY }
            }
            HirKind::Literal(literal) => {
                let bytes = literal.0.iter().map(|&byte| Self::of_byte(ByteSet::of(&[byte])));
                bytes.fold(Self::EMPTY, Self::then)
            }
            HirKind::Class(Class::Bytes(class)) => Self::of_byte(needs::of_bytes(class)),
            HirKind::Class(Class::Unicode(class)) => {
                let sequences = needs::sequences(class).into_iter();
                let edges = sequences
                    .map(|sets| sets.into_iter().map(Self::of_byte).fold(Self::EMPTY, Self::then));
                edges.reduce(Self::or).unwrap_or(Self::EMPTY)
            }
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
                (_, Some(0)) => Self::EMPTY,
                (0, _) => Self::of(&repetition.sub).or(Self::EMPTY),
                _ => Self::of(&repetition.sub),
            },
            HirKind::Concat(parts) => Self::of_all(parts),
            HirKind::Alternation(parts) => {
                parts.iter().map(Self::of).reduce(Self::or).unwrap_or(Self::EMPTY)
            }
        }
    }

    /// Of parts one behind the other.
    pub(super) fn of_all(parts: &[Hir]) -> Self {
        parts.iter().map(Self::of).fold(Self::EMPTY, Self::then)
    }

    /// This, and the other behind it.
    pub(super) fn then(self, next: Self) -> Self {
        let or_of = |is_empty: bool, set: ByteSet| if is_empty { set } else { ByteSet::EMPTY };
        Self {
            // What must hold at the value's start leaves nothing before it.
            starts: self.starts || next.starts,
            ends: self.ends || next.ends,
            empty: self.empty && next.empty,
            first: self.first.union(or_of(self.empty, next.first)),
            last: next.last.union(or_of(next.empty, self.last)),
            all: self.all.union(next.all),
        }
    }

    /// One of both.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            starts: self.starts && other.starts,
            ends: self.ends && other.ends,
            empty: self.empty || other.empty,
            first: self.first.union(other.first),
            last: self.last.union(other.last),
            all: self.all.union(other.all),
        }
    }

    /// What holds of every value in which it matches.
    pub(super) fn frame(self) -> Frame {
        let when = |holds: bool, set: ByteSet| if holds { set } else { ByteSet::ALL };
        Frame {
            first: when(self.starts && !self.empty, self.first),
            last: when(self.ends && !self.empty, self.last),
            all: when(self.starts && self.ends, self.all),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::automaton::syntax;

    fn admits(pattern: &str, value: &[u8]) -> bool {
        let frame = Edges::of(&syntax::parse(pattern).unwrap()).frame();
        frame.admits(Ends::of(value), ByteSet::present(value))
    }

    #[test]
    fn a_value_must_begin_and_end_as_the_pattern_does() {
        for (pattern, admitted, refused) in [
            (r"^-?\d+ or", &["-1", "1 or 2"][..], &["x1", " 1 or"][..]),
            (r"(?:^a|^b)c*$", &["a", "bcc", "bca"], &["ab!", "c"]),
            (r"^(?:a|b)?c", &["ac", "c"], &["x"]),
            (r"\d+$", &["a1", "1"], &["1a"]),
            (r"^[\w=]{2,4}$", &["a=1", "abcdefgh"], &["a b", "-"]),
            (r"^\xef\xbc\x9c|^\xef\xb9\xa4", &["\u{ff1c}", "\u{fe64}"], &["<", "\u{e9}"]),
        ] {
            admitted.iter().for_each(|value| assert!(admits(pattern, value.as_bytes()), "{value}"));
            refused.iter().for_each(|value| assert!(!admits(pattern, value.as_bytes()), "{value}"));
        }
    }

    #[test]
    fn what_is_bound_to_no_end_says_nothing() {
        for pattern in [r"a", r"(?:^a|b)", r"(?:^a)?b", r"^a*", r"a*$", r"\ba\b", r"(?:a|^)b"] {
            assert!(admits(pattern, b"!x!"), "{pattern}");
        }
    }
}
