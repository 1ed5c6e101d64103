//! Queries and form bodies: `name=value` pairs between `&`, percent-encoded.
//!
//! Read as ModSecurity reads them: the name ends at the first `=`, `+` is a blank, a broken escape
//! stays as it is, duplicates stay in order, empty pieces are skipped, `;` does not separate.
//! A name is held until it ends, because it must be told before its value; beyond
//! `limits.field_name` bytes it is cut as a name, but what follows is still told as the value of
//! the names collection.

use memchr::{memchr2, memchr3};

use super::uri::hex;
use crate::field::{Collection, Field, FieldName, FieldSink};
use crate::finding::Finding;
use crate::limits::Limits;

/// Reads one query or form body, in pieces.
#[derive(Clone, Debug)]
pub struct Urlencoded {
    names: Collection,
    values: Collection,
    max_name: usize,
    max_fields: usize,
    /// Offset of the next source byte.
    at: u64,
    place: Place,
    escape: Escape,
    /// The name so far; `name.len() <= max_name`.
    name: Vec<u8>,
    name_at: u64,
    fields: usize,
    found: Found,
}

/// Bytes of a run that are told at once where a `+` is among them.
const TOLD: usize = 256;

/// Where in a pair the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At its first byte.
    Start,
    /// In the name, which is held.
    Name,
    /// In a name over the limit: the names field is open, its value goes to the sink.
    LongName,
    /// In the value: its field is open.
    Value,
}

/// How much of a `%hh` was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Percent,
    /// The first digit as it was spelt.
    Digit(u8),
}

/// What is told once only.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    escape: bool,
    name: bool,
    fields: bool,
}

impl Urlencoded {
    /// A parser that tells names and values in these collections.
    pub fn new(names: Collection, values: Collection, limits: &Limits) -> Self {
        Self {
            names,
            values,
            max_name: limits.field_name,
            max_fields: limits.fields,
            at: 0,
            place: Place::Start,
            escape: Escape::None,
            name: Vec::new(),
            name_at: 0,
            fields: 0,
            found: Found::default(),
        }
    }

    /// The same parser, its first byte standing at this offset of the source.
    #[must_use]
    pub fn starting_at(mut self, offset: u64) -> Self {
        self.at = offset;
        self
    }

    /// Reads the next piece.
    pub fn feed(&mut self, mut input: &[u8], sink: &mut dyn FieldSink) {
        while let Some(&byte) = input.first() {
            let plain = match (self.escape, self.place) {
                (Escape::None, Place::Value) => memchr2(b'&', b'%', input),
                (Escape::None, _) => memchr3(b'&', b'%', b'=', input),
                _ => Some(0),
            };
            let plain = plain.unwrap_or(input.len());
            if plain > 0 {
                self.plain(&input[..plain], sink);
                input = &input[plain..];
                continue;
            }
            self.byte(byte, sink);
            input = &input[1..];
        }
    }

    /// The source ends.
    pub fn finish(&mut self, sink: &mut dyn FieldSink) {
        self.broken_escape(self.at, sink);
        self.end_pair(self.at, sink);
    }

    /// One byte that is special, or stands in an escape.
    fn byte(&mut self, byte: u8, sink: &mut dyn FieldSink) {
        let end = self.at + 1;
        match (self.escape, hex(byte)) {
            (Escape::Percent, Some(_)) => {
                self.escape = Escape::Digit(byte);
                self.at = end;
                return;
            }
            (Escape::Digit(first), Some(low)) => {
                self.escape = Escape::None;
                let high = hex(first).unwrap_or_default();
                self.at = end;
                self.decoded(&[high << 4 | low], end, sink);
                return;
            }
            // The byte that breaks an escape is what made it known: its offset, then itself.
            (_, None) if self.escape != Escape::None => self.broken_escape(end, sink),
            _ => {}
        }
        self.at = end;
        match byte {
            b'&' => self.end_pair(end, sink),
            b'=' if self.place != Place::Value => self.end_name(end, sink),
            b'%' => {
                self.start(self.at - 1, sink);
                self.escape = Escape::Percent;
            }
            _ => {
                self.at -= 1;
                self.plain(&[byte], sink);
            }
        }
    }

