//! [`Quiet`]: the fields of a reading nobody asked for, without its complaints.

use crate::field::{Collection, Field, FieldSink};
use crate::finding::Finding;
use crate::parse::lane::{Lane, Streams};

/// Whether the open field is kept from the sink; survives the pieces of a body.
#[derive(Default)]
pub(super) struct Mute(bool);

/// Passes fields on, but neither findings nor the raw rest of what could not be parsed.
pub(super) struct Quiet<'a> {
    sink: &'a mut dyn FieldSink,
    mute: &'a mut Mute,
}

impl<'a> Quiet<'a> {
    pub(super) fn new(sink: &'a mut dyn FieldSink, mute: &'a mut Mute) -> Self {
        Self { sink, mute }
    }
}

impl FieldSink for Quiet<'_> {
    fn begin(&mut self, field: Field<'_>) {
        self.mute.0 = field.collection == Collection::RequestBody;
        if !self.mute.0 {
            self.sink.begin(field);
        }
    }

    fn bytes(&mut self, bytes: &[u8], at: u64) {
        if !self.mute.0 {
            self.sink.bytes(bytes, at);
        }
    }

    fn decoded(&mut self, bytes: &[u8], end: u64) {
        if !self.mute.0 {
            self.sink.decoded(bytes, end);
        }
    }

    fn end(&mut self, end: u64) {
        if !self.mute.0 {
            self.sink.end(end);
        }
    }

    fn finding(&mut self, _: Finding, _: u64) {}
}

/// The lanes of a guess: its fields go to [`Lane::Guess`]; what stands aside is dropped, for the
/// raw body is inspected anyway.
pub(super) struct GuessLanes<'a> {
    pub(super) fields: Quiet<'a>,
    pub(super) aside: Nothing,
}

impl Streams for GuessLanes<'_> {
    fn stream(&mut self, lane: Lane) -> &mut dyn FieldSink {
        match lane {
            Lane::Main | Lane::Guess => &mut self.fields,
            Lane::Raw => &mut self.aside,
        }
    }
}

/// Takes fields and does nothing with them.
pub(super) struct Nothing;

impl FieldSink for Nothing {
    fn begin(&mut self, _: Field<'_>) {}
    fn bytes(&mut self, _: &[u8], _: u64) {}
    fn decoded(&mut self, _: &[u8], _: u64) {}
    fn end(&mut self, _: u64) {}
    fn finding(&mut self, _: Finding, _: u64) {}
}
