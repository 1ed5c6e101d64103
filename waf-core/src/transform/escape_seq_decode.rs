//! `escape_seq_decode`: ANSI C escapes to bytes.
//!
//! `\xHH`, an octal of one to three digits (its low byte), `\a \b \f \n \r \t \v`; any other `\c`
//! loses its backslash. A last `\` stays.

use super::Machine;
use super::pending::Pending;
use super::text::{control, hex, hex_number, is_octal, low_byte, octal_byte};
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct EscapeSeqDecode {
    /// `\`, or `\x` and at most one digit, or `\` and at most two octal digits.
    pending: Pending<3>,
    changed: bool,
}

impl EscapeSeqDecode {
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
            b'x' | b'X' | b'0'..=b'7' => self.pending.push(byte),
            _ => self.decoded(control(byte), out),
        }
    }

    /// The escape ends without `\xHH` being complete, or is an octal number.
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

impl Machine for EscapeSeqDecode {
    const TRIGGERS: ByteSet = ByteSet::of(b"\\");

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        let is_hex = hex(byte).is_some();
        match *self.pending.as_slice() {
            [] => self.plain(byte, out),
            [_] => self.escaped(byte, out),
            [_, b'x' | b'X'] if is_hex => self.pending.push(byte),
            [_, b'x' | b'X', high] if is_hex => {
                self.decoded(low_byte(hex_number(&[high, byte])), out);
            }
            [_, b'0'..=b'7'] if is_octal(byte) => self.pending.push(byte),
            [_, first @ b'0'..=b'7', middle] if is_octal(byte) => {
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
