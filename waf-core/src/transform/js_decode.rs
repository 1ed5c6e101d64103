//! `js_decode`: JavaScript escapes to bytes.
//!
//! `\uHHHH` gives its low byte (full-width forms their ASCII), `\xHH` the byte, `\ooo` an octal up
//! to 377, `\n` and its like the control character, any other `\c` gives `c`. A last `\` stays.

use super::Machine;
use super::pending::Pending;
use super::text::{control, hex, hex_number, is_octal, low_byte, octal_byte};
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct JsDecode {
    /// `\`, or `\u` and at most three digits, `\x` and at most one, or `\` and at most two octal
    /// digits.
    pending: Pending<5>,
    changed: bool,
}

impl JsDecode {
    fn plain(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == b'\\' {
            self.pending.push(byte);
        } else {
            out.push(byte);
        }
    }

    fn decoded(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.pending = Pending::default();
        self.changed = true;
        out.push(byte);
    }

    fn escaped(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'u' | b'x' | b'0'..=b'7' => self.pending.push(byte),
            _ => self.decoded(control(byte), out),
        }
    }

    /// The escape ends without `\uHHHH` or `\xHH` being complete, or is an octal number.
    fn close(&mut self, out: &mut Vec<u8>) {
        let pending = self.pending.take();
        match pending.as_slice() {
            [] => {}
            [_] => out.push(b'\\'),
            [_, digits @ ..] if digits.first().copied().is_some_and(is_octal) => {
                self.decoded(octal_byte(digits), out);
            }
            [_, text @ ..] => {
                self.changed = true;
                out.extend_from_slice(text);
            }
        }
    }
}

impl Machine for JsDecode {
    const TRIGGERS: ByteSet = ByteSet::of(b"\\");

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        let is_hex = hex(byte).is_some();
        match *self.pending.as_slice() {
            [] => self.plain(byte, out),
            [_] => self.escaped(byte, out),
            [_, b'u', a, b, c] if is_hex => {
                self.decoded(low_byte(hex_number(&[a, b, c, byte])), out);
            }
            [_, b'x', high] if is_hex => {
                self.decoded(low_byte(hex_number(&[high, byte])), out);
            }
            [_, b'u' | b'x', ..] if is_hex => self.pending.push(byte),
            // A third octal digit fits in a byte only after 0 to 3.
            [_, b'0'..=b'3'] if is_octal(byte) => self.pending.push(byte),
            [_, first @ b'4'..=b'7'] if is_octal(byte) => {
                self.decoded(octal_byte(&[first, byte]), out);
            }
            [_, first @ b'0'..=b'3', middle] if is_octal(byte) => {
                self.decoded(octal_byte(&[first, middle, byte]), out);
            }
            _ => {
                self.close(out);
                self.plain(byte, out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.close(out);
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }
}
