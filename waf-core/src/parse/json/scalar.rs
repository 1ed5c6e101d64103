//! Inside keys, strings, numbers and words, and inside what is nested too deeply.

use super::number::Number;
use super::text::{Piece, Text};
use super::{Deep, Invalid, Json, Role, State, Texts};
use crate::field::{Collection, FieldSink};
use crate::finding::Finding;
use crate::parse::path::Path;

impl Json {
    /// A number, `true`, `false` or `null` is complete.
    pub(super) fn after_bare(&mut self) {
        let whole_text = self.frames.is_empty() && self.texts == Texts::Sequence;
        self.state = if whole_text { State::Blank } else { State::Next };
    }

    pub(super) fn in_number(
        &mut self,
        mut number: Number,
        input: &[u8],
        sink: &mut dyn FieldSink,
    ) -> Result<usize, Invalid> {
        let mut run = 0;
        while let Some(after) = input.get(run).and_then(|&byte| number.after(byte)) {
            number = after;
            run += 1;
        }
        if run > 0 {
            sink.bytes(input.get(..run).unwrap_or(input), self.offset);
            self.state = State::Number(number);
        } else if number.is_complete() {
            sink.end(self.offset + 1);
            self.after_bare();
        } else {
            return Err(Invalid);
        }
        Ok(run)
    }

    pub(super) fn in_literal(
        &mut self,
        literal: &'static [u8],
        read: usize,
        byte: u8,
        sink: &mut dyn FieldSink,
    ) -> Result<usize, Invalid> {
        if literal.get(read) != Some(&byte) {
            return Err(Invalid);
        }
        self.state = State::Literal(literal, read + 1);
        if read + 1 == literal.len() {
            if literal != b"null" {
                sink.decoded(literal, self.offset + 1);
            }
            sink.end(self.offset + 1);
            self.after_bare();
        }
        Ok(1)
    }

    /// Raw, up to the bracket that closes what is too deep.
    pub(super) fn in_deep(
        &mut self,
        mut deep: Deep,
        input: &[u8],
        sink: &mut dyn FieldSink,
    ) -> usize {
        let closing = input.iter().position(|&byte| deep.closes_at(byte));
        let run = closing.map_or(input.len(), |at| at + 1);
        sink.bytes(input.get(..run).unwrap_or(input), self.offset);
        self.state = State::Deep(deep);
        if closing.is_some() {
            sink.end(self.offset + run as u64);
            self.state = State::Next;
        }
        run
    }

    pub(super) fn in_text(
        &mut self,
        role: Role,
        input: &[u8],
        sink: &mut dyn FieldSink,
    ) -> Result<usize, Invalid> {
        let (used, piece) = self.text.step(input);
        let end = self.offset + used as u64;
        let hold = role == Role::Key && !self.key.begun;
        match piece {
            Piece::Pending => {}
            Piece::Invalid => return Err(Invalid),
            Piece::Verbatim(bytes) if hold => self.hold_bytes(bytes, sink),
            Piece::Verbatim(bytes) => sink.bytes(bytes, self.offset),
            Piece::Decoded(decoded) => {
                let mut utf8 = [0; 4];
                let bytes: &[u8] = decoded.encode_utf8(&mut utf8).as_bytes();
                if hold { self.hold_decoded(bytes, end, sink) } else { sink.decoded(bytes, end) }
            }
            Piece::Closed if role == Role::Key => self.end_key(end, sink),
            Piece::Closed => {
                sink.end(end);
                self.state = State::Next;
            }
        }
        Ok(used)
    }
}

/// Keys.
impl Json {
    pub(super) fn key(&mut self) {
        self.key.held.clear();
        self.key.at = self.offset + 1;
        self.key.begun = false;
        self.text = Text::default();
        self.state = State::Text(Role::Key);
    }

    /// Keeps what may be kept of a key; with more its field begins.
    pub(super) fn hold_bytes(&mut self, bytes: &[u8], sink: &mut dyn FieldSink) {
        let room = self.field_name.saturating_sub(self.key.held.len());
        let (kept, rest) = bytes.split_at(room.min(bytes.len()));
        self.key.held.extend_from_slice(kept);
        if !rest.is_empty() {
            let at = self.offset + kept.len() as u64;
            self.begin_key(at, at + 1, sink);
            sink.bytes(rest, at);
        }
    }

    pub(super) fn hold_decoded(&mut self, bytes: &[u8], end: u64, sink: &mut dyn FieldSink) {
        if self.key.held.len() + bytes.len() <= self.field_name {
            return self.key.held.extend_from_slice(bytes);
        }
        self.begin_key(self.offset, end, sink);
        sink.decoded(bytes, end);
    }

    /// Begins the field of a key with what was kept of it: the byte at `at`, before `known`, made
    /// that certain.
    pub(super) fn begin_key(&mut self, at: u64, known: u64, sink: &mut dyn FieldSink) {
        let parent = self.frames.last().map_or(0, |frame| frame.path);
        self.path.truncate(parent);
        if !push_key(&mut self.path, &self.key.held) {
            self.tally.finding(Finding::LimitName, at, sink);
        }
        self.tally.field(self.key.at, sink);
        self.begin(Collection::ArgsPostNames, parent, self.key.at, sink);
        if !self.key.held.is_empty() {
            sink.decoded(&self.key.held, known);
        }
        self.key.begun = true;
    }

    /// The closing quote of a key. One that was too long to keep is not compared with others: it
    /// is a finding already.
    pub(super) fn end_key(&mut self, end: u64, sink: &mut dyn FieldSink) {
        if !self.key.begun {
            self.begin_key(self.offset, end, sink);
            if self.keys.insert(self.frames.len(), &self.key.held) {
                self.tally.finding(Finding::ParseJsonDuplicateKey, self.offset, sink);
            }
        }
        sink.end(end);
        self.state = State::Colon;
    }
}

impl Deep {
    /// Takes a byte; true when it closes the outermost container.
    fn closes_at(&mut self, byte: u8) -> bool {
        if self.string {
            self.string = self.escape || byte != b'"';
            self.escape = !self.escape && byte == b'\\';
            return false;
        }
        match byte {
            b'"' => self.string = true,
            b'{' | b'[' => self.open += 1,
            b'}' | b']' => self.open -= 1,
            _ => {}
        }
        self.open == 0
    }
}

/// Appends `.key`, or `['key']` where a bare key would read otherwise; false when it was cut.
fn push_key(path: &mut Path, key: &[u8]) -> bool {
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.iter().all(bare) {
        return path.push(b".") && path.push(key);
    }
    let mut fits = path.push(b"['");
    for &byte in key {
        fits &= !matches!(byte, b'\'' | b'\\') || path.push(b"\\");
        fits &= path.push(&[byte]);
    }
    fits && path.push(b"']")
}
