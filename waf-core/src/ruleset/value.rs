//! What a variable of `TX` holds.

use std::borrow::Cow;

use crate::limits;
use crate::operator::atoi;

/// What a variable holds. Most are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(i64),
    Text(Box<[u8]>),
}

impl Value {
    /// Text; a number where it is written as one would be.
    pub(crate) fn new(text: &[u8]) -> Self {
        let as_written =
            matches!(text, [b'0'] | [b'1'..=b'9', ..] | [b'-', b'1'..=b'9', ..]).then_some(text);
        match as_written.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()) {
            Some(number) => Self::Number(number),
            None => Self::Text(text[..text.len().min(limits::TX_VALUE)].into()),
        }
    }

    /// A number as text. One digit, as counts, levels and switches mostly are, takes no memory.
    pub(crate) fn digits(number: i64) -> Cow<'static, [u8]> {
        const DIGITS: &[u8; 10] = b"0123456789";
        match usize::try_from(number).ok().and_then(|digit| DIGITS.get(digit..=digit)) {
            Some(digit) => Cow::Borrowed(digit),
            None => Cow::Owned(number.to_string().into_bytes()),
        }
    }

    /// As text.
    pub(crate) fn text(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Number(number) => Self::digits(*number),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }

    /// As a number.
    pub(crate) fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) => atoi(text),
        }
    }

    /// Bytes that it takes beside itself.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Text(text) => text.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_as_numbers_and_texts_as_written() {
        assert_eq!(Value::new(b"12"), Value::Number(12));
        assert_eq!(Value::new(b"012").text().as_ref(), b"012");
        assert_eq!(Value::new(b"+5").text().as_ref(), b"+5");
        assert_eq!(Value::new(b"012").number(), 12);
        assert_eq!(Value::new(b"x").number(), 0);
        for text in ["-0", "00", "-", "", "1a", "-01", "9223372036854775808", " 1", "0x1"] {
            assert_eq!(Value::new(text.as_bytes()), Value::Text(text.as_bytes().into()));
        }
        for number in [i64::MIN, -1, 0, 1, 9, 10, i64::MAX] {
            assert_eq!(*Value::Number(number).text(), *number.to_string().as_bytes());
            assert_eq!(Value::new(number.to_string().as_bytes()), Value::Number(number));
        }
    }
}
