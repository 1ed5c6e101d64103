//! Multipart bodies (RFC 2046 section 5.1, RFC 7578), strictly.
//!
//! A part without a file name is an argument: `ARGS_POST_NAMES` and `ARGS_POST`. One with a file
//! name is an upload: `FILES`, `FILES_NAMES`, `FILES_TMP_CONTENT` and `FILES_SIZES`. Header lines
//! are `MULTIPART_PART_HEADERS`. All are named by the part; contents stream.
//!
//! Where back ends may read a body differently there is a finding, and parsing goes on. Where the
//! structure is lost, the rest is one raw field in `REQUEST_BODY`.

mod delimiter;
mod disposition;
mod part;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // a test that meets the unexpected should stop
mod tests;

use self::delimiter::{Delimiter, LineStart};
use self::part::{Part, tell};
use super::tally::Tally;
use crate::field::{Collection, FieldSink};
use crate::finding::Finding;
use crate::limits::{BOUNDARY, Limits};

/// A parser of one body.
pub struct Multipart {
    kind: Kind,
    max_name: usize,
    max_parts: usize,
    max_headers: usize,
    /// Where the body begins and where the next byte stands.
    start: u64,
    offset: u64,
    /// The boundary is not one; told with the first byte.
    odd_boundary: bool,
    state: State,
    delimiter: Delimiter,
    /// The header lines of the part so far: `block.len() <= max_headers`.
    block: Vec<u8>,
    block_at: u64,
    /// Where the first line of the block stands that is no header; told with the whole block.
    odd_line: Option<u64>,
    /// Where the current line begins in `block`.
    line: usize,
    part: Part,
    parts: usize,
    /// Bytes of all uploads.
    uploaded: u64,
    tally: Tally,
}

/// What the parts are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Form,
    Mixed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The boundary cannot be searched for.
    Unusable,
    /// Before the first boundary; true when something stands there.
    Preamble(bool),
    Headers,
    Content,
    /// Behind a boundary, which ends the preamble or a part.
    Boundary(After, Before),
    /// Behind the last boundary.
    Epilogue,
    /// After the structure was lost.
    Rest,
}

/// What was read behind a boundary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    Dash,
    Cr,
    /// Blanks; true when a CR followed.
    Blanks(bool),
}

/// What a boundary ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Preamble(bool),
    Content,
}

impl Before {
    fn state(self) -> State {
        match self {
            Self::Preamble(open) => State::Preamble(open),
            Self::Content => State::Content,
        }
    }
}

impl Multipart {
    /// A parser of `multipart/form-data`.
    pub fn new(boundary: &[u8], limits: &Limits) -> Self {
        Self::of(Kind::Form, boundary, limits)
    }

    /// A parser of any other `multipart` type: every part is taken for an upload, and needs no
    /// Content-Disposition.
    pub fn mixed(boundary: &[u8], limits: &Limits) -> Self {
        Self::of(Kind::Mixed, boundary, limits)
    }

    fn of(kind: Kind, boundary: &[u8], limits: &Limits) -> Self {
        let line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let unusable =
            boundary.is_empty() || boundary.len() > BOUNDARY || boundary.iter().any(line_end);
        Self {
            kind,
            max_name: limits.field_name,
            max_parts: limits.parts,
            max_headers: limits.part_headers,
            start: 0,
            offset: 0,
            odd_boundary: !is_boundary(boundary),
            state: if unusable { State::Unusable } else { State::Preamble(false) },
            delimiter: Delimiter::new(if unusable { b"" } else { boundary }),
            block: Vec::new(),
            block_at: 0,
            odd_line: None,
            line: 0,
            part: Part::default(),
            parts: 0,
            uploaded: 0,
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
            if self.odd_boundary {
                self.fault(self.offset, sink);
            }
            let used = self.step(rest, sink);
            self.offset += used as u64;
            rest = rest.get(used..).unwrap_or(&[]);
        }
    }

    /// The body has ended.
    pub fn finish(&mut self, sink: &mut dyn FieldSink) {
        if self.offset > self.start && !matches!(self.state, State::Epilogue | State::Rest) {
            self.unclosed(sink);
        }
        if self.state == State::Rest {
            sink.end(self.offset);
        }
        let size = self.uploaded.to_string();
        let (at, value) = (self.offset, size.as_bytes());
        tell(Collection::FilesCombinedSize, b"", value, at, at, sink);
    }

    /// Takes some of `input`, which is not empty; none when only the state changes.
    fn step(&mut self, input: &[u8], sink: &mut dyn FieldSink) -> usize {
        let Some(&byte) = input.first() else { return 0 };
        match self.state {
            State::Preamble(_) | State::Content => self.search(input, sink),
            State::Boundary(after, before) => self.after_boundary(after, before, byte, sink),
            State::Headers => self.headers(input, sink),
            State::Epilogue if matches!(byte, b'\r' | b'\n') => 1,
            State::Unusable | State::Epilogue => {
                self.fault(self.offset, sink);
                self.rest(self.offset, sink);
                0
            }
            State::Rest => {
                sink.bytes(input, self.offset);
                input.len()
            }
        }
    }

