//! `url_decode`: `%hh` to a byte and `+` to a space; a bad escape stays as it is.

use super::Machine;
use super::pending::Pending;
use super::text::{self, hex};
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct UrlDecode {
    /// `%` and at most one digit.
    pending: Pending<2>,
    changed: bool,
}

impl UrlDecode {
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
}

impl Machine for UrlDecode {
    const TRIGGERS: ByteSet = ByteSet::of(b"%+");

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.pending.as_slice(), hex(byte)) {
            ([], _) => self.plain(byte, out),
            (_, None) => {
                out.extend_from_slice(self.pending.take().as_slice());
                self.plain(byte, out);
            }
            ([_], Some(_)) => self.pending.push(byte),
            ([_, high, ..], Some(low)) => {
                out.push((hex(*high).unwrap_or(0) << 4) | low);
                self.pending = Pending::default();
                self.changed = true;
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
