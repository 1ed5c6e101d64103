//! `remove_whitespace`: blanks away.

use super::Machine;
use crate::bytes::ByteSet;

/// What C's `isspace` takes, and the Latin-1 no-break space.
pub(super) const BLANKS: ByteSet = ByteSet::of(b" \t\n\x0b\x0c\r\xa0");

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RemoveWhitespace {
    changed: bool,
}

impl Machine for RemoveWhitespace {
    const TRIGGERS: ByteSet = BLANKS;

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        if BLANKS.contains(byte) {
            self.changed = true;
        } else {
            out.push(byte);
        }
    }

    fn changed(&self) -> bool {
        self.changed
    }
}
