//! A sink that adds up what it is told, so that parsers are measured alone.

use waf_core::field::{Field, FieldSink};
use waf_core::finding::Finding;
use waf_core::parse::lane::{Lane, Streams};

/// Counts fields, bytes and findings.
#[derive(Debug, Default)]
pub struct Count {
    /// Fields that began.
    pub fields: u64,
    /// Bytes of values.
    pub bytes: u64,
    /// Findings.
    pub findings: u64,
}

impl FieldSink for Count {
    fn begin(&mut self, _field: Field<'_>) {
        self.fields += 1;
    }

    fn bytes(&mut self, bytes: &[u8], _at: u64) {
        self.bytes += bytes.len() as u64;
    }

    fn decoded(&mut self, bytes: &[u8], _end: u64) {
        self.bytes += bytes.len() as u64;
    }

    fn end(&mut self, _end: u64) {}

    fn finding(&mut self, _finding: Finding, _at: u64) {
        self.findings += 1;
    }
}

impl Streams for Count {
    fn stream(&mut self, _lane: Lane) -> &mut dyn FieldSink {
        self
    }
}
