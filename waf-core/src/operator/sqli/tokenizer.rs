//! SQL text to tokens: what a byte begins, and the tokens of a few bytes.
//!
//! The tokenizer reads what MySQL, PostgreSQL, Oracle, SQL Server and SQLite read, all at once. No
//! byte is read more than a few times, however the tokens fall: a token's reader goes on at most one
//! byte, or the 31 of a word, into what the next one reads again.

use super::keywords::{KEYWORDS, Keywords};
use super::token::{Kind, TEXT, Token};
use crate::operator::search;

/// In which dialect and in what surroundings a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// The quote that is taken to stand before the value; 0: none.
    pub(super) quote: u8,
    /// MySQL: `#` begins a comment, and `--` only before white space.
    pub(super) mysql: bool,
}

/// The tokens of a value, one after the other.
pub(super) struct Tokenizer<'v> {
    pub(super) value: &'v [u8],
    /// The byte that comes next.
    pub(super) at: usize,
    context: Context,
    pub(super) keywords: &'static Keywords,
    /// Tokens so far.
    pub(super) count: usize,
    /// Whether MySQL would have read something else.
    pub(super) mysql_differs: bool,
}

/// What a byte begins.
#[derive(Clone, Copy)]
enum Start {
    White,
    Word,
    /// A letter that may stand before a quoted text: `b' e' n' q' u&' x'`.
    Prefix,
    Number,
    /// A token of its own, and of its own kind.
    Own(Kind),
    /// An operator of one or two characters.
    Operator,
    Quote,
    Tick,
    Dash,
    Slash,
    Hash,
    Dollar,
    At,
    Bracket,
    Backslash,
}

const STARTS: [Start; 256] = {
    let mut starts = [Start::White; 256];
    let mut byte = b'!' as usize;
    while byte < 256 {
        starts[byte] = start(byte as u8);
        byte += 1;
    }
    starts
};

const fn start(byte: u8) -> Start {
    match byte {
        b'0'..=b'9' | b'.' => Start::Number,
        b'b' | b'B' | b'e' | b'E' | b'n' | b'N' | b'q' | b'Q' | b'u' | b'U' | b'x' | b'X' => {
            Start::Prefix
        }
        0..=b' ' | 0x7f | 0xa0 => Start::White,
        b'%' | b'+' | b'^' | b'~' => Start::Own(Kind::Operator),
        b'!' | b'&' | b'*' | b':' | b'<' | b'=' | b'>' | b'|' => Start::Operator,
        b'?' | b']' => Start::Own(Kind::Unknown),
        b'(' => Start::Own(Kind::LeftParenthesis),
        b')' => Start::Own(Kind::RightParenthesis),
        b'{' => Start::Own(Kind::LeftBrace),
        b'}' => Start::Own(Kind::RightBrace),
        b',' => Start::Own(Kind::Comma),
        b';' => Start::Own(Kind::Semicolon),
        b'\'' | b'"' => Start::Quote,
        b'`' => Start::Tick,
        b'-' => Start::Dash,
        b'/' => Start::Slash,
        b'#' => Start::Hash,
        b'$' => Start::Dollar,
        b'@' => Start::At,
        b'[' => Start::Bracket,
        b'\\' => Start::Backslash,
        _ => Start::Word,
    }
}

impl<'v> Tokenizer<'v> {
    pub(super) fn new(value: &'v [u8], context: Context) -> Self {
        let keywords = &KEYWORDS;
        Self { value, at: 0, context, keywords, count: 0, mysql_differs: false }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Option<Token<'v>> {
        if self.context.quote != 0 {
            self.count = 1;
            let quote = std::mem::take(&mut self.context.quote);
            return Some(self.quoted_before(quote));
        }
        loop {
            search::count(TEXT);
            let byte = *self.value.get(self.at)?;
            let start = STARTS[usize::from(byte)];
            if !matches!(start, Start::White) {
                self.count += 1;
                return Some(self.token(start, byte));
            }
            self.at += 1;
        }
    }

