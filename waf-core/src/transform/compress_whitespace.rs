//! `compress_whitespace`: runs of blanks to one space.

use super::Machine;
use super::remove_whitespace::BLANKS;
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CompressWhitespace {
    /// In a run of blanks; its space is out.
    in_run: bool,
    /// ModSecurity reports runs of two and more only, not a tab made a space.
    changed: bool,
}

impl Machine for CompressWhitespace {
    const TRIGGERS: ByteSet = BLANKS;

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        if !BLANKS.contains(byte) {
            self.in_run = false;
            out.push(byte);
        } else if self.in_run {
            self.changed = true;
        } else {
            self.in_run = true;
            out.push(b' ');
        }
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        !self.in_run
    }
}
