//! Is a value nothing but words that mean nothing in SQL, and numbers? Then libinjection need not
//! read it.
//!
//! To libinjection such a value is names (`n`), numbers (`1`), dots and commas, and no fingerprint
//! of an attack is made of these alone. A word means something when it begins an entry of its table
//! that is not a plain name: `ORDER` does, for `ORDER BY`.

use std::sync::LazyLock;

use libinjectionrs::sqli::sqli_data::SQL_KEYWORDS;

/// Whether a value is words without a meaning, numbers, dots, commas and blanks.
pub(super) fn is_plain(value: &[u8]) -> bool {
    let is_separator = |&byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'.' | b',');
    value.split(is_separator).all(|word| match word.first() {
        None => true,
        // `1or` is a number and a word.
        Some(b'0'..=b'9') => word.iter().all(u8::is_ascii_digit),
        Some(_) => is_word(word) && !KEYWORDS.may_have(word),
    })
}

fn is_word(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The words that mean something, in any case: one bit for each hash. A word that shares the bit of
/// one is read by libinjection like these.
struct Words([u64; BITS / 64]);

/// Of about a thousand words, one in thirty others shares a bit.
const BITS: usize = 1 << 15;

static KEYWORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = Words([0; BITS / 64]);
    for keyword in SQL_KEYWORDS.iter().filter(|keyword| keyword.token_type != b'F') {
        let first = keyword.word.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        let means_nothing = matches!(keyword.token_type, b'n' | b'1');
        if let Some(first) = first.filter(|first| !means_nothing || *first != keyword.word) {
            words.insert(first.as_bytes());
        }
    }
    words
});

impl Words {
    fn insert(&mut self, word: &[u8]) {
        let bit = place(word);
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    fn may_have(&self, word: &[u8]) -> bool {
        let bit = place(word);
        self.0[bit / 64] & (1 << (bit % 64)) != 0
    }
}

/// FNV-1a of the word in upper case.
fn place(word: &[u8]) -> usize {
    let step = |hash: u32, byte: &u8| {
        (hash ^ u32::from(byte.to_ascii_uppercase())).wrapping_mul(0x0100_0193)
    };
    let hash = word.iter().fold(0x811c_9dc5, step);
    (hash ^ (hash >> 15)) as usize % BITS
}

#[cfg(test)]
mod tests {
    use libinjectionrs::sqli::{SqliFlags, SqliState};

    use super::*;

    fn is_sqli(value: &[u8]) -> bool {
        SqliState::new(value, SqliFlags::FLAG_NONE).detect()
    }

    #[test]
    fn what_means_something_is_not_plain() {
        for value in [
            &b"1 or 1"[..],
            b"a UNION b",
            b"x.select",
            b"1or",
            b"a-b",
            b"it's",
            b"order by",
            b"0x1f",
            b"a;b",
            b"\xa0a",
            b"a(b)",
            b"sleep 5",
            b"exec x",
        ] {
            assert!(!is_plain(value), "{}", value.escape_ascii());
        }
        for value in [&b""[..], b"12.50", b"Ann Example", b"a.b, c", b"red shoes", b"10 000"] {
            assert!(is_plain(value), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn no_fingerprint_is_made_of_names_numbers_dots_and_commas() {
        let fingerprints = SQL_KEYWORDS.iter().filter(|keyword| keyword.token_type == b'F');
        let mut count = 0;
        for fingerprint in fingerprints {
            count += 1;
            let plain = |byte: u8| matches!(byte, b'N' | b'1' | b'.' | b',');
            let tokens = fingerprint.word.bytes().skip(1);
            assert!(!tokens.clone().all(plain), "{}", fingerprint.word);
        }
        assert!(count > 8_000, "the fingerprints are gone: {count}");
    }

    /// Every word of the table that is let through, and some others, in every order of a few.
    #[test]
    fn libinjection_finds_nothing_in_what_is_plain() {
        let plain = |word: &&str| is_plain(word.as_bytes());
        let words: Vec<&str> =
            SQL_KEYWORDS.iter().map(|keyword| keyword.word).filter(plain).collect();
        let others =
            ["a", "x1", "_", "7", "12.5", "true", ".", ",", "..5", "b.c", "shoes", "1.2.3"];
        assert!(words.len() > 20, "{words:?}");
        let pool: Vec<&str> = words.into_iter().chain(others.repeat(8)).collect();
        let mut state = 1_u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % bound
        };
        for _ in 0..50_000 {
            let mut value = String::new();
            for _ in 0..=below(7) {
                value.push_str(pool[below(pool.len())]);
                value.push_str([" ", ",", ".", " \n", ""][below(5)]);
            }
            if is_plain(value.as_bytes()) {
                assert!(!is_sqli(value.as_bytes()), "{value:?}");
            }
        }
    }
}