    /// Bytes that stand for themselves, and `+` for a blank.
    fn plain(&mut self, bytes: &[u8], sink: &mut dyn FieldSink) {
        self.start(self.at, sink);
        match self.place {
            Place::Value | Place::LongName => tell_plain(bytes, self.at, sink),
            Place::Start | Place::Name => {
                let room = (self.max_name - self.name.len()).min(bytes.len());
                self.name.extend(bytes[..room].iter().copied().map(blank));
                if room < bytes.len() {
                    let over_at = self.at + room as u64;
                    self.long_name(over_at, over_at + 1, sink);
                    tell_plain(&bytes[room..], over_at, sink);
                }
            }
        }
        self.at += bytes.len() as u64;
    }

    /// Bytes that the source spells otherwise.
    fn decoded(&mut self, bytes: &[u8], end: u64, sink: &mut dyn FieldSink) {
        self.start(end - 1, sink);
        match self.place {
            Place::Value | Place::LongName => sink.decoded(bytes, end),
            Place::Start | Place::Name => {
                let room = (self.max_name - self.name.len()).min(bytes.len());
                self.name.extend_from_slice(&bytes[..room]);
                if room < bytes.len() {
                    self.long_name(end - 1, end, sink);
                    sink.decoded(&bytes[room..], end);
                }
            }
        }
    }

    /// An unfinished escape was none: what it took so far stands for itself.
    fn broken_escape(&mut self, known: u64, sink: &mut dyn FieldSink) {
        let text: &[u8] = match std::mem::replace(&mut self.escape, Escape::None) {
            Escape::None => return,
            Escape::Percent => b"%",
            Escape::Digit(first) => &[b'%', first],
        };
        if !std::mem::replace(&mut self.found.escape, true) {
            sink.finding(Finding::ParseUrlencoded, self.at - text.len() as u64);
        }
        self.decoded(text, known, sink);
    }

    /// A pair begins, unless one is open.
    fn start(&mut self, at: u64, sink: &mut dyn FieldSink) {
        if self.place != Place::Start {
            return;
        }
        self.place = Place::Name;
        self.name.clear();
        self.name_at = at;
        self.fields += 1;
        if self.fields > self.max_fields && !std::mem::replace(&mut self.found.fields, true) {
            sink.finding(Finding::LimitFields, at);
        }
    }

    /// The name passed its limit with the source byte at `over_at`: what is held of it is told.
    fn long_name(&mut self, over_at: u64, known: u64, sink: &mut dyn FieldSink) {
        if !std::mem::replace(&mut self.found.name, true) {
            sink.finding(Finding::LimitName, over_at);
        }
        self.begin(self.names, self.name_at, sink);
        sink.decoded(&self.name, known);
        self.place = Place::LongName;
    }

    /// The name ends before offset `end`, a value follows.
    fn end_name(&mut self, end: u64, sink: &mut dyn FieldSink) {
        self.start(end - 1, sink);
        if self.place != Place::LongName {
            self.begin(self.names, self.name_at, sink);
            sink.decoded(&self.name, end);
        }
        sink.end(end);
        self.begin(self.values, end, sink);
        self.place = Place::Value;
    }

    /// The pair ends before offset `end`.
    fn end_pair(&mut self, end: u64, sink: &mut dyn FieldSink) {
        if self.place == Place::Start {
            return;
        }
        if self.place != Place::Value {
            self.end_name(end, sink);
        }
        sink.end(end);
        self.place = Place::Start;
    }

    fn begin(&self, collection: Collection, at: u64, sink: &mut dyn FieldSink) {
        sink.begin(Field { collection, name: FieldName::flat(&self.name), at });
    }
}

/// Tells bytes that stand for themselves, and `+` for a blank: it is one byte of the source, too.
fn tell_plain(bytes: &[u8], at: u64, sink: &mut dyn FieldSink) {
    if !bytes.contains(&b'+') {
        return sink.bytes(bytes, at);
    }
    let mut told = [0; TOLD];
    for (run, at) in bytes.chunks(TOLD).zip((at..).step_by(TOLD)) {
        for (told, &byte) in told.iter_mut().zip(run) {
            *told = blank(byte);
        }
        sink.bytes(&told[..run.len()], at);
    }
}

fn blank(byte: u8) -> u8 {
    if byte == b'+' { b' ' } else { byte }
}

#[cfg(test)]
mod tests;
