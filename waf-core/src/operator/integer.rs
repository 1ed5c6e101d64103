//! `eq`, `ge`, `gt`, `le`, `lt`: the value, read as C `atoi` reads it, against a number.
//!
//! Leading blanks, one sign, digits; what follows is ignored, and no digits are 0. Where C would
//! overflow the number stays at the largest there is.

use super::{Answer, Machine};

#[derive(Clone, Copy, Debug)]
pub(super) enum Integer {
    Eq(i64),
    Ge(i64),
    Gt(i64),
    Le(i64),
    Lt(i64),
}

/// What has been read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    Blanks,
    /// After a sign or a digit. Negative numbers are kept negative: they reach one further.
    Digits {
        negative: bool,
        value: i64,
    },
    /// A byte that is no digit ended the number.
    Done(i64),
}

impl Read {
    fn next(&self, byte: u8) -> Self {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
        match (self, digit, byte) {
            (Self::Done(value), ..) => Self::Done(*value),
            (Self::Blanks, _, b' ' | b'\t'..=b'\r') => Self::Blanks,
            (Self::Blanks, _, b'-') => Self::Digits { negative: true, value: 0 },
            (Self::Blanks, _, b'+') => Self::Digits { negative: false, value: 0 },
            (Self::Blanks, Some(value), _) => Self::Digits { negative: false, value },
            (Self::Blanks, None, _) => Self::Done(0),
            (Self::Digits { negative, value }, Some(digit), _) => {
                let digit = if *negative { -digit } else { digit };
                let value = value.saturating_mul(10).saturating_add(digit);
                Self::Digits { negative: *negative, value }
            }
            (Self::Digits { value, .. }, None, _) => Self::Done(*value),
        }
    }

    /// What the number is if the value ends here.
    fn value(&self) -> i64 {
        match self {
            Self::Blanks => 0,
            Self::Digits { value, .. } | Self::Done(value) => *value,
        }
    }

    /// The least and the largest number it can still become: more digits lead away from zero.
    fn bounds(&self) -> (i64, i64) {
        match *self {
            Self::Blanks => (i64::MIN, i64::MAX),
            Self::Digits { negative: true, value } => (i64::MIN, value),
            Self::Digits { negative: false, value } => (value, i64::MAX),
            Self::Done(value) => (value, value),
        }
    }
}

impl Integer {
    /// Whether it holds for every number from `least` to `most`.
    fn holds(self, least: i64, most: i64) -> bool {
        match self {
            Self::Eq(number) => least == number && most == number,
            Self::Ge(number) => least >= number,
            Self::Gt(number) => least > number,
            Self::Le(number) => most <= number,
            Self::Lt(number) => most < number,
        }
    }
}

impl Machine for Integer {
    type State = Read;

    fn start(&self) -> Read {
        Read::Blanks
    }

    fn step(&self, read: &mut Read, byte: u8) -> Answer {
        *read = read.next(byte);
        let (least, most) = read.bounds();
        if self.holds(least, most) { Answer::True } else { Answer::Open }
    }

    fn finish(&self, read: Read) -> bool {
        self.holds(read.value(), read.value())
    }
}

/// A number as C `atoi` reads it.
pub fn atoi(value: &[u8]) -> i64 {
    value.iter().fold(Read::Blanks, |read, &byte| read.next(byte)).value()
}
