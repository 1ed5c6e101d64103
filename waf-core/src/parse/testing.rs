//! What the tests of all body parsers need: a sink that records, and ways to cut.

use super::lane::{Lane, Streams};
use crate::field::{Field, FieldSink};
use crate::finding::Finding;
use crate::random::Random;

/// What a sink was told, adjacent pieces joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Begin { collection: &'static str, name: String, shared: usize, parent: usize, at: u64 },
    Bytes(String, u64),
    Decoded(String, u64),
    End(u64),
    Finding(&'static str, u64),
}

/// Records events; checks what every sink may rely on.
#[derive(Clone, Default)]
pub(super) struct Recorder {
    pub(super) events: Vec<Event>,
    /// Bytes of values so far.
    pub(super) value_bytes: usize,
    /// Calls so far.
    pub(super) calls: usize,
    open: bool,
    last_name: Vec<u8>,
    last_end: u64,
}

/// A finished field: collection, name, value.
pub(super) type Row = (&'static str, String, String);

impl Recorder {
    /// The fields in order.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for event in &self.events {
            match event {
                Event::Begin { collection, name, .. } => {
                    rows.push((collection, name.clone(), String::new()));
                }
                Event::Bytes(text, _) | Event::Decoded(text, _) => {
                    rows.last_mut().unwrap().2.push_str(text);
                }
                Event::End(_) | Event::Finding(..) => {}
            }
        }
        rows
    }

    /// The findings in order.
    pub(super) fn findings(&self) -> Vec<(&'static str, u64)> {
        let finding = |event: &Event| match event {
            Event::Finding(id, at) => Some((*id, *at)),
            _ => None,
        };
        self.events.iter().filter_map(finding).collect()
    }

    /// Whether every field that began has ended.
    pub(super) fn is_closed(&self) -> bool {
        !self.open
    }

    fn knows(&mut self, end: u64) {
        assert!(end >= self.last_end, "offset {end} after {}", self.last_end);
        self.last_end = end;
    }
}

/// A recorder for each lane.
#[derive(Default)]
pub(super) struct Lanes {
    pub(super) raw: Recorder,
    pub(super) main: Recorder,
    pub(super) guess: Recorder,
}

impl Streams for Lanes {
    fn stream(&mut self, lane: Lane) -> &mut dyn FieldSink {
        match lane {
            Lane::Raw => &mut self.raw,
            Lane::Main => &mut self.main,
            Lane::Guess => &mut self.guess,
        }
    }
}

impl Lanes {
    fn all(&self) -> [&Recorder; 3] {
        [&self.raw, &self.main, &self.guess]
    }
}

/// Bytes as text, one character a byte, so that lengths stay true.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

impl FieldSink for Recorder {
    fn begin(&mut self, field: Field<'_>) {
        assert!(!std::mem::replace(&mut self.open, true), "fields never nest");
        let name = field.name;
        assert!(name.shared <= name.text.len() && name.parent <= name.text.len());
        assert_eq!(name.text[..name.shared], self.last_name[..name.shared], "shared is a prefix");
        self.last_name = name.text.to_vec();
        self.calls += 1;
        self.events.push(Event::Begin {
            collection: field.collection.name(),
            name: latin1(name.text),
            shared: name.shared,
            parent: name.parent,
            at: field.at,
        });
    }

    fn bytes(&mut self, bytes: &[u8], at: u64) {
        assert!(self.open, "a piece of an open field");
        self.calls += 1;
        if bytes.is_empty() {
            return;
        }
        self.value_bytes += bytes.len();
        self.knows(at + bytes.len() as u64);
        if let Some(Event::Bytes(text, from)) = self.events.last_mut()
            && *from + text.chars().count() as u64 == at
        {
            text.push_str(&latin1(bytes));
            return;
        }
        self.events.push(Event::Bytes(latin1(bytes), at));
    }

    fn decoded(&mut self, bytes: &[u8], end: u64) {
        assert!(self.open, "a piece of an open field");
        self.calls += 1;
        if bytes.is_empty() {
            return;
        }
        self.value_bytes += bytes.len();
        self.knows(end);
        self.events.push(Event::Decoded(latin1(bytes), end));
    }

    fn end(&mut self, end: u64) {
        assert!(std::mem::replace(&mut self.open, false), "no field to end");
        self.calls += 1;
        self.knows(end);
        self.events.push(Event::End(end));
    }

    fn finding(&mut self, finding: Finding, at: u64) {
        self.calls += 1;
        self.events.push(Event::Finding(finding.id(), at));
    }
}

/// Asserts that `parse` tells the same of `bytes` whole, byte by byte and cut at random; gives it.
pub(super) fn assert_chunking(bytes: &[u8], parse: impl Fn(&[&[u8]]) -> Recorder) -> Recorder {
    let whole = parse(&[bytes]);
    assert!(whole.is_closed(), "a field was left open: {}", bytes.escape_ascii());
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(parse(&single).events, whole.events, "byte by byte: {}", bytes.escape_ascii());
    for seed in 0..3 {
        let pieces = Random::new(seed).cut(bytes);
        assert_eq!(parse(&pieces).events, whole.events, "seed {seed}: {}", bytes.escape_ascii());
    }
    whole
}

/// The same for what goes to lanes.
pub(super) fn assert_lanes_chunking(bytes: &[u8], parse: impl Fn(&[&[u8]]) -> Lanes) -> Lanes {
    for lane in 0..3 {
        assert_chunking(bytes, |pieces| parse(pieces).all()[lane].clone());
    }
    parse(&[bytes])
}
