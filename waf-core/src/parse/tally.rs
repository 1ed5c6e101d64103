//! [`Tally`]: what every body parser counts on the way to its sink.

use crate::field::{Collection, Field, FieldName, FieldSink};
use crate::finding::Finding;
use crate::limits::Limits;

/// Findings are told once, fields are counted.
pub(super) struct Tally {
    /// A bit for each finding told.
    told: u64,
    fields: usize,
    limit: usize,
}

// Every finding has a bit in `told`.
const _: () = assert!(Finding::ALL.len() <= u64::BITS as usize);

impl Tally {
    /// Nothing told, nothing counted.
    pub(super) fn new(limits: &Limits) -> Self {
        Self { told: 0, fields: 0, limit: limits.fields }
    }

    /// Tells a finding unless it has been told.
    pub(super) fn finding(&mut self, finding: Finding, at: u64, sink: &mut dyn FieldSink) {
        let bit = 1 << finding as u32;
        if self.told & bit == 0 {
            self.told |= bit;
            sink.finding(finding, at);
        }
    }

    /// Counts a field that begins at `at`.
    pub(super) fn field(&mut self, at: u64, sink: &mut dyn FieldSink) {
        self.fields = self.fields.saturating_add(1);
        if self.fields > self.limit {
            self.finding(Finding::LimitFields, at, sink);
        }
    }

    /// Begins the field that takes what a parser cannot read. It does not count.
    pub(super) fn begin_rest(at: u64, sink: &mut dyn FieldSink) {
        sink.begin(Field { collection: Collection::RequestBody, name: FieldName::none(), at });
    }
}
