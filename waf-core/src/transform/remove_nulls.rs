//! `remove_nulls`: NUL bytes away.

use super::Machine;
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RemoveNulls {
    changed: bool,
}

impl Machine for RemoveNulls {
    const TRIGGERS: ByteSet = ByteSet::of(&[0]);

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == 0 {
            self.changed = true;
        } else {
            out.push(byte);
        }
    }

    fn changed(&self) -> bool {
        self.changed
    }
}