    /// Content, until a boundary.
    fn search(&mut self, input: &[u8], sink: &mut dyn FieldSink) -> usize {
        let run = self.delimiter.run(input);
        let Some(&byte) = input.get(run) else {
            self.content(input, self.offset, sink);
            return run;
        };
        if run > 0 {
            self.content(input.get(..run).unwrap_or(input), self.offset, sink);
            return run;
        }
        if !self.delimiter.take(byte) {
            self.release(0, sink);
            return 0;
        }
        if self.delimiter.is_complete() {
            let before = match self.state {
                State::Preamble(open) => Before::Preamble(open),
                _ => Before::Content,
            };
            self.state = State::Boundary(After::Nothing, before);
        }
        1
    }

    /// What is held is content after all; `behind` bytes were read since.
    fn release(&mut self, behind: u64, sink: &mut dyn FieldSink) {
        let mut copy = [0; BOUNDARY + 4];
        let held = self.delimiter.held();
        let len = held.len().min(copy.len());
        let (copy, _) = copy.split_at_mut(len);
        copy.copy_from_slice(held.get(..len).unwrap_or(held));
        self.delimiter.reset();
        self.content(copy, self.offset - behind - len as u64, sink);
    }

    fn content(&mut self, bytes: &[u8], at: u64, sink: &mut dyn FieldSink) {
        if bytes.is_empty() {
            return;
        }
        if self.state == State::Preamble(false) {
            self.fault(at, sink);
            Tally::begin_rest(at, sink);
            self.state = State::Preamble(true);
        }
        self.part.size += bytes.len() as u64;
        sink.bytes(bytes, at);
    }

    /// A byte behind a boundary: only CRLF and `--` may stand there.
    fn after_boundary(
        &mut self,
        after: After,
        before: Before,
        byte: u8,
        sink: &mut dyn FieldSink,
    ) -> usize {
        let next = |after| State::Boundary(after, before);
        match (after, byte) {
            (After::Nothing, b'-') => self.state = next(After::Dash),
            (After::Dash, b'-') => self.delimited(before, State::Epilogue, sink),
            (After::Nothing, b'\r') => self.state = next(After::Cr),
            (After::Blanks(false), b'\r') => self.state = next(After::Blanks(true)),
            (After::Cr | After::Blanks(true), b'\n') => {
                self.delimited(before, State::Headers, sink);
            }
            (After::Nothing | After::Blanks(false), b'\n') => {
                self.fault(self.offset, sink);
                self.delimited(before, State::Headers, sink);
            }
            // RFC 2046 allows blanks for gateways that pad lines; nobody sends them.
            (After::Nothing | After::Blanks(false), b' ' | b'\t') => {
                self.fault(self.offset, sink);
                self.state = next(After::Blanks(false));
            }
            (After::Blanks(_), _) => {
                self.delimited(before, State::Headers, sink);
                self.rest(self.offset, sink);
                return 0;
            }
            (After::Nothing | After::Dash | After::Cr, _) => {
                self.fault(self.offset, sink);
                self.not_a_boundary(after, before, sink);
                return 0;
            }
        }
        1
    }

    /// The line goes on behind the boundary: some take it for one all the same, most do not.
    fn not_a_boundary(&mut self, after: After, before: Before, sink: &mut dyn FieldSink) {
        self.state = before.state();
        match after {
            After::Dash => {
                self.release(1, sink);
                self.content(b"-", self.offset - 1, sink);
            }
            After::Cr => {
                self.release(1, sink);
                self.delimiter.take(b'\r');
            }
            After::Nothing => self.release(0, sink),
            After::Blanks(_) => self.delimiter.reset(),
        }
    }

    /// The byte at the offset makes the delimiter certain.
    fn delimited(&mut self, before: Before, state: State, sink: &mut dyn FieldSink) {
        let known = self.offset + 1;
        let odd = match (self.delimiter.line_start(), before) {
            (LineStart::First, Before::Preamble(_)) => false,
            (LineStart::Crlf, before) => before == Before::Preamble(false),
            // Without CRLF, or with the one that ends the headers.
            (LineStart::Lf, _) | (LineStart::First, Before::Content) => true,
        };
        if odd {
            self.fault(self.offset, sink);
        }
        match before {
            Before::Content => self.end_part(known, sink),
            Before::Preamble(true) => sink.end(known),
            Before::Preamble(false) => {}
        }
        self.state = state;
        self.delimiter.reset();
        self.block.clear();
        self.block_at = known;
        self.line = 0;
    }

    /// The body ends before the last boundary.
    fn unclosed(&mut self, sink: &mut dyn FieldSink) {
        if let State::Boundary(after, before) = self.state {
            self.not_a_boundary(after, before, sink);
        }
        self.release(0, sink);
        let at = self.odd_line.take().unwrap_or(self.offset);
        self.fault(at, sink);
        match self.state {
            State::Preamble(true) => sink.end(self.offset),
            State::Content => self.end_part(self.offset, sink),
            State::Headers => self.tell_headers(self.offset, sink),
            _ => {}
        }
    }

    /// Begins the raw field.
    fn rest(&mut self, at: u64, sink: &mut dyn FieldSink) {
        Tally::begin_rest(at, sink);
        self.state = State::Rest;
    }

    fn fault(&mut self, at: u64, sink: &mut dyn FieldSink) {
        self.odd_boundary = false;
        self.tally.finding(Finding::ParseMultipart, at, sink);
    }
}

/// `boundary` of RFC 2046 section 5.1.1, but without blanks: they are lost on the way.
fn is_boundary(boundary: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(byte);
    (1..=BOUNDARY).contains(&boundary.len()) && boundary.iter().all(allowed)
}
