//! Bounds and refusals. What is matched is compared with PCRE2 in `corpus/tests/pcre.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::{Duration, Instant};

use super::{Backtrack, Outcome};
use crate::seclang::pcre::{Case, rewrite};

fn backtrack(pattern: &str) -> Backtrack {
    Backtrack::new(&rewrite(pattern.as_bytes(), Case::Sensitive).unwrap().text).unwrap()
}

fn find(pattern: &str, value: &[u8]) -> Outcome {
    backtrack(pattern).find(value)
}

/// Values that take plain backtracking the square, the cube, two to the power of their length.
#[test]
fn what_costs_too_much_is_spent_in_time_and_counts() {
    for (pattern, piece, end) in [
        (r"(?:a+)+(?=b)", "a", ""),
        (r"(a*)*\1c(?!d)", "a", ""),
        (r"(?>a|ab)*(?:a|a|b)*(?!.)c", "ab", ""),
        (r"([\d\w=]+)\1x", "a=", ""),
        (r"(?:(?=(a*))a)*b", "a", ""),
        (r"(?s:.*?.*?.*?(?=b)c)", "b", ""),
        (r"(?:(?!ab).)*(?<=ab)", "a", ""),
        (r"(?:|a|)*(?=b)", "a", "c"),
        (r"(?:a{0,50}){0,50}(?=b)", "a", ""),
    ] {
        let backtrack = backtrack(pattern);
        for length in [100, 1_000, 128 * 1024] {
            let mut value = piece.repeat(length / piece.len());
            value.push_str(end);
            let start = Instant::now();
            let outcome = backtrack.find(value.as_bytes());
            let took = start.elapsed();
            // 8 million steps at most, unoptimised.
            assert!(took < Duration::from_secs(5), "{pattern} {length}: {took:?}");
            if length > 1_000 {
                assert_eq!(outcome, Outcome::Spent, "{pattern} on {length} bytes");
                assert!(outcome.holds());
            }
        }
    }
}

/// What must be put back takes room too.
#[test]
fn the_stack_is_bounded() {
    let value = b"ab".repeat(64 * 1024);
    assert_eq!(find(r"(?:(a)|(b))*(?=c)", &value), Outcome::Spent);
    // A run of one byte takes one entry, however long.
    assert_eq!(find(r"a[ab]*(?=c)", &value[..2_000]), Outcome::Spent);
    assert!(matches!(find(r"^[ab]*(?=b$)", &value), Outcome::Match(_)));
}

#[test]
fn groups_of_a_match_are_told() {
    let Outcome::Match(captures) = find(r"(b)(c)?(?=(d|e))", b"abe") else { panic!() };
    let groups: Vec<_> = (0..4).map(|group| captures.get(group)).collect();
    assert_eq!(groups, [Some(1..2), Some(1..2), None, Some(2..3)]);
    assert_eq!(captures.get(10), None);
}

#[test]
fn what_it_cannot_run_is_refused() {
    for pattern in [
        "(?<=a+)b",
        "(?<=(?:a|bc)d)e",
        r"\2(a)",
        "(?:(?:a{1000}){1000}){1000}",
        "(?x:a)",
        "a)",
        "(a",
        "[a",
        "*",
        r"\q",
        "\\",
        &"(".repeat(1_000),
    ] {
        assert!(Backtrack::new(pattern).is_err(), "{pattern}");
    }
}
