//! Texts between quotes, and what may stand before a quote.

use super::numbers::{BINARY, HEX};
use super::token::{Kind, Token};
use super::tokenizer::Tokenizer;
use crate::bytes::ByteSet;
use crate::operator::search;

impl<'v> Tokenizer<'v> {
    /// The text up to the quote that is taken to stand before the value.
    pub(super) fn quoted_before(&mut self, quote: u8) -> Token<'v> {
        Token { open: 0, ..self.string(0, quote) }
    }

    /// The text that begins `skip` bytes ahead, up to a quote that is neither escaped nor doubled.
    pub(super) fn string(&mut self, skip: usize, quote: u8) -> Token<'v> {
        let text = self.rest().get(skip..).unwrap_or_default();
        let end = string_end(text, quote);
        self.string_token(text, end, (quote, quote), skip)
    }

    /// The token of a text that ends at `end` and closes with as many bytes as one quote has, or
    /// with the value.
    fn string_token(
        &mut self,
        text: &'v [u8],
        end: Option<usize>,
        (open, close): (u8, u8),
        skip: usize,
    ) -> Token<'v> {
        self.at += skip + end.map_or(text.len(), |end| end + 1);
        match end {
            Some(end) => Token::quoted(Kind::String, &text[..end], open, close),
            None => Token::quoted(Kind::String, text, open, 0),
        }
    }

    /// What begins with a letter and a quote; `None`: an ordinary word.
    pub(super) fn prefixed(&mut self, letter: u8) -> Option<Token<'v>> {
        self.peek(2)?;
        let is_quoted = self.peek(1) == Some(b'\'');
        match letter.to_ascii_lowercase() {
            b'b' if is_quoted => self.digits(BINARY),
            b'x' if is_quoted => self.digits(HEX),
            b'e' | b'n' if is_quoted => Some(self.string(2, b'\'')),
            b'n' => self.oracle(1),
            b'q' => self.oracle(0),
            b'u' => self.unicode(),
            _ => None,
        }
    }

    /// `b'0101'` and `x'1f'`.
    fn digits(&mut self, set: ByteSet) -> Option<Token<'v>> {
        let end = 2 + search::span(self.rest().get(2..)?, |byte| set.contains(byte));
        (self.peek(end)? == b'\'').then(|| self.take(Kind::Number, end + 1))
    }

    /// `u&'text'`
    fn unicode(&mut self) -> Option<Token<'v>> {
        if !self.rest().get(1..)?.starts_with(b"&'") {
            return None;
        }
        let token = self.string(3, b'\'');
        let close = if token.close == b'\'' { b'u' } else { token.close };
        Some(Token { open: b'u', close, ..token })
    }

    /// Oracle's `q'(text)'`, whose `q` stands `ahead`. Beyond ASCII libinjection's characters are
    /// negative, and so are no delimiters.
    fn oracle(&mut self, ahead: usize) -> Option<Token<'v>> {
        let rest = self.rest().get(ahead..)?;
        let &[b'q' | b'Q', b'\'', delimiter @ 33..128, ..] = rest else { return None };
        let close = match delimiter {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            b'<' => b'>',
            other => other,
        };
        let text = &rest[3..];
        let end = search::text(text, &[close, b'\'']);
        let token = self.string_token(text, end, (b'q', b'q'), ahead + 3);
        self.at += usize::from(end.is_some());
        Some(token)
    }

    /// PostgreSQL's `$$text$$` and `$tag$text$tag$`, whose tag with its signs is `tag` bytes long.
    pub(super) fn dollar_quoted(&mut self, tag: usize) -> Token<'v> {
        let (tag, text) = self.rest().split_at(tag);
        let end = search::text(text, tag);
        let token = self.string_token(text, end, (b'$', b'$'), tag.len());
        self.at += end.map_or(0, |_| tag.len() - 1);
        token
    }
}

/// Where a text ends: at a quote before which stands an even number of backslashes, and behind
/// which stands no second one.
fn string_end(text: &[u8], quote: u8) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + search::byte(text.get(from..)?, quote)?;
        from = if search::trailing(&text[..at], b'\\') % 2 == 1 {
            at + 1
        } else if text.get(at + 1) == Some(&quote) {
            at + 2
        } else {
            return Some(at);
        };
    }
}
