//! `css_decode`: CSS escapes to bytes.
//!
//! `\` and one to six hex digits give the byte of the last two digits (full-width forms their
//! ASCII) and swallow one blank; `\` and a line feed go; any other `\c` gives `c`. A last `\` goes.

use super::Machine;
use super::pending::Pending;
use super::text::{hex, hex_number, is_space, low_byte};
use crate::bytes::ByteSet;

/// CSS 2.1 section 4.1.3: at most six digits.
const DIGITS: usize = 6;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CssDecode {
    at: At,
    changed: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum At {
    #[default]
    Text,
    /// After `\`.
    Escape,
    /// After `\` and some digits.
    Digits(Pending<DIGITS>),
    /// After six digits: one blank goes.
    Blank,
}

impl CssDecode {
    fn text(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == b'\\' {
            self.at = At::Escape;
        } else {
            self.at = At::Text;
            out.push(byte);
        }
    }

    fn text_but_one_blank(&mut self, byte: u8, out: &mut Vec<u8>) {
        if is_space(byte) {
            self.at = At::Text;
        } else {
            self.text(byte, out);
        }
    }

    fn escaped(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.changed = true;
        if hex(byte).is_some() {
            let mut digits = Pending::default();
            digits.push(byte);
            self.at = At::Digits(digits);
            return;
        }
        self.at = At::Text;
        if byte != b'\n' {
            out.push(byte);
        }
    }
}

impl Machine for CssDecode {
    const TRIGGERS: ByteSet = ByteSet::of(b"\\");

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        match &mut self.at {
            At::Text => self.text(byte, out),
            At::Escape => self.escaped(byte, out),
            At::Digits(digits) if hex(byte).is_some() => {
                digits.push(byte);
                if digits.as_slice().len() == DIGITS {
                    out.push(code(digits.as_slice()));
                    self.at = At::Blank;
                }
            }
            At::Digits(digits) => {
                out.push(code(digits.as_slice()));
                self.text_but_one_blank(byte, out);
            }
            At::Blank => self.text_but_one_blank(byte, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        match &self.at {
            At::Digits(digits) => out.push(code(digits.as_slice())),
            At::Escape => self.changed = true,
            At::Text | At::Blank => {}
        }
        self.at = At::Text;
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        self.at == At::Text
    }
}

/// The last two digits; the last four where only zeros stand before them, for the full-width forms.
fn code(digits: &[u8]) -> u8 {
    let (zeros, last) = digits.split_at(digits.len().saturating_sub(4));
    let number = hex_number(last);
    if zeros.iter().all(|&digit| digit == b'0') { low_byte(number) } else { number as u8 }
}
