//! Numbers, prices and variables.

use super::token::{Kind, Token};
use super::tokenizer::{Tokenizer, is_white};
use crate::bytes::ByteSet;
use crate::operator::search;

// libinjection's spans take NUL for a member of every set.
pub(super) const BINARY: ByteSet = ByteSet::of(b"01\0");
pub(super) const HEX: ByteSet = ByteSet::of(b"0123456789abcdefABCDEF\0");
const PRICE: ByteSet = ByteSet::of(b"0123456789.,\0");
const LETTERS: ByteSet = ByteSet::range(b'a', b'z').union(ByteSet::range(b'A', b'Z')).with(0);

/// What ends the name of a variable.
const VARIABLE_ENDS: ByteSet = ByteSet::of(b" <>:\\?=@!#~+-*/&|^%(),';\t\n\x0b\x0c\r`\"\0");

impl<'v> Tokenizer<'v> {
    /// `12`, `.5`, `0x1f`, `0b01`, `1e5`, Oracle's `1.5f`; and a lone `.`.
    pub(super) fn number(&mut self, byte: u8) -> Token<'v> {
        if byte == b'0'
            && let Some(token) = self.in_other_base()
        {
            return token;
        }
        let rest = self.rest();
        let mut end = digits(rest, 0);
        if rest.get(end) == Some(&b'.') {
            end = digits(rest, end + 1);
            if end == 1 {
                return self.take(Kind::Dot, 1);
            }
        }
        let (end, kind) = exponent(rest, end);
        self.take(kind, end + suffix(rest.get(end..).unwrap_or_default()))
    }

    /// `0x` and `0b`; without digits they are words.
    fn in_other_base(&mut self) -> Option<Token<'v>> {
        let set = match self.peek(1)? {
            b'x' | b'X' => HEX,
            b'b' | b'B' => BINARY,
            _ => return None,
        };
        let digits = search::span(&self.rest()[2..], |byte| set.contains(byte));
        let kind = if digits == 0 { Kind::Bareword } else { Kind::Number };
        Some(self.take(kind, 2 + digits))
    }

    /// `$1,000.00`, PostgreSQL's `$$text$$` and `$tag$text$tag$`; else `$` is a name.
    pub(super) fn dollar(&mut self) -> Token<'v> {
        let behind = &self.rest()[1..];
        let price = search::span(behind, |byte| PRICE.contains(byte));
        if price == 1 && behind[0] == b'.' {
            return self.word();
        }
        if price > 0 {
            return self.take(Kind::Number, 1 + price);
        }
        let tag = search::span(behind, |byte| LETTERS.contains(byte));
        if behind.get(tag) == Some(&b'$') {
            return self.dollar_quoted(tag + 2);
        }
        self.take(Kind::Bareword, 1)
    }

    /// `@name` and `@@name`, which may be quoted.
    pub(super) fn variable(&mut self) -> Token<'v> {
        self.at += if self.peek(1) == Some(b'@') { 2 } else { 1 };
        match self.peek(0) {
            Some(b'`') => Token { kind: Kind::Variable, ..self.tick() },
            Some(quote @ (b'\'' | b'"')) => Token { kind: Kind::Variable, ..self.string(1, quote) },
            _ => {
                let length = search::span(self.rest(), |byte| !VARIABLE_ENDS.contains(byte));
                self.take(Kind::Variable, length)
            }
        }
    }
}

/// Behind the digits that stand from `at` on.
fn digits(text: &[u8], at: usize) -> usize {
    at + search::span(text.get(at..).unwrap_or_default(), |byte| byte.is_ascii_digit())
}

/// Behind the exponent that may stand at `at`, and what it makes of the number: one without digits
/// makes it a word.
fn exponent(text: &[u8], at: usize) -> (usize, Kind) {
    if !matches!(text.get(at), Some(b'e' | b'E')) {
        return (at, Kind::Number);
    }
    let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
    let end = digits(text, at + 1 + sign);
    (end, if end > at + 1 + sign { Kind::Number } else { Kind::Bareword })
}

/// The length of Oracle's suffix for floats, which stands before white space, `;`, the end, or the
/// `U` of `UNION`.
fn suffix(rest: &[u8]) -> usize {
    let is_suffix = match rest {
        [b'd' | b'D' | b'f' | b'F'] => true,
        [b'd' | b'D' | b'f' | b'F', next, ..] => {
            is_white(*next) || matches!(next, b';' | b'u' | b'U')
        }
        _ => false,
    };
    usize::from(is_suffix)
}
