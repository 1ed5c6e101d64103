//! `validate_utf8_encoding`: the bytes are not UTF-8 as RFC 3629 section 4 writes it.
//!
//! Stricter than ModSecurity 2 in one place: codes from U+110000 to U+13FFFF do not pass.

use super::{Answer, Machine};

#[derive(Clone, Debug)]
pub(super) struct Utf8Encoding;

/// What must come next: so many continuation bytes, the first of them in this range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Due {
    count: u8,
    first: u8,
    last: u8,
}

impl Due {
    const NOTHING: Self = Self::tail(0);

    /// Continuation bytes of any value.
    const fn tail(count: u8) -> Self {
        Self { count, first: 0x80, last: 0xbf }
    }

    /// What follows `lead`, by the table of RFC 3629; `None` where it cannot lead.
    fn after(lead: u8) -> Option<Self> {
        let due = match lead {
            0..=0x7f => Self::NOTHING,
            0xc2..=0xdf => Self::tail(1),
            0xe0 => Self { first: 0xa0, ..Self::tail(2) },
            0xed => Self { last: 0x9f, ..Self::tail(2) },
            0xe1..=0xef => Self::tail(2),
            0xf0 => Self { first: 0x90, ..Self::tail(3) },
            0xf1..=0xf3 => Self::tail(3),
            0xf4 => Self { last: 0x8f, ..Self::tail(3) },
            _ => return None,
        };
        Some(due)
    }
}

impl Machine for Utf8Encoding {
    type State = Due;

    fn start(&self) -> Due {
        Due::NOTHING
    }

    fn step(&self, due: &mut Due, byte: u8) -> Answer {
        let next = match due.count {
            0 => Due::after(byte),
            count => (due.first..=due.last).contains(&byte).then(|| Due::tail(count - 1)),
        };
        match next {
            Some(next) => *due = next,
            None => return Answer::True,
        }
        Answer::Open
    }

    fn finish(&self, due: Due) -> bool {
        due.count > 0
    }
}
