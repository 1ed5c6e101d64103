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
        self.feed(&[byte], out);
    }

    /// Without branches: text has a blank every few bytes.
    fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(input);
        let Some(kept) = out.get_mut(start..) else { return };
        let mut count = 0;
        for &byte in input {
            if let Some(place) = kept.get_mut(count) {
                *place = byte;
            }
            count += usize::from(!Self::IS_TRIGGER[usize::from(byte)]);
        }
        self.changed |= count < input.len();
        out.truncate(start + count);
    }

    fn changed(&self) -> bool {
        self.changed
    }
}