    fn token(&mut self, start: Start, byte: u8) -> Token<'v> {
        match start {
            Start::White | Start::Word => self.word(),
            Start::Prefix => self.prefixed(byte).unwrap_or_else(|| self.word()),
            Start::Number => self.number(byte),
            Start::Own(kind) => self.take(kind, 1),
            Start::Operator => self.operator(byte),
            Start::Quote => self.string(1, byte),
            Start::Tick => self.tick(),
            Start::Dash => self.dash(),
            Start::Slash => self.slash(),
            Start::Hash => self.hash(),
            Start::Dollar => self.dollar(),
            Start::At => self.variable(),
            Start::Bracket => self.bracketed(),
            Start::Backslash => self.backslash(),
        }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'v [u8] {
        self.value.get(self.at..).unwrap_or_default()
    }

    /// The byte `ahead` of the next one.
    pub(super) fn peek(&self, ahead: usize) -> Option<u8> {
        self.value.get(self.at + ahead).copied()
    }

    /// The next `length` bytes, or what is left of them, as a token.
    pub(super) fn take(&mut self, kind: Kind, length: usize) -> Token<'v> {
        let rest = self.rest();
        let length = length.min(rest.len());
        self.at += length;
        Token::new(kind, &rest[..length])
    }

    /// `<=> := && ||` and others that are in the table; else one character.
    fn operator(&mut self, byte: u8) -> Token<'v> {
        if self.rest().starts_with(b"<=>") {
            return self.take(Kind::Operator, 3);
        }
        if self.peek(1).is_some()
            && let Some(kind) =
                self.keywords.find(self.value, self.at, 2).and_then(|word| word.kind)
        {
            return self.take(kind, 2);
        }
        let is_colon = byte == b':' && self.peek(1).is_some();
        self.take(if is_colon { Kind::Colon } else { Kind::Operator }, 1)
    }

    /// `\N` is `NULL` in MySQL.
    fn backslash(&mut self) -> Token<'v> {
        match self.peek(1) {
            Some(b'N') => self.take(Kind::Number, 2),
            _ => self.take(Kind::Backslash, 1),
        }
    }

    /// `--` before white space or the end is a comment everywhere, and else not in MySQL.
    fn dash(&mut self) -> Token<'v> {
        match (self.peek(1), self.peek(2)) {
            (Some(b'-'), None) => self.comment_to_line_end(),
            (Some(b'-'), Some(next)) if is_white(next) => self.comment_to_line_end(),
            (Some(b'-'), Some(_)) if !self.context.mysql => {
                self.mysql_differs = true;
                self.comment_to_line_end()
            }
            _ => self.take(Kind::Operator, 1),
        }
    }

    fn hash(&mut self) -> Token<'v> {
        self.mysql_differs = true;
        if self.context.mysql {
            return self.comment_to_line_end();
        }
        self.take(Kind::Operator, 1)
    }

    fn comment_to_line_end(&mut self) -> Token<'v> {
        let rest = self.rest();
        let length = search::byte(rest, b'\n').unwrap_or(rest.len());
        let token = self.take(Kind::Comment, length);
        self.at += 1;
        token
    }

    /// Comments in comments are PostgreSQL's, and `/*!` is code to MySQL: both are evil.
    fn slash(&mut self) -> Token<'v> {
        let rest = self.rest();
        if self.peek(1) != Some(b'*') {
            return self.take(Kind::Operator, 1);
        }
        let end = search::text(&rest[2..], b"*/");
        // The nested one may share its last byte with the end: `/*/*/`.
        let nested = end.is_some_and(|end| search::text(&rest[2..end + 3], b"/*").is_some());
        let is_evil = nested || self.peek(2) == Some(b'!');
        let kind = if is_evil { Kind::Evil } else { Kind::Comment };
        self.take(kind, end.map_or(rest.len(), |end| end + 4))
    }
}

/// White space between tokens, as a comment's beginning has it.
pub(super) fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0xa0 | 0)
}
