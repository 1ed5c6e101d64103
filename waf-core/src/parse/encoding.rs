//! Decodes a Content-Encoding (RFC 9110 section 8.4.1) as it streams, in constant memory.

mod brotli;
mod deflate;
mod gzip;

use crate::finding::Finding;
use crate::limits::{INFLATE_FREE, Limits, STREAM_BLOCK};

/// A content coding that can be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 1950, and the bare RFC 1951 that some clients send under the same name.
    Deflate,
    /// RFC 7932.
    Brotli,
}

impl Coding {
    /// The coding with this name, compared without case; `x-gzip` is the same as `gzip`.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            b"br" => Some(Self::Brotli),
            _ => None,
        }
    }

    /// The name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        }
    }
}

/// Decodes one body, in pieces.
///
/// It holds a window of 32 KiB, or of [`BROTLI_WINDOW`](crate::limits::BROTLI_WINDOW), and one
/// block of output, whatever the body.
pub struct Decoder {
    stream: Stream,
    /// The output of one step.
    block: Vec<u8>,
    read: u64,
    written: u64,
    failed: Option<Finding>,
}

impl Decoder {
    /// A decoder for a coding by its name; `None` for one that is not known.
    pub fn new(name: &[u8]) -> Option<Self> {
        Coding::from_name(name).map(Self::of)
    }

    /// A decoder for a coding.
    pub fn of(coding: Coding) -> Self {
        let stream = match coding {
            Coding::Gzip => Stream::Gzip(gzip::Gzip::new()),
            Coding::Deflate => Stream::Deflate(deflate::Deflate::new()),
            Coding::Brotli => Stream::Brotli(brotli::Brotli::new()),
        };
        Self { stream, block: vec![0; STREAM_BLOCK], read: 0, written: 0, failed: None }
    }

    /// Decodes the next piece; `sink` gets what it holds, at most [`STREAM_BLOCK`] bytes at a time.
    ///
    /// Refused are data that do not decode or that follow the end of the stream (`parse-encoding`),
    /// and output beyond `limits.inflate_ratio` (`limit-inflate`). An error is final; what was
    /// decoded before it was given out, whatever the pieces.
    pub fn feed(
        &mut self,
        input: &[u8],
        limits: &Limits,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Finding> {
        if let Some(finding) = self.failed {
            return Err(finding);
        }
        let result = self.steps(input, limits, sink);
        self.failed = result.err();
        result
    }

    /// The body ends; refused (`parse-encoding`) when the stream did not.
    pub fn finish(&self) -> Result<(), Finding> {
        match self.failed {
            Some(finding) => Err(finding),
            None if self.stream.is_ended() => Ok(()),
            None => Err(Finding::ParseEncoding),
        }
    }

    /// Cuts the input where the pieces do not matter: the allowance of output grows at fixed
    /// offsets of the input only.
    fn steps(
        &mut self,
        mut input: &[u8],
        limits: &Limits,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Finding> {
        while !input.is_empty() {
            let stride_end = (self.read / STRIDE + 1) * STRIDE;
            let allowed = limits.inflate_ratio.saturating_mul(stride_end).max(INFLATE_FREE);
            let left = usize::try_from(stride_end - self.read).unwrap_or(usize::MAX);
            let length = left.min(self.stream.stride()).min(input.len());
            self.drain(&input[..length], allowed, sink)?;
            input = &input[length..];
        }
        Ok(())
    }

    /// Decodes all of `input` and gives out all that came of it.
    fn drain(
        &mut self,
        mut input: &[u8],
        allowed: u64,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Finding> {
        loop {
            let step = self.stream.step(input, &mut self.block);
            input = &input[step.read..];
            self.read += step.read as u64;
            let room = usize::try_from(allowed - self.written).unwrap_or(usize::MAX);
            let told = step.written.min(room);
            if told > 0 {
                sink(&self.block[..told]);
            }
            self.written += told as u64;
            if told < step.written {
                return Err(Finding::LimitInflate);
            }
            step.result?;
            // A full block may have left output behind.
            if input.is_empty() && step.written < self.block.len() {
                return Ok(());
            }
            if step.read == 0 && step.written == 0 {
                return Err(Finding::ParseEncoding);
            }
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("read", &self.read)
            .field("written", &self.written)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Bytes of input between two looks at the ratio. The output may run ahead by `inflate_ratio` times
/// this.
const STRIDE: u64 = 256;

/// What one step of a stream did.
struct Step {
    /// Bytes of input used.
    read: usize,
    /// Bytes of output made; they are good even when the step failed behind them.
    written: usize,
    result: Result<(), Finding>,
}

impl Step {
    fn fine(read: usize, written: usize) -> Self {
        Self { read, written, result: Ok(()) }
    }

    fn failed(finding: Finding) -> Self {
        Self { read: 0, written: 0, result: Err(finding) }
    }
}

enum Stream {
    Gzip(gzip::Gzip),
    Deflate(deflate::Deflate),
    Brotli(brotli::Brotli),
}

impl Stream {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate(deflate) => deflate.step(input, output),
            Self::Brotli(brotli) => brotli.step(input, output),
        }
    }

    /// Whether the stream is whole so far.
    fn is_ended(&self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.is_ended(),
            Self::Deflate(deflate) => deflate.is_ended(),
            Self::Brotli(brotli) => brotli.is_ended(),
        }
    }

    /// Bytes of input that may be given at once, so that a failure hides no output.
    fn stride(&self) -> usize {
        match self {
            Self::Gzip(_) | Self::Deflate(_) => usize::MAX,
            Self::Brotli(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests;
