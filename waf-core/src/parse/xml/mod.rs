//! XML 1.0, as far as inspection needs it: a tokenizer that expands nothing.
//!
//! The text of an element, from one tag to the next, is one field in `XML` named by the element's
//! path, `/a/b`: comments, CDATA sections and instructions inside do not split it, blanks at its
//! front are dropped. Attributes are `/a/@c`. Comments and instructions are `/a/!comment` and
//! `/a/?pi` in the lane [`Lane::Raw`], because a text may be open around them. A document type is
//! `/!DOCTYPE`.
//!
//! References to characters and the five predefined entities are decoded, others are a finding and
//! stay as they are. What is not XML is a finding; from there the rest is one raw field in
//! `REQUEST_BODY`. Duplicate attributes and characters outside ASCII are not checked.

mod declaration;
mod doctype;
mod entity;
mod section;
mod tag;
mod text;

#[cfg(test)]
mod oracle;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)] // a test that meets the unexpected should stop
mod tests;

use std::hash::{BuildHasher, DefaultHasher, RandomState};

use self::doctype::Doctype;
use self::section::Section;
use super::lane::{Lane, Streams};
use super::path::Path;
use super::tally::Tally;
use crate::finding::Finding;
use crate::limits::Limits;

/// A parser of one body.
pub struct Xml {
    depth: usize,
    /// Where the body begins and where the next byte stands.
    start: u64,
    offset: u64,
    state: State,
    path: Path,
    frames: Vec<Frame>,
    root: Root,
    /// The text field of the current element has begun.
    text: bool,
    /// Where the markup or reference being read begins, and its first bytes.
    held_at: u64,
    held: Vec<u8>,
    names: RandomState,
    /// Of the element name being read.
    name: DefaultHasher,
    tally: Tally,
}

#[derive(Clone, Copy)]
enum State {
    /// So many bytes of a byte order mark were read.
    Mark(usize),
    Content,
    /// In a reference; in an attribute value with this quote, or in text.
    Reference(Option<u8>),
    /// After `<`.
    Open,
    /// After `<!`, until it is known what it begins.
    Bang,
    Section(Section, usize),
    Doctype(Doctype),
    StartName,
    /// In a name behind `</`: true when it has a byte.
    EndName(bool),
    AfterEndName,
    /// In a start tag, after a blank.
    Tag,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    Value(u8),
    AfterValue,
    /// After the `/` of an empty element.
    Slash,
    /// After something that is not XML.
    Rest,
}

/// An open element.
struct Frame {
    /// Length of its path.
    path: usize,
    /// Of its name, which may be longer than what the path keeps.
    name: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Expected,
    /// Expected, and a document type was read.
    Typed,
    Seen,
}

/// Why the structure ends here.
#[derive(Clone, Copy)]
enum Fault {
    Malformed,
    Depth,
}

type Step = Result<usize, Fault>;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Xml {
    /// A parser.
    pub fn new(limits: &Limits) -> Self {
        let names = RandomState::new();
        let name = names.build_hasher();
        Self {
            depth: limits.depth,
            start: 0,
            offset: 0,
            state: State::Mark(0),
            path: Path::new(limits.field_name),
            frames: Vec::new(),
            root: Root::Expected,
            text: false,
            held_at: 0,
            held: Vec::new(),
            names,
            name,
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

    /// Takes the next bytes; fields go to the lanes `Main` and `Raw`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut dyn Streams) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.step(rest, out) {
                Ok(used) => {
                    self.offset += used as u64;
                    rest = rest.get(used..).unwrap_or(&[]);
                }
                Err(fault) => {
                    self.fail(fault, self.offset + 1, out);
                    self.begin_rest(out);
                }
            }
        }
    }

    /// The body has ended.
    pub fn finish(&mut self, out: &mut dyn Streams) {
        let complete = match self.state {
            State::Rest => return out.stream(Lane::Main).end(self.offset),
            State::Mark(_) => self.offset == self.start,
            State::Content => self.frames.is_empty() && self.root == Root::Seen,
            _ => false,
        };
        if !complete {
            self.fail(Fault::Malformed, self.offset, out);
        }
    }

    /// Takes some of `input`, which is not empty; none when only the state changes.
    fn step(&mut self, input: &[u8], out: &mut dyn Streams) -> Step {
        let Some(&byte) = input.first() else { return Ok(0) };
        match self.state {
            State::Mark(read) => self.mark(read, byte),
            State::Content => self.content(input, out),
            State::Reference(quote) => self.reference(quote, byte, out),
            State::Open => self.open(byte, out),
            State::Bang => self.bang(byte, out),
            State::Section(section, held) => self.section(section, held, input, out),
            State::Doctype(doctype) => Ok(self.doctype(doctype, input, out)),
            State::Rest => {
                out.stream(Lane::Main).bytes(input, self.offset);
                Ok(input.len())
            }
            _ => self.tag(input, out),
        }
    }

    /// In or after a byte order mark, which is skipped.
    fn mark(&mut self, read: usize, byte: u8) -> Step {
        if BYTE_ORDER_MARK.get(read) == Some(&byte) {
            let done = read + 1 == BYTE_ORDER_MARK.len();
            self.state = if done { State::Content } else { State::Mark(read + 1) };
            return Ok(1);
        }
        if read > 0 {
            return Err(Fault::Malformed);
        }
        self.state = State::Content;
        Ok(0)
    }

    /// Holds the first byte of markup or of a reference.
    fn hold(&mut self, byte: u8, state: State) {
        self.held_at = self.offset;
        self.held.clear();
        self.held.push(byte);
        self.state = state;
    }

    /// Tells what is wrong and ends the open fields; `known` is the end of what told us.
    fn fail(&mut self, fault: Fault, known: u64, out: &mut dyn Streams) {
        match self.state {
            State::Reference(quote) => {
                // In text there is an element: the reference began there.
                let _ = self.release(quote, known, out);
                if quote.is_some() {
                    out.stream(Lane::Main).end(known);
                }
            }
            State::Value(_) | State::Doctype(_) => out.stream(Lane::Main).end(known),
            State::Section(section, held) => self.abandon_section(section, held, known, out),
            _ => {}
        }
        self.end_text(known, out);
        let finding = match fault {
            Fault::Malformed => Finding::ParseXml,
            Fault::Depth => Finding::LimitDepth,
        };
        self.tally.finding(finding, self.offset, out.stream(Lane::Main));
    }

    /// Begins the raw field, with bytes that were read but not emitted.
    fn begin_rest(&mut self, out: &mut dyn Streams) {
        let held = match self.state {
            State::Mark(read) => BYTE_ORDER_MARK.get(..read).unwrap_or(&[]),
            State::Open | State::Bang => &self.held,
            _ => &[],
        };
        let at = self.offset - held.len() as u64;
        let sink = out.stream(Lane::Main);
        Tally::begin_rest(at, sink);
        if !held.is_empty() {
            sink.decoded(held, self.offset + 1);
        }
        self.state = State::Rest;
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A byte that stands in no XML document (section 2.2).
fn is_control(byte: u8) -> bool {
    byte < b' ' && !is_blank(byte)
}

fn leading_blanks(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len())
}
