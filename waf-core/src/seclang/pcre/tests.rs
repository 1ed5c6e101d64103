//! The rewrites told in words, refusals with their places. That the texts match what PCRE matches is
//! shown against PCRE2 itself in `corpus/tests/pcre.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::{Case, rewrite};
use crate::automaton::syntax;
use crate::operator::Backtrack;
use crate::random::Random;

fn text(pattern: &str) -> String {
    let pattern = rewrite(pattern.as_bytes(), Case::Sensitive).unwrap();
    assert_eq!(pattern.backtracking, None);
    syntax::parse(&pattern.text).unwrap();
    pattern.text
}

#[test]
fn what_reads_otherwise_elsewhere_is_rewritten() {
    for (pattern, expected) in [
        (r"\x{c2}", r"\xc2"),
        (r"[\x{80}-\xff]", r"[\x80-\xff]"),
        ("é", r"\xc3\xa9"),
        ("[é]", r"[\xa9\xc3]"),
        ("${", r"$\{"),
        ("a{1,2}{x}", r"a{1,2}\{x\}"),
        ("[[a]", r"[\x5ba]"),
        ("[a&&b]", r"[\x26a-b]"),
        (r"\<a\>", "<a>"),
        (r"[\<\>]", r"[\x3c\x3e]"),
        (r"\'\/\_", "'/_"),
        (r"\v", r"[\x0a-\x0d\x85]"),
        (r"\h", r"[\x09\x20\xa0]"),
        ("(?i)a(?s:.)", "(?i)a(?:.)"),
        ("(?-s).", r"[^\n]"),
        (r"\Qa.b\E+", r"a\.b+"),
        ("(?<name>a)", "(a)"),
        ("(?x) a #b", "a"),
    ] {
        assert_eq!(text(pattern), expected, "{pattern}");
    }
    assert_eq!(rewrite(b"a", Case::Ignored).unwrap().text, "(?i)a");
    assert_eq!(rewrite(b"(a)(?:b)(?P<c>c)", Case::Sensitive).unwrap().groups, 2);
}

#[test]
fn what_no_automaton_can_do_is_told() {
    for (pattern, what, offset) in [
        ("a*+", "possessive quantifier", 1),
        ("[ab]{2}+", "possessive quantifier", 4),
        ("a(?>b)", "atomic group", 1),
        ("a(?=b)", "look-ahead", 1),
        ("a(?!b)(?<=c)", "look-ahead", 1),
        ("(?<=a)b", "look-behind", 0),
        ("(?<!a)b", "look-behind", 0),
        (r"(a)\1", "back reference", 3),
        (r"(?<n>a)(?P=n)", "back reference", 7),
        (r"a\Kb", r"`\K`", 1),
        (r"a\Z", r"`\Z`", 1),
        (r"\R", r"`\R`", 0),
        ("(?m)^a", "`^` in (?m)", 4),
    ] {
        let pattern = rewrite(pattern.as_bytes(), Case::Sensitive).unwrap();
        let construct = pattern.backtracking.unwrap();
        assert_eq!((construct.what, construct.offset), (what, offset), "{}", pattern.text);
        assert!(Backtrack::new(&pattern.text).is_ok(), "{}", pattern.text);
    }
}

/// The places are those at which the fault begins.
#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for (pattern, offset) in [
        ("a(b", 1),
        ("ab)", 2),
        ("a[b", 1),
        ("[z-a]", 1),
        ("[[:foo:]]", 1),
        ("a[:alpha:]", 1),
        ("[[.a.]]", 1),
        ("*a", 0),
        ("a**", 2),
        ("(|+)", 2),
        ("^*", 1),
        ("a{3,2}", 1),
        ("a{65536}", 1),
        ("ab\\", 2),
        (r"a\x{100}", 1),
        (r"\x{", 0),
        (r"\x{zz}", 0),
        (r"\777", 0),
        (r"\i", 0),
        (r"\pL", 0),
        (r"[\B]", 1),
        (r"a\1", 1),
        (r"(a)\g{2}", 3),
        (r"\k<n>", 0),
        ("(?<1>a)", 0),
        ("(?<n>a)(?<n>b)", 7),
        ("(?R)", 0),
        ("(a)(?1)", 3),
        ("(?(1)a)", 0),
        ("(?|a)", 0),
        ("(?i", 0),
        ("(?#", 0),
        ("a(*FAIL)", 1),
    ] {
        let error = rewrite(pattern.as_bytes(), Case::Sensitive).unwrap_err();
        assert_eq!(error.offset(), offset, "{pattern}: {error}");
        assert!(!error.to_string().is_empty());
    }
}

/// Whatever the bytes, a pattern is refused or its text is one that an engine reads.
#[test]
fn any_bytes_are_read_or_refused() {
    let pieces: &[&[u8]] = &[
        b"(", b")", b"[", b"]", b"{", b"}", b"?", b"*", b"+", b"|", b"\\", b"^", b"$", b".", b"-",
        b":", b"a", b"1", b",", b"\xe9", b"\0", b"?<", b"?P", b"?i", b"\\x", b"\\g", b"\\Q",
        b"\\E", b"[:", b":]", b"(?=", b"(?x)", b"#", b"<n>",
    ];
    let (mut random, mut read) = (Random::new(1), 0);
    for _ in 0..20_000 {
        let mut pattern = Vec::new();
        for _ in 0..6 {
            pattern.extend_from_slice(random.pick(pieces));
        }
        let Ok(rewritten) = rewrite(&pattern, Case::Sensitive) else { continue };
        read += 1;
        assert!(rewritten.text.is_ascii());
        let shown = (pattern.escape_ascii().to_string(), &rewritten.text);
        if rewritten.backtracking.is_none() {
            assert!(syntax::parse(&rewritten.text).is_ok(), "{shown:?}");
        } else if let Err(error) = Backtrack::new(&rewritten.text) {
            panic!("{shown:?}: {error}");
        }
    }
    assert!(read > 500, "{read}");
}
