//! `html_entity_decode`: `&#N;`, `&#xN;`, `&quot;`, `&amp;`, `&lt;`, `&gt;`, `&nbsp;` to a byte.
//!
//! The semicolon may be missing, names match in any case, and a number's low byte counts. A name
//! ends where letters and digits end, so `&ltx` is no entity.

use super::Machine;
use super::pending::Pending;
use crate::bytes::ByteSet;

const NAMES: [(&[u8], u8); 5] =
    [(b"quot", b'"'), (b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"nbsp", 0xa0)];

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct HtmlEntityDecode {
    /// What may turn out to be no entity: `&`, `&#`, `&#x`, or `&` and the start of a name.
    pending: Pending<6>,
    /// The digits read; with one of them it is an entity for certain.
    number: Option<Number>,
    changed: bool,
}

/// A number being read. Like C's `strtol` it stays at the largest one when there are too many
/// digits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number {
    radix: u8,
    value: i64,
}

impl Number {
    fn new(radix: u8, digit: u32) -> Self {
        Self { radix, value: i64::from(digit) }
    }

    fn push(&mut self, digit: u32) {
        self.value = self.value.saturating_mul(self.radix.into()).saturating_add(digit.into());
    }

    fn low_byte(self) -> u8 {
        self.value as u8
    }
}

impl HtmlEntityDecode {
    fn plain(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == b'&' {
            self.pending.push(byte);
        } else {
            out.push(byte);
        }
    }

    /// It was no entity; `byte` is read afresh.
    fn give_up(&mut self, byte: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(self.pending.take().as_slice());
        self.plain(byte, out);
    }

    /// An entity ended before `byte`.
    fn decoded(&mut self, entity: u8, byte: u8, out: &mut Vec<u8>) {
        self.close(entity, out);
        if byte != b';' {
            self.plain(byte, out);
        }
    }

    fn close(&mut self, entity: u8, out: &mut Vec<u8>) {
        self.pending = Pending::default();
        self.number = None;
        self.changed = true;
        out.push(entity);
    }

    fn begin_number(&mut self, radix: u8, byte: u8, out: &mut Vec<u8>) {
        match digit(byte, radix) {
            Some(digit) => self.number = Some(Number::new(radix, digit)),
            None => self.give_up(byte, out),
        }
    }

    fn name(&mut self, byte: u8, out: &mut Vec<u8>) {
        if !byte.is_ascii_alphanumeric() {
            return match named(self.pending.as_slice()) {
                Some(entity) => self.decoded(entity, byte, out),
                None => self.give_up(byte, out),
            };
        }
        self.pending.push(byte);
        if !begins_name(self.pending.as_slice()) {
            out.extend_from_slice(self.pending.take().as_slice());
        }
    }
}

impl Machine for HtmlEntityDecode {
    const TRIGGERS: ByteSet = ByteSet::of(b"&");

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        if let Some(number) = &mut self.number {
            let number_before = *number;
            return match digit(byte, number.radix) {
                Some(digit) => number.push(digit),
                None => self.decoded(number_before.low_byte(), byte, out),
            };
        }
        match self.pending.as_slice() {
            [] => self.plain(byte, out),
            [_] if byte == b'#' => self.pending.push(byte),
            [_, b'#'] if byte.eq_ignore_ascii_case(&b'x') => self.pending.push(byte),
            [_, b'#'] => self.begin_number(10, byte, out),
            [_, b'#', ..] => self.begin_number(16, byte, out),
            _ => self.name(byte, out),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let entity = self.number.map(Number::low_byte).or_else(|| named(self.pending.as_slice()));
        match entity {
            Some(entity) => self.close(entity, out),
            None => out.extend_from_slice(self.pending.take().as_slice()),
        }
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.number.is_none()
    }
}

fn digit(byte: u8, radix: u8) -> Option<u32> {
    char::from(byte).to_digit(radix.into())
}

/// The byte of the entity in `pending`: `&` and a name.
fn named(pending: &[u8]) -> Option<u8> {
    let name = pending.get(1..)?;
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, byte)| byte)
}

fn begins_name(pending: &[u8]) -> bool {
    let name = pending.get(1..).unwrap_or_default();
    NAMES
        .iter()
        .filter_map(|(known, _)| known.get(..name.len()))
        .any(|start| start.eq_ignore_ascii_case(name))
}
