//! Start tags, end tags and attributes (XML 1.0 section 3.1).

use std::hash::{BuildHasher, Hasher};

use super::section::Section;
use super::{Fault, Frame, Root, State, Step, Xml, is_blank, is_control};
use crate::finding::Finding;
use crate::parse::lane::{Lane, Streams};

impl Xml {
    /// After `<`.
    pub(super) fn open(&mut self, byte: u8, out: &mut dyn Streams) -> Step {
        match byte {
            b'/' => {
                self.end_text(self.offset + 1, out);
                self.name = self.names.build_hasher();
                self.state = State::EndName(false);
                Ok(1)
            }
            b'!' => {
                self.held.push(byte);
                self.state = State::Bang;
                Ok(1)
            }
            b'?' => {
                self.begin_section(Section::Instruction, out);
                Ok(1)
            }
            _ if !is_name_start(byte) => Err(Fault::Malformed),
            _ if self.frames.is_empty() && self.root == Root::Seen => Err(Fault::Malformed),
            _ if self.frames.len() >= self.depth => Err(Fault::Depth),
            _ => {
                self.end_text(self.offset + 1, out);
                self.root = Root::Seen;
                self.path.truncate(self.frames.last().map_or(0, |frame| frame.path));
                self.name = self.names.build_hasher();
                self.push_path(b"/", out);
                self.state = State::StartName;
                Ok(0)
            }
        }
    }

    /// Inside a tag.
    pub(super) fn tag(&mut self, input: &[u8], out: &mut dyn Streams) -> Step {
        let Some(&byte) = input.first() else { return Ok(0) };
        let blank = is_blank(byte);
        match (self.state, byte) {
            (State::Value(quote), _) => return self.value(quote, input, out),
            (State::StartName | State::EndName(_) | State::AttributeName, _) => {
                return self.name(input, out);
            }
            (State::AfterEndName | State::Slash, b'>') => self.close(),
            (State::Tag | State::AfterValue, b'/') => self.state = State::Slash,
            (State::Tag | State::AfterValue, b'>') => self.state = State::Content,
            (State::AfterValue, _) if blank => self.state = State::Tag,
            (State::Slash, _) => return Err(Fault::Malformed),
            (_, _) if blank => {}
            (State::Tag, _) if is_name_start(byte) => {
                self.path.truncate(self.element());
                self.push_path(b"/@", out);
                self.state = State::AttributeName;
                return Ok(0);
            }
            (State::AfterAttributeName, b'=') => self.state = State::BeforeValue,
            (State::BeforeValue, b'"' | b'\'') => {
                self.begin(self.element(), self.offset + 1, out);
                self.state = State::Value(byte);
            }
            _ => return Err(Fault::Malformed),
        }
        Ok(1)
    }

    /// A name, or the byte behind it.
    fn name(&mut self, input: &[u8], out: &mut dyn Streams) -> Step {
        let first = matches!(self.state, State::EndName(false));
        let run = input.iter().position(|&byte| !is_name(byte)).unwrap_or(input.len());
        let name = input.get(..run).unwrap_or(input);
        match (self.state, name) {
            (_, []) => return self.after_name(input.first().copied().unwrap_or_default()),
            (_, [start, ..]) if first && !is_name_start(*start) => return Err(Fault::Malformed),
            (State::AttributeName, _) => self.push_path(name, out),
            (State::EndName(_), _) => {
                self.hash(name);
                self.state = State::EndName(true);
            }
            _ => {
                self.hash(name);
                self.push_path(name, out);
            }
        }
        Ok(run)
    }

    /// Byte by byte, so that pieces make no difference.
    fn hash(&mut self, name: &[u8]) {
        name.iter().for_each(|&byte| self.name.write_u8(byte));
    }

    fn after_name(&mut self, byte: u8) -> Step {
        match self.state {
            State::StartName if is_blank(byte) || matches!(byte, b'/' | b'>') => {
                self.frames.push(Frame { path: self.path.len(), name: self.name.finish() });
                self.state = if is_blank(byte) { State::Tag } else { State::AfterValue };
                Ok(0)
            }
            State::EndName(true) => {
                let open = self.frames.last().map(|frame| frame.name);
                if open != Some(self.name.finish()) {
                    return Err(Fault::Malformed);
                }
                self.state = State::AfterEndName;
                Ok(0)
            }
            State::AttributeName => {
                self.state = State::AfterAttributeName;
                Ok(0)
            }
            _ => Err(Fault::Malformed),
        }
    }

    /// An attribute's value.
    fn value(&mut self, quote: u8, input: &[u8], out: &mut dyn Streams) -> Step {
        let stop = |&byte: &u8| byte == quote || matches!(byte, b'<' | b'&') || is_control(byte);
        let run = input.iter().position(stop).unwrap_or(input.len());
        if run > 0 {
            out.stream(Lane::Main).bytes(input.get(..run).unwrap_or(input), self.offset);
            return Ok(run);
        }
        match input.first() {
            Some(b'&') => self.hold(b'&', State::Reference(Some(quote))),
            Some(byte) if *byte == quote => {
                out.stream(Lane::Main).end(self.offset + 1);
                self.state = State::AfterValue;
            }
            _ => return Err(Fault::Malformed),
        }
        Ok(1)
    }

    /// The current element is closed.
    fn close(&mut self) {
        self.frames.pop();
        self.path.truncate(self.element());
        self.state = State::Content;
    }

    /// Length of the current element's path.
    pub(super) fn element(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.path)
    }

    fn push_path(&mut self, bytes: &[u8], out: &mut dyn Streams) {
        let room = self.path.room() as u64;
        if !self.path.push(bytes) {
            self.tally.finding(Finding::LimitName, self.offset + room, out.stream(Lane::Main));
        }
    }
}

/// `NameStartChar` of XML 1.0 section 2.3; outside ASCII every character is taken.
fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | 0x80..)
}

fn is_name(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
}
