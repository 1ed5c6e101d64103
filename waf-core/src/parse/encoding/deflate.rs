//! `deflate`: a zlib stream (RFC 1950), or a bare deflate stream (RFC 1951).

use flate2::{Decompress, FlushDecompress, Status};

use super::Step;
use crate::finding::Finding;

/// One stream of either kind. Which one is told by the first two bytes: a bare stream that began
/// like a zlib header would have to begin with a padded stored block, which no encoder writes.
pub(super) struct Deflate {
    /// The first byte, while it may begin a zlib header.
    first: Option<u8>,
    inflate: Option<Decompress>,
    ended: bool,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self { first: None, inflate: None, ended: false }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let Some(&byte) = input.first().filter(|_| self.inflate.is_none()) else {
            return self.inflate(input, output);
        };
        if self.first.is_none() && is_method(byte) {
            self.first = Some(byte);
            return Step::fine(1, 0);
        }
        let mut inflate = Decompress::new(self.first.is_some_and(|first| is_header(first, byte)));
        if let Some(first) = self.first {
            // A single byte holds no whole symbol, so nothing comes out yet.
            let (step, _) = run(&mut inflate, &[first], output);
            if step.result.is_err() {
                return step;
            }
        }
        self.inflate = Some(inflate);
        self.inflate(input, output)
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match &mut self.inflate {
            Some(_) if self.ended && !input.is_empty() => Step::failed(Finding::ParseEncoding),
            Some(inflate) if !self.ended => {
                let (step, ended) = run(inflate, input, output);
                self.ended = ended;
                step
            }
            _ => Step::fine(0, 0),
        }
    }
}

/// One call of the decompressor, and whether its stream ended.
pub(super) fn run(inflate: &mut Decompress, input: &[u8], output: &mut [u8]) -> (Step, bool) {
    let (read, written) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, FlushDecompress::None);
    // At most the lengths of the two slices.
    let count = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
    let step = Step {
        read: count(inflate.total_in(), read),
        written: count(inflate.total_out(), written),
        result: status.as_ref().map(|_| ()).map_err(|_| Finding::ParseEncoding),
    };
    (step, matches!(status, Ok(Status::StreamEnd)))
}

/// Whether a byte names method 8 with a window that exists (RFC 1950 section 2.2).
fn is_method(byte: u8) -> bool {
    byte & 0x0f == 8 && byte >> 4 <= 7
}

fn is_header(first: u8, second: u8) -> bool {
    (u16::from(first) << 8 | u16::from(second)).is_multiple_of(31)
}
