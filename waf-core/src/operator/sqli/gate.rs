//! Values that are certainly no SQL injection, told by the bytes that occur in them.
//!
//! Three kinds of values cannot have a fingerprint, and most short values are one of them. The tests
//! below check what the proofs say of the tables.
//!
//! **Signs and numbers.** Without letters there are no keywords, phrases and functions; without
//! quotes, `@` and `$` no strings and variables; without `--`, `/*` and `#` no comments; without
//! `&&` and `||` no logic. What is left are numbers, operators, `, : ; . ? { } \` and names (of bytes
//! beyond ASCII, or in brackets). Folding turns such tokens into such tokens, and no fingerprint is
//! made of them alone.
//!
//! **One word.** A word ends with the value only; before it may stand numbers (`1or`), or what looks
//! like one (`0x`). Nothing of this folds, so the row is numbers and names, and one more token: no
//! fingerprint, but for `1U`, which is harmless in a value of two tokens. A third token would need
//! three numbers in a row, and that is no fingerprint either.
//!
//! **Dotted names and addresses.** Where no number begins, the tokens are words, each followed by a
//! dot or the end, and then variables, which go on to the next `@`. A dot is in no fingerprint. It is
//! folded away only as `n.n`, `E.n`, `o.o` and `&.&`, so a row without dots is at most `E n` or one
//! word, and variables: no fingerprint.

use crate::bytes::ByteSet;

const LETTERS: ByteSet = ByteSet::range(b'a', b'z').union(ByteSet::range(b'A', b'Z'));

const DIGITS: ByteSet = ByteSet::range(b'0', b'9');

/// Bytes of words that are neither letters nor digits. 0xa0 is white space to libinjection.
const OTHER_WORD: ByteSet = ByteSet::range(0x80, 0x9f).union(ByteSet::range(0xa1, 0xff)).with(b'_');

/// Signs and numbers are of other bytes.
const MEANINGFUL: ByteSet = LETTERS.union(ByteSet::of(b"'\"`()-*#&|@$"));

/// One word is of no others.
const WORD: ByteSet = LETTERS.union(DIGITS).union(OTHER_WORD);

/// Dotted names and addresses are of no others.
const DOTTED: ByteSet = WORD.with(b'.').with(b'@');

/// Whether a value, of whose bytes the set is `present`, is certainly no SQL injection.
pub(super) fn is_harmless(value: &[u8], present: ByteSet) -> bool {
    !present.intersects(MEANINGFUL)
        || !present.intersects(WORD.complement())
        || (!present.intersects(DOTTED.complement()) && !may_begin_number(value, present))
}

/// Whether a number may begin at the value's first byte or at a dot.
fn may_begin_number(value: &[u8], present: ByteSet) -> bool {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let dot_and_digit = |pair: &[u8]| pair[0] == b'.' && pair[1].is_ascii_digit();
    present.intersects(DIGITS) && (is_digit(value.first()) || value.windows(2).any(dot_and_digit))
}

#[cfg(test)]
mod tests {
    use super::super::keywords::KEYWORDS;
    use super::super::token::Kind;
    use super::super::{Fingerprint, detect_sqli, detect_ungated};
    use super::*;

    /// All fingerprints, in upper case.
    fn fingerprints() -> Vec<String> {
        let lines =
            include_str!("fingerprints.txt").lines().filter_map(|line| line.split_once(' '));
        let all: Vec<_> = lines
            .flat_map(|(beginning, last)| {
                last.chars().map(move |last| format!("{beginning}{last}"))
            })
            .collect();
        assert_eq!(all.len(), 8367);
        all
    }

    fn gated(value: &str) -> bool {
        is_harmless(value.as_bytes(), ByteSet::present(value.as_bytes()))
    }

    fn ungated(value: &[u8]) -> Option<Fingerprint> {
        detect_ungated(value, ByteSet::present(value))
    }

    #[test]
    fn what_is_gated() {
        for value in ["", "12.50", "10:30", "1,000", "user_name", "7", "1or", "Z\u{fc}rich", "a.b"]
        {
            assert!(gated(value), "{value}");
        }
        for value in ["user.name_2", "ann.example@example.com", "www.example.com", "1 + 1 = 2"] {
            assert!(gated(value), "{value}");
        }
        for value in ["1or.5", "a.5", "a b", "1--", "a'b", "1/*", "$1", "1||1", "x#", "a-b", "f(x)"]
        {
            assert!(!gated(value), "{value}");
        }
    }

    /// No letters: all that the tokenizer can still look up is an operator.
    #[test]
    fn signs_and_numbers_have_no_fingerprint() {
        for keyword in KEYWORDS.iter() {
            let is_sign = !ByteSet::present(keyword.text.as_bytes()).intersects(MEANINGFUL);
            assert!(!is_sign || keyword.kind == Some(Kind::Operator), "{keyword:?}");
        }
        for fingerprint in fingerprints() {
            assert!(
                !fingerprint.bytes().all(|letter| b"N1O,:;".contains(&letter)),
                "{fingerprint}"
            );
        }
    }

    /// Before the word may stand every kind of number that the next letter does not go on.
    #[test]
    fn one_word_has_no_fingerprint() {
        let is_row = |fingerprint: &String| {
            fingerprint[..fingerprint.len() - 1].bytes().all(|letter| b"1N".contains(&letter))
        };
        let rows: Vec<_> = fingerprints().into_iter().filter(is_row).collect();
        // `X` and `C` are of comments, and `1U` alone is harmless.
        assert_eq!(rows, ["X", "1C", "1U", "NC"].map(str::to_owned));

        let numbers = [
            "", "1", "1e", "1e5", "1d", "1f", "0x", "0x1", "0b", "0b1", "0b2", "0b2e", "0b2e5",
            "0b2f", "0b12", "0b12e", "0b12e5", "0b12f",
        ];
        let mut tried = 0;
        for keyword in KEYWORDS.iter() {
            for value in numbers.map(|number| format!("{number}{}", keyword.text)) {
                if gated(&value) {
                    assert_eq!(ungated(value.as_bytes()), None, "{value}");
                    tried += 1;
                }
            }
        }
        assert!(tried > 15_000, "{tried}");
    }

    /// What is left when dots are folded away is a word, or `E n`, and variables.
    #[test]
    fn dotted_names_have_no_fingerprint() {
        for fingerprint in fingerprints() {
            assert!(!fingerprint.contains('.'), "{fingerprint}");
            let row = fingerprint.trim_end_matches('V');
            let is_row = row.len() <= 1 || row == "EN";
            assert!(!is_row || fingerprint == "X", "{fingerprint}");
        }
    }

    /// Words of every kind, dots and variables in every order.
    #[test]
    fn no_dotted_name_is_an_attack() {
        let words = [
            "abc", "union", "select", "or", "not", "like", "in", "int", "limit", "sleep", "null",
            "exec", "user", "collate", "utf8_bin", "if", "current", "is", "by", "",
        ];
        let mut tried = 0;
        let mut value = String::new();
        for number in 0..words.len().pow(4) {
            value.clear();
            for place in 0..4 {
                value.push_str(words[number / words.len().pow(place) % words.len()]);
                value.push(if number % 7 == place as usize { '@' } else { '.' });
            }
            assert!(gated(&value), "{value}");
            assert_eq!(ungated(value.as_bytes()), None, "{value}");
            tried += 1;
        }
        assert_eq!(tried, 160_000);
    }

    /// Numbers behind dots are why the gate looks at the bytes.
    #[test]
    fn what_the_gate_must_not_answer() {
        let attack = b"1or.5or.5";
        assert!(detect_sqli(attack).is_some());
    }
}
