//! `detect_sqli` and `detect_xss`: no panic, and an answer that does not hang on the case of letters.
//!
//! The answers themselves are held against libinjection's C code in `corpus/tests/injection.rs`.

use waf_core::operator::{detect_sqli, detect_xss};

/// What means something else in another case: MySQL's `NULL`, PostgreSQL's and Oracle's quotes,
/// `sp_password`, and CDATA.
const CASED: &[&[u8]] = &[b"\\N", b"$", b"Q'", b"SP_PASSWORD", b"[CDATA["];

/// Checks a value.
pub fn check(value: &[u8]) {
    let (sqli, xss) = (detect_sqli(value), detect_xss(value));
    if let Some(fingerprint) = sqli {
        let letters = fingerprint.as_str();
        let is_letter = |letter: u8| b"kUBEtfn1vso&cA(),;:TX".contains(&letter);
        assert!((1..=5).contains(&letters.len()) && letters.bytes().all(is_letter), "{letters:?}");
    }
    let upper = value.to_ascii_uppercase();
    let holds = |text: &&[u8]| upper.windows(text.len()).any(|window| window == *text);
    if !CASED.iter().any(holds) {
        assert_eq!(detect_sqli(&upper), sqli);
        assert_eq!(detect_xss(&upper), xss);
    }
}
