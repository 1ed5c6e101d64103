//! `validate_url_encoding`: some `%` is not followed by two hex digits.

use super::{Answer, Machine};

#[derive(Clone, Debug)]
pub(super) struct UrlEncoding;

/// Digits that are still due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Due {
    None,
    Two,
    One,
}

impl Machine for UrlEncoding {
    type State = Due;

    fn start(&self) -> Due {
        Due::None
    }

    fn step(&self, due: &mut Due, byte: u8) -> Answer {
        *due = match (*due, byte) {
            (Due::None, b'%') => Due::Two,
            (Due::None, _) => Due::None,
            (_, byte) if !byte.is_ascii_hexdigit() => return Answer::True,
            (Due::Two, _) => Due::One,
            (Due::One, _) => Due::None,
        };
        Answer::Open
    }

    fn finish(&self, due: Due) -> bool {
        due != Due::None
    }
}
