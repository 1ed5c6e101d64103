//! `base64_decode`: base64 up to the first byte that is none.
//!
//! `=` is such a byte, so padding is never asked for; a last single character gives nothing.

use super::Machine;
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Base64Decode {
    /// Bits read and not yet written, at the top.
    bits: u8,
    /// Characters read of the current four.
    read: u8,
    stopped: bool,
    /// Some output was given.
    changed: bool,
}

impl Base64Decode {
    fn emit(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.changed = true;
        out.push(byte);
    }
}

impl Machine for Base64Decode {
    const TRIGGERS: ByteSet = ByteSet::ALL;

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.stopped {
            return;
        }
        let Some(value) = value(byte) else {
            self.stopped = true;
            return;
        };
        let bits = self.bits;
        match self.read {
            0 => self.bits = value << 2,
            1 => {
                self.emit(bits | (value >> 4), out);
                self.bits = value << 4;
            }
            2 => {
                self.emit(bits | (value >> 2), out);
                self.bits = value << 6;
            }
            _ => {
                self.emit(bits | value, out);
                self.bits = 0;
            }
        }
        self.read = (self.read + 1) & 3;
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        false
    }
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
