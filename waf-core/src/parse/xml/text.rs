//! Text and references (XML 1.0 sections 2.4 and 4.1).

use super::entity::{self, Reference};
use super::{Fault, State, Step, Xml, is_control, leading_blanks};
use crate::field::{Collection, Field};
use crate::finding::Finding;
use crate::parse::lane::{Lane, Streams};

impl Xml {
    /// Between tags.
    pub(super) fn content(&mut self, input: &[u8], out: &mut dyn Streams) -> Step {
        let run = input.iter().position(|&byte| matches!(byte, b'<' | b'&') || is_control(byte));
        let run = run.unwrap_or(input.len());
        if run > 0 {
            return self.text(input.get(..run).unwrap_or(input), out);
        }
        match input.first() {
            Some(b'<') => self.hold(b'<', State::Open),
            Some(b'&') if !self.frames.is_empty() => self.hold(b'&', State::Reference(None)),
            _ => return Err(Fault::Malformed),
        }
        Ok(1)
    }

    /// Text that stands in the source as it is. Blanks before the first other byte are dropped.
    pub(super) fn text(&mut self, bytes: &[u8], out: &mut dyn Streams) -> Step {
        let blanks = if self.text { 0 } else { leading_blanks(bytes) };
        if blanks > 0 {
            return Ok(blanks);
        }
        let at = self.offset;
        self.begin_text(at, out)?;
        out.stream(Lane::Main).bytes(bytes, at);
        Ok(bytes.len())
    }

    /// Begins the text field of the current element, unless it has begun.
    pub(super) fn begin_text(&mut self, at: u64, out: &mut dyn Streams) -> Result<(), Fault> {
        let Some(frame) = self.frames.last() else { return Err(Fault::Malformed) };
        if !self.text {
            self.text = true;
            self.path.truncate(frame.path);
            let parent = self.frames.iter().nth_back(1).map_or(0, |frame| frame.path);
            self.begin(parent, at, out);
        }
        Ok(())
    }

    pub(super) fn end_text(&mut self, known: u64, out: &mut dyn Streams) {
        if std::mem::take(&mut self.text) {
            out.stream(Lane::Main).end(known);
        }
    }

    /// Begins a field named by the path.
    pub(super) fn begin(&mut self, parent: usize, at: u64, out: &mut dyn Streams) {
        let sink = out.stream(Lane::Main);
        self.tally.field(at, sink);
        sink.begin(Field { collection: Collection::Xml, name: self.path.name(parent), at });
    }

    /// In a reference, which is held.
    pub(super) fn reference(&mut self, quote: Option<u8>, byte: u8, out: &mut dyn Streams) -> Step {
        self.held.push(byte);
        let known = self.offset + 1;
        match entity::decode(&self.held) {
            Reference::Partial => return Ok(1),
            Reference::Character(decoded) => {
                let mut utf8 = [0; 4];
                self.decoded(quote, decoded.encode_utf8(&mut utf8).as_bytes(), known, out)?;
            }
            Reference::Unknown => {
                if byte != b';' {
                    self.held.pop();
                }
                self.tally.finding(Finding::ParseXml, self.held_at, out.stream(Lane::Main));
                self.release(quote, known, out)?;
            }
        }
        self.state = quote.map_or(State::Content, State::Value);
        Ok(usize::from(byte == b';'))
    }

    /// What is held is no reference: it stands for itself.
    pub(super) fn release(
        &mut self,
        quote: Option<u8>,
        known: u64,
        out: &mut dyn Streams,
    ) -> Result<(), Fault> {
        let held = std::mem::take(&mut self.held);
        self.decoded(quote, &held, known, out)
    }

    pub(super) fn decoded(
        &mut self,
        quote: Option<u8>,
        bytes: &[u8],
        known: u64,
        out: &mut dyn Streams,
    ) -> Result<(), Fault> {
        if quote.is_none() {
            if !self.text && leading_blanks(bytes) == bytes.len() {
                return Ok(());
            }
            self.begin_text(self.held_at, out)?;
        }
        out.stream(Lane::Main).decoded(bytes, known);
        Ok(())
    }
}
