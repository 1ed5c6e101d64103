//! `base64_decode`: base64 up to the first byte that is none.
//!
//! `=` is such a byte, so padding is never asked for; a last single character gives nothing.

use super::{Growth, Machine};
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
    const GROWTH: Growth = Growth { factor: 3, per: 4, extra: 0 };

    /// Four characters at a time, as long as all of them are some.
    fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.stopped {
            return;
        }
        let open = input.len().min((4 - usize::from(self.read)) % 4);
        let (head, rest) = input.split_at(open);
        head.iter().for_each(|&byte| self.step(byte, out));
        let mut fours = rest.chunks_exact(4);
        for four in fours.by_ref().take(if self.stopped { 0 } else { usize::MAX }) {
            let [a, b, c, d] =
                [four[0], four[1], four[2], four[3]].map(|byte| VALUES[usize::from(byte)]);
            if (a | b | c | d) >= NONE {
                four.iter().for_each(|&byte| self.step(byte, out));
                return;
            }
            out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
            self.changed = true;
        }
        fours.remainder().iter().for_each(|&byte| self.step(byte, out));
    }

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

/// What is no character of base64.
const NONE: u8 = 64;

/// The six bits of each character.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let characters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < characters.len() {
        values[characters[at] as usize] = at as u8;
        at += 1;
    }
    values
};

fn value(byte: u8) -> Option<u8> {
    Some(VALUES[usize::from(byte)]).filter(|&value| value != NONE)
}
