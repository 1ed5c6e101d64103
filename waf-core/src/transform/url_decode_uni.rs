//! `url_decode_uni`: what `url_decode` does, and `%uhhhh` to one byte.
//!
//! The byte of a code is its best fit in ASCII (code page 20127), else its low byte. A bad escape
//! stays as it is.

use super::Machine;
use super::best_fit::best_fit;
use super::pending::Pending;
use super::text::{self, hex, hex_number};
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct UrlDecodeUni {
    /// `%` and at most one digit, or `%u` and at most three.
    pending: Pending<5>,
    changed: bool,
}

impl UrlDecodeUni {
    fn plain(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'%' => self.pending.push(byte),
            b'+' => {
                self.changed = true;
                out.push(b' ');
            }
            _ => out.push(byte),
        }
    }

    fn decoded(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.pending = Pending::default();
        self.changed = true;
        out.push(byte);
    }
}

impl Machine for UrlDecodeUni {
    const TRIGGERS: ByteSet = ByteSet::of(b"%+");

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.pending.as_slice(), hex(byte)) {
            ([], _) => self.plain(byte, out),
            ([_], None) if byte.eq_ignore_ascii_case(&b'u') => self.pending.push(byte),
            (_, None) => {
                out.extend_from_slice(self.pending.take().as_slice());
                self.plain(byte, out);
            }
            ([_, b'u' | b'U', a, b, c], Some(_)) => {
                let code = hex_number(&[*a, *b, *c, byte]);
                self.decoded(best_fit(code), out);
            }
            ([_] | [_, b'u' | b'U', ..], Some(_)) => self.pending.push(byte),
            ([_, high, ..], Some(low)) => {
                let high = hex(*high).unwrap_or(0);
                self.decoded((high << 4) | low, out);
            }
        }
    }

    fn run(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        text::run_before_escape(input, out, &mut self.changed)
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.pending.take().as_slice());
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }
}
