//! The text of a pattern, as `seclang::pcre` writes it, to its parts.
//!
//! That text is plain: classes name bytes and ranges only, flags are `i` only, and everything that
//! is special stands behind a backslash.

use super::BacktrackError;
use super::program::{Node, Parsed, Place};
use crate::bytes::ByteSet;

/// Nesting of groups. Patterns in use have about ten; the parser calls itself for each.
const DEPTH: usize = 100;

pub(super) fn parse(text: &[u8]) -> Result<Parsed, BacktrackError> {
    let mut parser = Parser { rest: text, ignore_case: false, groups: 0, depth: 0 };
    let node = parser.alternation()?;
    if !parser.rest.is_empty() {
        return Err(BacktrackError("a group is closed that is not open"));
    }
    Ok(Parsed { node, groups: parser.groups })
}

struct Parser<'a> {
    rest: &'a [u8],
    ignore_case: bool,
    groups: usize,
    depth: usize,
}

impl Parser<'_> {
    /// Up to the end, or the `)` of the group.
    fn alternation(&mut self) -> Result<Node, BacktrackError> {
        let mut branches = Vec::new();
        let mut parts = Vec::new();
        while let Some(&byte) = self.rest.first() {
            match byte {
                b')' => break,
                b'|' => {
                    self.next();
                    branches.push(Node::Concat(std::mem::take(&mut parts)));
                }
                b'*' | b'+' | b'?' | b'{' => {
                    let repeated = parts.pop().ok_or(BacktrackError("nothing to repeat"))?;
                    parts.push(self.repeat(repeated)?);
                }
                _ => parts.extend(self.item()?),
            }
        }
        branches.push(Node::Concat(parts));
        if branches.len() > 1 {
            return Ok(Node::Alternation(branches));
        }
        Ok(branches.pop().unwrap_or(Node::Concat(Vec::new())))
    }

    /// What a quantifier may follow; `None` for flags.
    fn item(&mut self) -> Result<Option<Node>, BacktrackError> {
        let node = match self.next() {
            Some(b'(') => return self.group(),
            Some(b'[') => Node::Set(self.class()?),
            Some(b'.') => Node::Set(ByteSet::ALL),
            Some(b'^') => Node::Place(Place::Start),
            Some(b'$') => Node::Place(Place::End),
            Some(b'\\') => self.escape()?,
            Some(byte) => Node::Set(self.with_case(ByteSet::EMPTY.with(byte))),
            None => return Ok(None),
        };
        Ok(Some(node))
    }

    /// Behind `(`.
    fn group(&mut self) -> Result<Option<Node>, BacktrackError> {
        if self.eat(b"?m:$)") {
            return Ok(Some(Node::Place(Place::LineEnd)));
        }
        for (text, ignore_case) in [(&b"?i)"[..], true), (b"?-i)", false)] {
            if self.eat(text) {
                self.ignore_case = ignore_case;
                return Ok(None);
            }
        }
        let outside = self.ignore_case;
        let wrap = self.wrapper()?;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(BacktrackError("groups are nested too deeply"));
        }
        let inner = Box::new(self.alternation()?);
        self.depth -= 1;
        self.ignore_case = outside;
        if !self.eat(b")") {
            return Err(BacktrackError("a group is not closed"));
        }
        Ok(Some(match wrap {
            Wrapper::Group(number) => Node::Group { number, inner },
            Wrapper::Atomic => Node::Atomic(inner),
            Wrapper::Around { behind, negated } => Node::Around { behind, negated, inner },
        }))
    }

    /// What kind of group begins, and the flags in it.
    fn wrapper(&mut self) -> Result<Wrapper, BacktrackError> {
        let around = |behind, negated| Ok(Wrapper::Around { behind, negated });
        if !self.eat(b"?") {
            self.groups += 1;
            return Ok(Wrapper::Group(self.groups));
        }
        if self.eat(b"<=") {
            return around(true, false);
        }
        if self.eat(b"<!") {
            return around(true, true);
        }
        match self.next() {
            Some(b'=') => around(false, false),
            Some(b'!') => around(false, true),
            Some(b'>') => Ok(Wrapper::Atomic),
            Some(b':') => Ok(Wrapper::Group(0)),
            Some(b'i') if self.eat(b":") => {
                self.ignore_case = true;
                Ok(Wrapper::Group(0))
            }
            Some(b'-') if self.eat(b"i:") => {
                self.ignore_case = false;
                Ok(Wrapper::Group(0))
            }
            _ => Err(BacktrackError("a kind of group that is not known")),
        }
    }

    fn repeat(&mut self, inner: Node) -> Result<Node, BacktrackError> {
        let (least, most) = match self.next() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            _ => self.counts()?,
        };
        let greedy = !self.eat(b"?");
        Ok(Node::Repeat { least, most, greedy, inner: Box::new(inner) })
    }

    /// Behind `{`.
    fn counts(&mut self) -> Result<(u32, Option<u32>), BacktrackError> {
        let wrong = BacktrackError("a repeat without its counts");
        let least = self.number().ok_or(wrong.clone())?;
        let most = if self.eat(b",") { self.number() } else { Some(least) };
        if self.eat(b"}") { Ok((least, most)) } else { Err(wrong) }
    }

    fn number(&mut self) -> Option<u32> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Behind a backslash, outside classes.
    fn escape(&mut self) -> Result<Node, BacktrackError> {
        Ok(match self.rest.first() {
            Some(b'b') => self.place(Place::WordBoundary),
            Some(b'B') => self.place(Place::NoWordBoundary),
            Some(b'A') => self.place(Place::Start),
            Some(b'z') => self.place(Place::End),
            Some(b'K') => {
                self.next();
                Node::Keep
            }
            Some(b'1'..=b'9') => {
                let group = self.number().ok_or(BacktrackError("no such group"))?;
                Node::Reference { group: group as usize, ignore_case: self.ignore_case }
            }
            _ => {
                let byte = self.byte()?;
                Node::Set(self.with_case(ByteSet::EMPTY.with(byte)))
            }
        })
    }

    fn place(&mut self, place: Place) -> Node {
        self.next();
        Node::Place(place)
    }

    /// A byte behind a backslash.
    fn byte(&mut self) -> Result<u8, BacktrackError> {
        let wrong = || BacktrackError("an escape that is not known");
        match self.next().ok_or_else(wrong)? {
            b'x' => {
                let digits = self.rest.get(..2).ok_or_else(wrong)?;
                self.rest = self.rest.get(2..).unwrap_or_default();
                let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
                u8::from_str_radix(digits, 16).map_err(|_| wrong())
            }
            b'n' => Ok(b'\n'),
            b'r' => Ok(b'\r'),
            byte if byte.is_ascii_punctuation() => Ok(byte),
            _ => Err(wrong()),
        }
    }

    /// Behind `[`.
    fn class(&mut self) -> Result<ByteSet, BacktrackError> {
        let open = BacktrackError("a class is not closed");
        let negated = self.eat(b"^");
        let mut set = ByteSet::EMPTY;
        while !self.eat(b"]") {
            let first = self.member()?.ok_or(open.clone())?;
            let last = if self.eat(b"-") { self.member()?.ok_or(open.clone())? } else { first };
            set = set.union(ByteSet::range(first, last));
        }
        let set = self.with_case(set);
        Ok(if negated { set.complement() } else { set })
    }

    fn member(&mut self) -> Result<Option<u8>, BacktrackError> {
        match self.next() {
            Some(b'\\') => self.byte().map(Some),
            byte => Ok(byte),
        }
    }

    /// The set, with the other case of its letters where case is ignored.
    fn with_case(&self, set: ByteSet) -> ByteSet {
        if !self.ignore_case {
            return set;
        }
        set.iter().filter(u8::is_ascii_alphabetic).fold(set, |set, byte| set.with(byte ^ 0x20))
    }

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn eat(&mut self, text: &[u8]) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

enum Wrapper {
    Group(usize),
    Atomic,
    Around { behind: bool, negated: bool },
}
