//! Operators over whole values, as one would write them down.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;
use waf_core::operator::{detect_sqli, detect_xss};
use waf_core::rule::Operator;

use super::check_digits;
use super::regexes::Regexes;

/// Where an operator holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// In these bytes.
    At(Range<usize>),
    /// Of the value as a whole: no bytes are the match.
    Value,
}

/// Asks an operator of a value; `None` when it does not hold.
pub(crate) fn ask(operator: &Operator, value: &[u8], regexes: &Regexes) -> Option<Span> {
    let whole = || Span::At(0..value.len());
    let at = |start: usize, length: usize| Span::At(start..start + length);
    match operator {
        Operator::Rx(text) => regexes.find(text, value).map(Span::At),
        Operator::Pm(phrases) => phrase(phrases, value).map(Span::At),
        Operator::Contains(text) => {
            position(value, text.as_bytes()).map(|start| at(start, text.len()))
        }
        Operator::BeginsWith(text) => value.starts_with(text.as_bytes()).then(|| at(0, text.len())),
        Operator::EndsWith(text) => {
            value.ends_with(text.as_bytes()).then(|| at(value.len() - text.len(), text.len()))
        }
        Operator::Streq(text) => (value == text.as_bytes()).then(whole),
        Operator::Within(text) => position(text.as_bytes(), value).map(|_| Span::Value),
        Operator::Eq(number) => (integer(value) == *number).then_some(Span::Value),
        Operator::Ge(number) => (integer(value) >= *number).then_some(Span::Value),
        Operator::Gt(number) => (integer(value) > *number).then_some(Span::Value),
        Operator::Le(number) => (integer(value) <= *number).then_some(Span::Value),
        Operator::Lt(number) => (integer(value) < *number).then_some(Span::Value),
        Operator::IpMatch(networks) => is_in(networks, value).then_some(Span::Value),
        Operator::DetectSqli => detect_sqli(value).map(|_| whole()),
        Operator::DetectXss => detect_xss(value).then(whole),
        Operator::ValidateByteRange(set) => {
            value.iter().position(|&byte| !set.contains(byte)).map(|start| at(start, 1))
        }
        Operator::ValidateUrlEncoding => has_bad_escape(value).then_some(Span::Value),
        Operator::ValidateUtf8Encoding => {
            std::str::from_utf8(value).is_err().then_some(Span::Value)
        }
        Operator::Luhn => check_digits::card(value).then_some(Span::Value),
        Operator::Iban => check_digits::iban(value).then_some(Span::Value),
        Operator::Finding(_) => None,
    }
}

/// The first place of `text`.
fn position(value: &[u8], text: &[u8]) -> Option<usize> {
    (0..=value.len().checked_sub(text.len())?).find(|&start| value[start..].starts_with(text))
}

/// The phrase that ends first; of those that end together the longest.
fn phrase(phrases: &[String], value: &[u8]) -> Option<Range<usize>> {
    let places = phrases.iter().filter(|phrase| !phrase.is_empty()).filter_map(|phrase| {
        let found = value
            .windows(phrase.len())
            .position(|window| window.eq_ignore_ascii_case(phrase.as_bytes()))?;
        Some(found..found + phrase.len())
    });
    places.min_by_key(|place| (place.end, place.start))
}

/// C's `atoi`, kept in the range of the type.
pub(super) fn integer(value: &[u8]) -> i64 {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &value[value.iter().take_while(|byte| blank(byte)).count()..];
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    // Far more than 64 bits hold; the rest cannot change what it is cut to.
    let number = digits.fold(0_i128, |number, digit| {
        (number * 10 + i128::from(digit - b'0')).min(i128::from(u64::MAX))
    });
    let number = if negative { -number } else { number };
    number.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

fn is_in(networks: &[IpNet], value: &[u8]) -> bool {
    let Some(address) = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()) else {
        return false;
    };
    networks.iter().any(|network| match (network, address) {
        (IpNet::V4(network), IpAddr::V4(address)) => network.contains(&address),
        (IpNet::V4(network), IpAddr::V6(address)) => {
            address.to_ipv4_mapped().is_some_and(|address| network.contains(&address))
        }
        (IpNet::V6(network), IpAddr::V6(address)) => network.contains(&address),
        (IpNet::V6(network), IpAddr::V4(address)) => network.contains(&address.to_ipv6_mapped()),
    })
}

fn has_bad_escape(value: &[u8]) -> bool {
    let digit = |at: usize| value.get(at).is_some_and(u8::is_ascii_hexdigit);
    (0..value.len()).any(|at| value[at] == b'%' && !(digit(at + 1) && digit(at + 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_does() {
        for (text, number) in [
            ("", 0),
            (" \t-12x", -12),
            ("+7", 7),
            ("0x1f", 0),
            ("99999999999999999999999999", i64::MAX),
            ("-99999999999999999999", i64::MIN),
            ("- 1", 0),
        ] {
            assert_eq!(integer(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn the_phrase_that_ends_first_is_told() {
        let phrases = ["bcd".to_owned(), "CD".to_owned(), "d e".to_owned()];
        assert_eq!(phrase(&phrases, b"abcd e"), Some(1..4));
        assert_eq!(phrase(&phrases, b"acd e"), Some(1..3));
        assert_eq!(phrase(&phrases, b"abc"), None);
    }
}
