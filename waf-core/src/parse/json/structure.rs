//! What stands between scalars: brackets, commas, blanks, and where a value begins.

use std::io::Write;

use super::number::Number;
use super::text::Text;
use super::{
    BYTE_ORDER_MARK, Deep, Frame, Invalid, Json, Kind, RECORD_SEPARATOR, Role, State, Texts,
};
use crate::field::{Collection, Field, FieldSink};
use crate::finding::Finding;

impl Json {
    pub(super) fn structure(
        &mut self,
        byte: u8,
        sink: &mut dyn FieldSink,
    ) -> Result<usize, Invalid> {
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && !matches!(self.state, State::Literal(..))
        {
            return self.blank(byte);
        }
        match (self.state, byte) {
            (State::Mark(read), _) => return self.mark(read, byte),
            (State::Literal(literal, read), _) => {
                return self.in_literal(literal, read, byte, sink);
            }
            (State::FirstItem, b']') => self.close(),
            (State::Start, _) if self.texts != Texts::Sequence => return self.value(byte, sink),
            (State::Value | State::FirstItem, _) => return self.value(byte, sink),
            (State::Start | State::Record, RECORD_SEPARATOR) => self.state = State::Record,
            (State::Record, _) => return self.value(byte, sink),
            (State::FirstKey, b'}') => self.close(),
            (State::FirstKey | State::Key, b'"') => self.key(),
            (State::Colon, b':') => self.state = State::Value,
            (State::Next, _) => self.next(byte)?,
            _ => return Err(Invalid),
        }
        Ok(1)
    }

    /// A blank. In NDJSON a line feed ends the text, so none may stand inside.
    pub(super) fn blank(&mut self, byte: u8) -> Result<usize, Invalid> {
        let line_end = self.texts == Texts::Lines && byte == b'\n';
        self.state = match self.state {
            State::Mark(0) => State::Start,
            State::Mark(_) => return Err(Invalid),
            State::Start => State::Start,
            State::Next if line_end && self.frames.is_empty() => State::Start,
            _ if line_end => return Err(Invalid),
            State::Blank => State::Next,
            state => state,
        };
        Ok(1)
    }

    /// In or after a byte order mark, which is skipped.
    pub(super) fn mark(&mut self, read: usize, byte: u8) -> Result<usize, Invalid> {
        match BYTE_ORDER_MARK.get(read) {
            Some(&expected) if expected == byte => {
                let done = read + 1 == BYTE_ORDER_MARK.len();
                self.state = if done { State::Start } else { State::Mark(read + 1) };
                Ok(1)
            }
            _ if read == 0 => {
                self.state = State::Start;
                Ok(0)
            }
            _ => Err(Invalid),
        }
    }

    /// After a value.
    pub(super) fn next(&mut self, byte: u8) -> Result<(), Invalid> {
        match (self.frames.last().map(|frame| &frame.kind), byte) {
            (Some(Kind::Object), b',') => self.state = State::Key,
            (Some(Kind::Array(_)), b',') => self.state = State::Value,
            (Some(Kind::Object), b'}') | (Some(Kind::Array(_)), b']') => self.close(),
            (None, RECORD_SEPARATOR) if self.texts == Texts::Sequence => {
                self.state = State::Record;
            }
            _ => return Err(Invalid),
        }
        Ok(())
    }

    pub(super) fn close(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.keys.close(frame.keys);
        }
        self.state = State::Next;
    }

    /// The first byte of a value.
    pub(super) fn value(&mut self, byte: u8, sink: &mut dyn FieldSink) -> Result<usize, Invalid> {
        let (state, used, at) = match byte {
            b'{' | b'[' => return Ok(self.open(byte, sink)),
            b'"' => (State::Text(Role::Value), 1, self.offset + 1),
            b'-' | b'0'..=b'9' => (State::Number(Number::Start), 0, self.offset),
            b't' => (State::Literal(b"true", 1), 1, self.offset),
            b'f' => (State::Literal(b"false", 1), 1, self.offset),
            b'n' => (State::Literal(b"null", 1), 1, self.offset),
            _ => return Err(Invalid),
        };
        let parent = self.place(sink);
        self.begin_value(parent, at, sink);
        self.text = Text::default();
        self.state = state;
        Ok(used)
    }

    /// Opens a container, or the raw field that stands for one too deep.
    pub(super) fn open(&mut self, byte: u8, sink: &mut dyn FieldSink) -> usize {
        let parent = self.place(sink);
        if self.frames.len() >= self.depth {
            self.tally.finding(Finding::LimitDepth, self.offset, sink);
            self.begin_value(parent, self.offset, sink);
            self.state = State::Deep(Deep { open: 0, string: false, escape: false });
            return 0;
        }
        let (kind, state) = match byte {
            b'{' => (Kind::Object, State::FirstKey),
            _ => (Kind::Array(0), State::FirstItem),
        };
        self.frames.push(Frame { kind, path: self.path.len(), keys: self.keys.mark() });
        self.state = state;
        1
    }

    /// Makes the path that of the value that begins here; gives the length of its container's.
    pub(super) fn place(&mut self, sink: &mut dyn FieldSink) -> usize {
        let (parent, index) = match self.frames.last_mut() {
            None => {
                self.count += 1;
                (1, self.count)
            }
            Some(Frame { kind: Kind::Object, path, .. }) => return *path,
            Some(Frame { kind: Kind::Array(count), path, .. }) => {
                *count += 1;
                (*path, *count)
            }
        };
        self.path.truncate(parent);
        if self.frames.is_empty() && self.texts == Texts::One {
            return 0;
        }
        let (text, length) = place(index - 1);
        if !self.path.push(&text[..length]) {
            self.tally.finding(Finding::LimitName, self.offset, sink);
        }
        parent
    }

    /// Begins the field of a value. Key and value of a member count as one.
    fn begin_value(&mut self, parent: usize, at: u64, sink: &mut dyn FieldSink) {
        if !matches!(self.frames.last(), Some(Frame { kind: Kind::Object, .. })) {
            self.tally.field(at, sink);
        }
        self.begin(Collection::ArgsPost, parent, at, sink);
    }

    pub(super) fn begin(
        &mut self,
        collection: Collection,
        parent: usize,
        at: u64,
        sink: &mut dyn FieldSink,
    ) {
        sink.begin(Field { collection, name: self.path.name(parent), at });
    }
}

/// The place of an element as it stands in paths, `[3]`, and its length: written without memory of
/// its own, since lists are long.
fn place(index: u64) -> ([u8; 24], usize) {
    let mut text = [0; 24];
    let mut rest = &mut text[..];
    // The longest, of 2^64 - 1, has 22 bytes.
    let _ = write!(rest, "[{index}]");
    let left = rest.len();
    (text, text.len() - left)
}
