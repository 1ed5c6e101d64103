//! `detect_sqli` and `detect_xss`: libinjection on a whole value.
//!
//! The gates in front answer for values that cannot match, as most cannot; each says why. The
//! caller gives no more than `field_window` bytes; what is beyond [`INJECTION_WINDOW`] is not
//! looked at.

use std::borrow::Cow;

use libinjectionrs::sqli::{SqliFlags, SqliState};

use super::plain_words::is_plain;
use crate::bytes::ByteSet;
use crate::limits::INJECTION_WINDOW;

/// The kinds of the first tokens, such as `s&sos`: what `TX.0` holds after `detectSQLi`.
pub type SqliFingerprint = String;

/// The fingerprint of the SQL injection that libinjection sees in `value`.
pub fn detect_sqli(value: &[u8]) -> Option<SqliFingerprint> {
    if is_one_word(value) || is_plain(value) {
        return None;
    }
    let value = without_costly_words(window(value));
    let mut state = SqliState::new(&value, SqliFlags::FLAG_NONE);
    state.detect().then(|| state.fingerprint_string())
}

/// Whether libinjection sees cross-site scripting in `value`.
pub fn detect_xss(value: &[u8]) -> bool {
    opens_markup(value) && libinjectionrs::detect_xss(window(value)).is_injection()
}

fn window(value: &[u8]) -> &[u8] {
    value.get(..INJECTION_WINDOW).unwrap_or(value)
}

/// A value of ASCII letters, digits and `_` is no SQL injection.
///
/// A word ends only with the value. Before it may stand a number, or `0x`, `0b` or `1e` without
/// digits, and one such more after `0b`. The tests try every such beginning with every keyword: no
/// hit.
fn is_one_word(value: &[u8]) -> bool {
    value.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A value without `<` and `=` is no cross-site scripting.
///
/// In each of the five contexts it is read in: tags, comments and doctypes begin at `<` only; an
/// attribute's value counts only after a bad name, and names get values by `=` only.
fn opens_markup(value: &[u8]) -> bool {
    value.iter().any(|byte| matches!(byte, b'<' | b'='))
}

/// Bytes at which the tokenizer looks up the word before them.
const LOOKUPS: &[u8] = b".`";

/// Bytes that end a word, as the tokenizer has them.
const WORD_ENDS: ByteSet = ByteSet::of(b" []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\x0b\x0c\r\"\xa0\0");

/// Bytes of a word before its lookups can cost too much.
const LONG_WORD: usize = 1024;

/// Lookups in a word before it is rewritten.
const MANY_LOOKUPS: usize = 64;

/// No keyword is longer, so no lookup behind it can find one.
const LONGEST_KEYWORD: usize = 64;

/// The value, with words of more than a kilobyte relieved of most of their dots and backquotes.
///
/// The port looks up all that stands before each of them, however long: the square of the word's
/// length, ten seconds for the longest value. C stops at the 31 bytes that it keeps of a word, so
/// beyond them another letter makes no difference. It makes one only where such a word is in truth
/// a chain of more than a kilobyte of quoted names.
fn without_costly_words(value: &[u8]) -> Cow<'_, [u8]> {
    let is_lookup = |byte: &u8| LOOKUPS.contains(byte);
    if value.len() < LONG_WORD || value.iter().filter(|byte| is_lookup(byte)).count() < MANY_LOOKUPS
    {
        return Cow::Borrowed(value);
    }
    let mut value = value.to_vec();
    for word in value.split_mut(|&byte| WORD_ENDS.contains(byte)) {
        let is_costly = word.len() >= LONG_WORD
            && word.iter().filter(|byte| is_lookup(byte)).count() >= MANY_LOOKUPS;
        if is_costly {
            word.iter_mut()
                .skip(LONGEST_KEYWORD)
                .filter(|byte| is_lookup(byte))
                .for_each(|byte| *byte = b'a');
        }
    }
    Cow::Owned(value)
}
