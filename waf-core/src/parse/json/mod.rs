//! JSON (RFC 8259, strict), NDJSON and JSON text sequences (RFC 7464).
//!
//! Every key is a field in `ARGS_POST_NAMES`, every scalar one in `ARGS_POST`; both are named by
//! their path: `$.items[3].name`, `$['a.b']`. Strings and numbers stream. A key is kept up to
//! `limits.field_name` bytes, because the path needs it.
//!
//! What is not JSON is inspected all the same: from the first byte that cannot stand where it does,
//! the rest of the body is one raw field in `REQUEST_BODY`; a container nested too deeply is one
//! raw field in `ARGS_POST`.

mod keys;
mod number;
mod scalar;
mod structure;
mod text;

#[cfg(test)]
mod oracle;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // a test that meets the unexpected should stop
mod tests;

use self::keys::Keys;
use self::number::Number;
use self::text::Text;
use super::path::Path;
use super::tally::Tally;
use crate::field::FieldSink;
use crate::finding::Finding;
use crate::limits::Limits;

/// How texts follow each other in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// One text, its root is `$`.
    One,
    /// NDJSON: a text a line, blank lines skipped; the n-th root is `$[n]`.
    Lines,
    /// RFC 7464: each text after a record separator; the n-th root is `$[n]`.
    Sequence,
}

/// A parser of one body.
pub struct Json {
    texts: Texts,
    depth: usize,
    field_name: usize,
    /// Where the body begins and where the next byte stands.
    start: u64,
    offset: u64,
    state: State,
    frames: Vec<Frame>,
    /// Texts begun.
    count: u64,
    path: Path,
    key: Key,
    text: Text,
    keys: Keys,
    tally: Tally,
}

#[derive(Clone, Copy)]
enum State {
    /// So many bytes of a byte order mark were read.
    Mark(usize),
    /// Before a text.
    Start,
    /// After a record separator.
    Record,
    Value,
    /// After `[`.
    FirstItem,
    /// After `{`.
    FirstKey,
    Key,
    Colon,
    Text(Role),
    Number(Number),
    /// In `true`, `false` or `null`: so many bytes of it were read.
    Literal(&'static [u8], usize),
    Deep(Deep),
    /// After a number or literal that is a whole text of a sequence: a blank must show that it was
    /// not cut short (RFC 7464 section 2.4).
    Blank,
    /// After a value.
    Next,
    /// After something that is not JSON.
    Rest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Key,
    Value,
}

/// In a container nested too deeply: how many are open, and whether we are in a string.
#[derive(Clone, Copy)]
struct Deep {
    open: u64,
    string: bool,
    escape: bool,
}

/// An open container.
struct Frame {
    kind: Kind,
    /// Length of its path.
    path: usize,
    /// Mark of its first key.
    keys: usize,
}

enum Kind {
    Object,
    /// With the index of its next item.
    Array(u64),
}

/// The key being read.
#[derive(Default)]
struct Key {
    /// Its text, decoded: at most `limits.field_name` bytes.
    held: Vec<u8>,
    /// Where it begins.
    at: u64,
    /// Its field has begun: it is longer than may be kept.
    begun: bool,
}

/// The next byte cannot stand where it does.
struct Invalid;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const RECORD_SEPARATOR: u8 = 0x1E;

impl Json {
    /// A parser of a body that is one text.
    pub fn new(limits: &Limits) -> Self {
        Self::of(Texts::One, limits)
    }

    /// A parser of a body of this kind.
    pub fn of(texts: Texts, limits: &Limits) -> Self {
        let mut path = Path::new(limits.field_name);
        path.push(b"$");
        Self {
            texts,
            depth: limits.depth,
            field_name: limits.field_name,
            start: 0,
            offset: 0,
            state: State::Mark(0),
            frames: Vec::new(),
            count: 0,
            path,
            key: Key::default(),
            text: Text::default(),
            keys: Keys::default(),
            tally: Tally::new(limits),
        }
    }

    /// The same parser for a body whose first byte is at this offset.
    #[must_use]
    pub fn starting_at(mut self, offset: u64) -> Self {
        self.start = offset;
        self.offset = offset;
        self
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut dyn FieldSink) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.step(rest, sink) {
                Ok(used) => {
                    self.offset += used as u64;
                    rest = rest.get(used..).unwrap_or(&[]);
                }
                Err(Invalid) => {
                    let at = self.fail(self.offset + 1, sink);
                    self.begin_rest(at, sink);
                }
            }
        }
    }

    /// The body has ended.
    pub fn finish(&mut self, sink: &mut dyn FieldSink) {
        let complete = match self.state {
            State::Rest => return sink.end(self.offset),
            State::Mark(_) => self.offset == self.start,
            State::Start | State::Record => self.texts != Texts::One,
            State::Next => self.frames.is_empty(),
            State::Number(number) => {
                let root = self.frames.is_empty() && self.texts != Texts::Sequence;
                root && number.is_complete()
            }
            _ => false,
        };
        if !complete {
            self.fail(self.offset, sink);
        } else if matches!(self.state, State::Number(_)) {
            sink.end(self.offset);
        }
    }

    /// Takes some of `input`, which is not empty; none when only the state changes.
    fn step(&mut self, input: &[u8], sink: &mut dyn FieldSink) -> Result<usize, Invalid> {
        match self.state {
            State::Text(role) => self.in_text(role, input, sink),
            State::Number(number) => self.in_number(number, input, sink),
            State::Deep(deep) => Ok(self.in_deep(deep, input, sink)),
            State::Rest => {
                sink.bytes(input, self.offset);
                Ok(input.len())
            }
            _ => input.first().map_or(Ok(0), |&byte| self.structure(byte, sink)),
        }
    }

    /// Tells what is wrong and ends the open field; `known` is the end of what told us. Gives where
    /// the uninspected rest begins.
    fn fail(&mut self, known: u64, sink: &mut dyn FieldSink) -> u64 {
        let mut rest = self.offset;
        match self.state {
            State::Text(role) => {
                if role == Role::Key && !self.key.begun {
                    self.begin_key(self.offset, known, sink);
                }
                let pending = self.text.pending();
                if !pending.is_empty() {
                    sink.decoded(pending, known);
                }
                sink.end(known);
            }
            State::Literal(literal, read) => {
                let read = literal.get(..read).unwrap_or(literal);
                sink.decoded(read, known);
                sink.end(known);
            }
            State::Number(_) | State::Deep(_) => sink.end(known),
            State::Mark(read) => rest -= read as u64,
            _ => {}
        }
        self.tally.finding(Finding::ParseJson, self.offset, sink);
        rest
    }

    /// Begins the raw field, with bytes that were read but not emitted.
    fn begin_rest(&mut self, at: u64, sink: &mut dyn FieldSink) {
        Tally::begin_rest(at, sink);
        if let State::Mark(read @ 1..) = self.state {
            sink.decoded(BYTE_ORDER_MARK.get(..read).unwrap_or(&[]), self.offset + 1);
        }
        self.state = State::Rest;
    }
}
