//! The three streams of fields that the parsers of one body may write at once.

use crate::field::{Field, FieldSink};
use crate::finding::Finding;
use crate::parse::body::{Lane as BodyLane, Streams};
use crate::scan::{Lane, LaneSink, ScanContext};

/// The lanes at work; one of them is being written.
pub(super) struct Lanes<'a> {
    lanes: &'a mut [Lane; 3],
    context: ScanContext<'a>,
    /// How the body's own type is parsed.
    processor: Option<&'static str>,
}

impl<'a> Lanes<'a> {
    pub(super) fn new(
        lanes: &'a mut [Lane; 3],
        context: ScanContext<'a>,
        processor: Option<&'static str>,
    ) -> Self {
        Self { lanes, context, processor }
    }

    fn sink(&mut self) -> LaneSink<'_, 'a> {
        LaneSink { lane: &mut self.lanes[self.context.lane], context: &mut self.context }
    }
}

impl Streams for Lanes<'_> {
    fn stream(&mut self, lane: BodyLane) -> &mut dyn FieldSink {
        (self.context.lane, self.context.parser) = match lane {
            BodyLane::Raw => (0, None),
            BodyLane::Main => (1, self.processor),
            BodyLane::Guess => (2, None),
        };
        self
    }
}

impl FieldSink for Lanes<'_> {
    fn begin(&mut self, field: Field<'_>) {
        self.sink().begin(field);
    }

    fn bytes(&mut self, bytes: &[u8], at: u64) {
        self.sink().bytes(bytes, at);
    }

    fn decoded(&mut self, bytes: &[u8], end: u64) {
        self.sink().decoded(bytes, end);
    }

    fn end(&mut self, end: u64) {
        self.sink().end(end);
    }

    fn finding(&mut self, finding: Finding, at: u64) {
        self.sink().finding(finding, at);
    }

    fn passed(&mut self, offset: u64) {
        self.sink().passed(offset);
    }
}
