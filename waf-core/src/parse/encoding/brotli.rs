//! `br` (RFC 7932).

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::Step;
use crate::finding::Finding;
use crate::limits::BROTLI_WINDOW;

/// A brotli stream, its window bounded.
pub(super) struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    /// A byte was read, and with it the size of the window.
    begun: bool,
    ended: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        let state = BrotliState::new_strict(alloc(), alloc(), alloc());
        Self { state: Box::new(state), begun: false, ended: false }
    }

    /// The decompressor tells all it knows only when it asks for input, so it is given one byte at
    /// a time: what stands before a fault is then always told. It costs about a microsecond each.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        if let Some(&byte) = input.first().filter(|_| !self.begun) {
            if window(byte).is_some_and(|bits| bits > BROTLI_WINDOW) {
                return Step::failed(Finding::LimitInflate);
            }
            self.begun = true;
        }
        if self.ended {
            let trailing = !input.is_empty();
            return if trailing { Step::failed(Finding::ParseEncoding) } else { Step::fine(0, 0) };
        }
        self.run(input, output)
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (mut available_in, mut read) = (input.len(), 0);
        let (mut available_out, mut written) = (output.len(), 0);
        let mut total = 0;
        let result = BrotliDecompressStream(
            &mut available_in,
            &mut read,
            input,
            &mut available_out,
            &mut written,
            output,
            &mut total,
            &mut self.state,
        );
        self.ended = matches!(result, BrotliResult::ResultSuccess);
        match result {
            BrotliResult::ResultFailure => {
                Step { read, written, result: Err(Finding::ParseEncoding) }
            }
            _ => Step::fine(read, written),
        }
    }
}

/// The window that the first byte of a stream asks for, as a power of two (RFC 7932 section 9.1);
/// `None` for the one pattern that the format leaves invalid.
pub(super) fn window(byte: u8) -> Option<u32> {
    let bits = |shift: u32| u32::from(byte >> shift & 7);
    match (byte & 1, bits(1), bits(4)) {
        (0, ..) => Some(16),
        (_, 0, 0) => Some(17),
        (_, 0, 1) => None,
        (_, 0, n) => Some(8 + n),
        (_, n, _) => Some(17 + n),
    }
}
