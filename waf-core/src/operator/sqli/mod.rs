//! `detect_sqli`: SQL injection by the kinds of a value's first tokens.
//!
//! This is libinjection 3.9.2 (Nick Galbreath and contributors) written anew: the same tokens, the
//! same folds, the same table of fingerprints, so the same answers. A value is read as it stands,
//! and as if a quote stood before it.
//!
//! ```text
//! value -> tokenizer (words, strings, numbers) -> fold -> a row of at most five -> fingerprints
//! ```
//!
//! Nothing is allocated, and the time is linear in the value.

mod fingerprints;
mod fold;
mod gate;
mod keywords;
mod numbers;
mod strings;
mod token;
mod tokenizer;
mod verdict;
mod words;

use std::fmt;

use fingerprints::LENGTH;
use fold::{ROOM, fold};
use token::{Kind, Token};
use tokenizer::{Context, Tokenizer};
use verdict::Reading;

use crate::bytes::ByteSet;

/// The kinds of the tokens of an attack, such as `s&sos`: what `TX.0` holds after `@detectSQLi`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    letters: [u8; LENGTH],
    length: u8,
}

impl Fingerprint {
    fn of(tokens: &[Token<'_>]) -> Self {
        let mut letters = [0; LENGTH];
        for (letter, token) in letters.iter_mut().zip(tokens) {
            *letter = token.kind.letter();
        }
        Self { letters, length: tokens.len().min(LENGTH) as u8 }
    }

    /// Its letters: one to five, ASCII.
    pub fn as_str(&self) -> &str {
        let letters = self.letters.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(letters).unwrap_or_default()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The fingerprint of the SQL injection in `value`, if libinjection sees one.
pub fn detect_sqli(value: &[u8]) -> Option<Fingerprint> {
    detect_sqli_with(value, ByteSet::present(value))
}

/// [`detect_sqli`] of a value whose bytes are known to be those `present`.
pub(crate) fn detect_sqli_with(value: &[u8], present: ByteSet) -> Option<Fingerprint> {
    if !may_be_sqli(value, present) {
        return None;
    }
    detect_ungated(value, present)
}

/// Whether a look at the bytes of a value, which are those `present`, leaves it open if it is one.
pub(crate) fn may_be_sqli(value: &[u8], present: ByteSet) -> bool {
    !gate::is_harmless(value, present)
}

fn detect_ungated(value: &[u8], present: ByteSet) -> Option<Fingerprint> {
    let after = |quote| present.contains(quote).then_some(quote);
    read_either(value, 0)
        .or_else(|| after(b'\'').and_then(|quote| read_either(value, quote)))
        .or_else(|| after(b'"').and_then(|quote| read(value, quote, true).found))
}

/// Reads a value as standard SQL, and as MySQL's where that makes a difference.
fn read_either(value: &[u8], quote: u8) -> Option<Fingerprint> {
    let standard = read(value, quote, false);
    if standard.found.is_none() && standard.mysql_differs {
        return read(value, quote, true).found;
    }
    standard.found
}

struct Answer {
    found: Option<Fingerprint>,
    mysql_differs: bool,
}

fn read(value: &[u8], quote: u8, mysql: bool) -> Answer {
    let mut tokenizer = Tokenizer::new(value, Context { quote, mysql });
    let mut tokens = [Token::NONE; ROOM];
    let length = fold(&mut tokenizer, &mut tokens);
    let tokens = &mut tokens[..length];
    comment_out(tokens);
    let tokens = match tokens.iter().find(|token| token.kind == Kind::Evil) {
        Some(evil) => std::slice::from_ref(evil),
        None => tokens,
    };
    let is_attack = Reading { value, tokens, count: tokenizer.count }.is_attack();
    Answer {
        found: is_attack.then(|| Fingerprint::of(tokens)),
        mysql_differs: tokenizer.mysql_differs,
    }
}

/// An open backquote with nothing behind it is a comment to PHP.
fn comment_out(tokens: &mut [Token<'_>]) {
    if let [_, _, .., last] = tokens
        && last.kind == Kind::Bareword
        && last.open == b'`'
        && last.close == 0
        && last.text.is_empty()
    {
        last.kind = Kind::Comment;
    }
}
