//! Words: names, keywords, and names in brackets and backquotes.

use super::keywords::Keyword;
use super::token::{Kind, TEXT, Token};
use super::tokenizer::Tokenizer;
use crate::operator::search;

/// What a byte is within a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Word,
    /// A keyword may end before it: `SELECT.1`, SELECT`a`.
    Cut,
    End,
}

const WITHIN: [Within; 256] = {
    let ends = b" []{}<>:\\?=@!#~+-*/&|^%(),';\t\n\x0b\x0c\r\"\xa0\0";
    let mut within = [Within::Word; 256];
    let mut at = 0;
    while at < ends.len() {
        within[ends[at] as usize] = Within::End;
        at += 1;
    }
    within[b'.' as usize] = Within::Cut;
    within[b'`' as usize] = Within::Cut;
    within
};

fn within(byte: u8) -> Within {
    WITHIN[usize::from(byte)]
}

impl<'v> Tokenizer<'v> {
    /// A word, or the keyword before the first `.` or backquote that has one before it.
    ///
    /// Cuts are looked for in the bytes that a token keeps only, and before the word's end is: a
    /// word that is cut again and again is not read again and again.
    pub(super) fn word(&mut self) -> Token<'v> {
        let rest = self.rest();
        let mut length = 0;
        for &byte in rest.iter().take(TEXT) {
            match within(byte) {
                Within::Word => {}
                Within::End => return self.whole_word(length),
                Within::Cut => {
                    let word = self.keywords.find(self.value, self.at, length);
                    if let Some(kind) = word.and_then(|word| word.kind)
                        && kind != Kind::Bareword
                    {
                        return self.take_word(length, word);
                    }
                }
            }
            length += 1;
        }
        if length < TEXT {
            return self.whole_word(length);
        }
        match search::span(rest, |byte| within(byte) != Within::End) {
            TEXT => self.whole_word(TEXT),
            length => self.take(Kind::Bareword, length),
        }
    }

    fn whole_word(&mut self, length: usize) -> Token<'v> {
        self.take_word(length, self.keywords.find(self.value, self.at, length))
    }

    fn take_word(&mut self, length: usize, word: Option<&Keyword>) -> Token<'v> {
        let kind = word.and_then(|word| word.kind).unwrap_or(Kind::Bareword);
        let begins_phrase = word.is_some_and(|word| word.begins_phrase);
        Token { begins_phrase, ..self.take(kind, length) }
    }

    /// MySQL's `` `name` ``, which may name a function.
    pub(super) fn tick(&mut self) -> Token<'v> {
        let token = self.string(1, b'`');
        let word = self.keywords.find(token.text, 0, token.text.len());
        let is_function = word.is_some_and(|word| word.kind == Some(Kind::Function));
        Token {
            kind: if is_function { Kind::Function } else { Kind::Bareword },
            begins_phrase: word.is_some_and(|word| word.begins_phrase),
            ..token
        }
    }

    /// SQL Server's `[name]`, which may hold anything.
    pub(super) fn bracketed(&mut self) -> Token<'v> {
        let rest = self.rest();
        let length = search::byte(rest, b']').map_or(rest.len(), |end| end + 1);
        self.take(Kind::Bareword, length)
    }
}
