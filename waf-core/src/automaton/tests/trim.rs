//! Existence trimming keeps whether a pattern matches and where it first ends.

use proptest::prelude::*;

use super::oracle::Oracle;
use super::patterns::{PATTERNS, pattern, text, texts};
use crate::automaton::syntax;
use crate::automaton::trim::trim;

fn trimmed(pattern: &str) -> String {
    trim(&syntax::parse(pattern).unwrap()).to_string()
}

fn check(pattern: &str, value: &[u8]) {
    let (whole, short) = (Oracle::new(pattern), Oracle::new(&trimmed(pattern)));
    let what = || format!("{pattern:?} as {:?} in {value:?}", trimmed(pattern));
    assert_eq!(whole.matches(value), short.matches(value), "{}", what());
    assert_eq!(whole.first_end(value), short.first_end(value), "{}", what());
}

#[test]
fn our_patterns() {
    for pattern in PATTERNS {
        texts().iter().for_each(|value| check(pattern, value));
    }
}

proptest! {
    #[test]
    fn any_pattern(pattern in pattern(), values in prop::collection::vec(text(), 1..6)) {
        values.iter().for_each(|value| check(&pattern, value));
    }
}

#[test]
fn what_goes_and_what_stays() {
    let plain = |a: &str| syntax::parse(a).unwrap().to_string();
    assert_eq!(trimmed("a.*"), plain("a"));
    assert_eq!(trimmed(".*a"), plain("a"));
    assert_eq!(trimmed("x*(a+b?|cd*)"), plain("(?:a|c)"));
    assert_eq!(trimmed("ab{2,9}"), plain("ab{2}"));
    assert_eq!(trimmed("a{3,}b"), plain("a{3}b"));
    assert_eq!(trimmed(r"a(?:\bb)*"), plain("a"));
    assert_eq!(trimmed(r"a.*\b"), plain(r"a.*\b"));
    assert_eq!(trimmed("^.*a"), plain("^.*a"));
    assert_eq!(trimmed("a.*b"), plain("a.*b"));
    assert_eq!(trimmed("(?:ab*){2}"), plain("(?:ab*){2}"));
}
