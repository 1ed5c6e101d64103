//! [`Held`]: a short value kept until the name it is emitted under is known.

use crate::field::FieldSink;

/// Decoded bytes together with where they came from. The owner bounds its length.
#[derive(Default)]
pub(super) struct Held {
    text: Vec<u8>,
    runs: Vec<Run>,
}

/// A stretch of the text: from `start` to the next run's.
struct Run {
    start: usize,
    source: Source,
}

#[derive(Clone, Copy)]
enum Source {
    /// It stands in the source at this offset.
    Verbatim(u64),
    /// The source spells it otherwise, up to this offset.
    Decoded(u64),
}

impl Held {
    /// The bytes held.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Forgets everything, keeps the memory.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
    }

    /// Adds bytes that stand in the source at `at`.
    pub(super) fn bytes(&mut self, bytes: &[u8], at: u64) {
        if bytes.is_empty() {
            return;
        }
        if !self.continues(at) {
            self.runs.push(Run { start: self.text.len(), source: Source::Verbatim(at) });
        }
        self.text.extend_from_slice(bytes);
    }

    /// Adds bytes that the source spells otherwise, up to `end`.
    pub(super) fn decoded(&mut self, bytes: &[u8], end: u64) {
        self.runs.push(Run { start: self.text.len(), source: Source::Decoded(end) });
        self.text.extend_from_slice(bytes);
    }

    /// Gives the value to the field that is open in `sink`.
    pub(super) fn emit(&self, sink: &mut dyn FieldSink) {
        let ends = self.runs.iter().skip(1).map(|run| run.start).chain([self.text.len()]);
        for (run, end) in self.runs.iter().zip(ends) {
            let Some(bytes) = self.text.get(run.start..end) else { continue };
            match run.source {
                Source::Verbatim(at) => sink.bytes(bytes, at),
                Source::Decoded(end) => sink.decoded(bytes, end),
            }
        }
    }

    /// Whether a byte at `at` follows the last one in the source too.
    fn continues(&self, at: u64) -> bool {
        self.runs.last().is_some_and(|run| match run.source {
            Source::Verbatim(from) => from + (self.text.len() - run.start) as u64 == at,
            Source::Decoded(_) => false,
        })
    }
}
