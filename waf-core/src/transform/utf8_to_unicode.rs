//! `utf8_to_unicode`: multi-byte UTF-8 to `%uhhhh`, four hex digits or more, in lower case.
//!
//! A following `url_decode_uni` then folds each character to one byte. What ModSecurity 2 does with
//! text that is not UTF-8 is kept: a lead byte without its continuation is dropped, one that starts
//! an overlong form or a surrogate stands once more after the code, stray continuation bytes stay.
//! NUL is dropped.

use std::io::Write;

use super::pending::Pending;
use super::{Growth, Machine};
use crate::bytes::ByteSet;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Utf8ToUnicode {
    /// A lead byte and its continuation so far.
    pending: Pending<3>,
    /// ModSecurity reports codes written, not bytes dropped.
    changed: bool,
}

impl Utf8ToUnicode {
    fn first(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            0 => {}
            0xc0..=0xf4 => self.pending.push(byte),
            // Beyond U+10FFFF: the byte itself, and the code all the same.
            0xf5..=0xf7 => {
                out.push(byte);
                self.pending.push(byte);
            }
            _ => out.push(byte),
        }
    }

    fn encode(&mut self, last: u8, out: &mut Vec<u8>) {
        let pending = self.pending.take();
        let Some((&lead, middle)) = pending.as_slice().split_first() else { return };
        let width = middle.len() + 2;
        let bits = u32::from(lead) & (0x7f >> width);
        let code = middle
            .iter()
            .chain([&last])
            .fold(bits, |code, &byte| (code << 6) | u32::from(byte & 0x3f));
        // Writing to a vector cannot fail.
        let _ = write!(out, "%u{code:04x}");
        if (0xd800..=0xdfff).contains(&code) {
            out.push(lead);
        }
        let shortest = [0x80, 0x800, 0x1_0000].get(width - 2).copied().unwrap_or(0);
        if code < shortest {
            out.push(lead);
        }
        self.changed = true;
    }
}

impl Machine for Utf8ToUnicode {
    const TRIGGERS: ByteSet = ByteSet::range(0xc0, 0xf7).with(0);
    /// The worst is an overlong pair: two bytes to `%u0000` and the lead byte.
    const GROWTH: Growth = Growth { factor: 4, per: 1, extra: 0 };

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        let held = self.pending.as_slice();
        match held.split_first() {
            None => self.first(byte, out),
            Some((&lead, middle)) if byte & 0xc0 == 0x80 => {
                if middle.len() + 2 == width(lead) {
                    self.encode(byte, out);
                } else {
                    self.pending.push(byte);
                }
            }
            Some((_, middle)) => {
                out.extend_from_slice(middle);
                self.pending = Pending::default();
                self.first(byte, out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend(self.pending.take().as_slice().iter().skip(1));
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }
}

/// Bytes of the character that `lead` starts.
fn width(lead: u8) -> usize {
    match lead {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    }
}
