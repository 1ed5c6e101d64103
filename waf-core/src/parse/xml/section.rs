//! Comments, CDATA sections, instructions and the document type (XML 1.0 sections 2.5 to 2.8).

use super::declaration::{self, Encoding};
use super::doctype::Doctype;
use super::{Fault, Root, State, Step, Xml, is_control};
use crate::field::{Collection, Field};
use crate::finding::Finding;
use crate::parse::lane::{Lane, Streams};

/// A stretch that runs to a fixed end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Comment,
    Cdata,
    Instruction,
}

impl Section {
    /// What stands before the `>` that ends it.
    fn marks(self) -> &'static [u8] {
        match self {
            Self::Comment => b"--",
            Self::Cdata => b"]]",
            Self::Instruction => b"?",
        }
    }
}

impl Xml {
    /// After `<!`: a byte of what it begins with.
    pub(super) fn bang(&mut self, byte: u8, out: &mut dyn Streams) -> Step {
        let openers: [&[u8]; 3] = [b"<!--", b"<![CDATA[", b"<!DOCTYPE"];
        self.held.push(byte);
        if !openers.iter().any(|opener| opener.starts_with(&self.held)) {
            self.held.pop();
            return Err(Fault::Malformed);
        }
        match self.held.as_slice() {
            b"<!--" => self.begin_section(Section::Comment, out),
            b"<![CDATA[" if self.frames.is_empty() => {
                self.held.pop();
                return Err(Fault::Malformed);
            }
            b"<![CDATA[" => self.begin_section(Section::Cdata, out),
            b"<!DOCTYPE" if self.root != Root::Expected => {
                self.held.pop();
                return Err(Fault::Malformed);
            }
            b"<!DOCTYPE" => self.begin_doctype(out),
            _ => {}
        }
        Ok(1)
    }

    /// The byte at the offset is the last of a section's opener.
    pub(super) fn begin_section(&mut self, section: Section, out: &mut dyn Streams) {
        self.held.clear();
        self.state = State::Section(section, 0);
        let suffix: &[u8] = match section {
            Section::Comment => b"/!comment",
            Section::Instruction => b"/?pi",
            Section::Cdata => return,
        };
        let at = self.offset + 1;
        let parent = self.element();
        self.path.truncate(parent);
        self.path.push(suffix);
        let sink = out.stream(Lane::Raw);
        self.tally.field(at, sink);
        let name = self.path.unshared_name(parent);
        sink.begin(Field { collection: Collection::Xml, name, at });
        self.path.truncate(parent);
    }

    /// Inside a section; the first `held` of its marks were read.
    pub(super) fn section(
        &mut self,
        section: Section,
        held: usize,
        input: &[u8],
        out: &mut dyn Streams,
    ) -> Step {
        let marks = section.marks();
        let mark = marks.first().copied().unwrap_or_default();
        if held == 0 {
            let run = input.iter().position(|&byte| byte == mark).unwrap_or(input.len());
            if run > 0 {
                let run = input.get(..run).unwrap_or(input);
                return self.in_section(section, run, self.offset, out);
            }
        }
        let byte = input.first().copied().unwrap_or_default();
        let complete = held == marks.len();
        if complete && byte == b'>' {
            self.end_section(section, out);
            return Ok(1);
        }
        if complete && section == Section::Comment {
            // "--" in a comment: some parsers end it there.
            self.tally.finding(Finding::ParseXml, self.offset, out.stream(Lane::Main));
        }
        if byte == mark && !complete {
            self.state = State::Section(section, held + 1);
            return Ok(1);
        }
        // The oldest mark is none; with another byte, all of them are.
        let (released, kept) = if byte == mark { (1, held) } else { (held, 0) };
        self.state = State::Section(section, kept);
        let released = marks.get(..released).unwrap_or(marks);
        self.in_section(section, released, self.offset - held as u64, out)?;
        Ok(usize::from(byte == mark))
    }

    /// Bytes of a section's inside; gives how many of them were taken.
    fn in_section(
        &mut self,
        section: Section,
        bytes: &[u8],
        at: u64,
        out: &mut dyn Streams,
    ) -> Step {
        if section == Section::Cdata {
            return self.cdata(bytes, at, out);
        }
        if section == Section::Instruction && self.is_declaration() {
            let room = declaration::LONGEST.saturating_sub(self.held.len());
            self.held.extend(bytes.iter().take(room));
        }
        out.stream(Lane::Raw).bytes(bytes, at);
        Ok(bytes.len())
    }

    /// Text in a CDATA section, up to a control byte.
    fn cdata(&mut self, bytes: &[u8], at: u64, out: &mut dyn Streams) -> Step {
        let blanks = if self.text { 0 } else { super::leading_blanks(bytes) };
        if blanks > 0 {
            return Ok(blanks);
        }
        let run = bytes.iter().position(|&byte| is_control(byte)).unwrap_or(bytes.len());
        if run == 0 {
            return Err(Fault::Malformed);
        }
        self.begin_text(at, out)?;
        out.stream(Lane::Main).bytes(bytes.get(..run).unwrap_or(bytes), at);
        Ok(run)
    }

    fn end_section(&mut self, section: Section, out: &mut dyn Streams) {
        self.state = State::Content;
        if section == Section::Cdata {
            return;
        }
        out.stream(Lane::Raw).end(self.offset + 1);
        if section == Section::Instruction && self.is_declaration() {
            let finding = match declaration::encoding(&self.held) {
                Encoding::Transparent => return,
                Encoding::Other => Finding::ProtocolCharset,
                Encoding::Malformed => Finding::ParseXml,
            };
            self.tally.finding(finding, self.held_at, out.stream(Lane::Main));
        }
    }

    /// The body fails inside a section: what is held of its end belongs to it.
    pub(super) fn abandon_section(
        &mut self,
        section: Section,
        held: usize,
        known: u64,
        out: &mut dyn Streams,
    ) {
        let marks = section.marks().get(..held).unwrap_or(&[]);
        if !marks.is_empty() {
            // Marks are no control bytes, and a CDATA section is in an element: it cannot fail.
            let _ = self.in_section(section, marks, self.offset - held as u64, out);
        }
        if section != Section::Cdata {
            out.stream(Lane::Raw).end(known);
        }
    }

    /// Whether the instruction being read stands first in the document.
    fn is_declaration(&self) -> bool {
        self.root == Root::Expected && self.held_at <= self.start + 3
    }

    fn begin_doctype(&mut self, out: &mut dyn Streams) {
        self.root = Root::Typed;
        self.tally.finding(Finding::ParseXmlDtd, self.held_at, out.stream(Lane::Main));
        self.path.truncate(0);
        self.path.push(b"/!DOCTYPE");
        self.begin(0, self.offset + 1, out);
        self.state = State::Doctype(Doctype::new());
    }

    /// The document type, raw up to its `>`.
    pub(super) fn doctype(
        &mut self,
        mut doctype: Doctype,
        input: &[u8],
        out: &mut dyn Streams,
    ) -> usize {
        let end = input.iter().position(|&byte| doctype.ends_at(byte));
        let run = input.get(..end.unwrap_or(input.len())).unwrap_or(input);
        let sink = out.stream(Lane::Main);
        if !run.is_empty() {
            sink.bytes(run, self.offset);
        }
        self.state = State::Doctype(doctype);
        if end.is_some() {
            sink.end(self.offset + run.len() as u64 + 1);
            self.state = State::Content;
        }
        run.len() + usize::from(end.is_some())
    }
}
