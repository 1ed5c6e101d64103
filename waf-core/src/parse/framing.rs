//! Where a message body ends (RFC 9112 sections 6 and 7), read so strictly that no back end can
//! read it otherwise.

use super::head::RequestHead;
use crate::finding::Finding;
use crate::limits::{CHUNK_EXTENSIONS, TRAILERS};

/// How the length of an HTTP/1.x request body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

impl Framing {
    /// The framing that a head announces.
    ///
    /// Refused is what the RFC lets a server repair: both fields together, a length twice, equal or
    /// in a list, a coding other than the one spelling `chunked` that every client sends, and any
    /// coding in HTTP/1.0.
    pub fn of(head: &RequestHead) -> Result<Self, Finding> {
        let mut codings = head.values("transfer-encoding");
        let mut lengths = head.values("content-length");
        match (codings.next(), lengths.next()) {
            (None, None) => Ok(Self::None),
            (None, Some(length)) if lengths.next().is_none() => length_of(length).map(Self::Length),
            (Some(b"chunked"), None) if codings.next().is_none() && !is_old(head) => {
                Ok(Self::Chunked)
            }
            _ => Err(Finding::ProtocolFraming),
        }
    }

    /// Whether at least one byte of body is announced.
    pub fn has_body(self) -> bool {
        !matches!(self, Self::None | Self::Length(0))
    }
}

/// What a [`Chunked`] decoder found next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// Body bytes, at least one.
    Data(&'a [u8]),
    /// The input is used up.
    NeedMore,
    /// The body has ended; what is left of the input belongs to the next request.
    End,
}

/// Decodes a chunked body, in pieces. Extensions and trailers are skipped and bounded.
#[derive(Clone, Debug, Default)]
pub struct Chunked {
    state: State,
    /// Bytes that the current chunk still has, or its size while that is read.
    left: u64,
    /// Digits of the size so far.
    digits: u8,
    extensions: usize,
    trailers: usize,
}

/// Hexadecimal digits of a chunk size that 64 bits can hold.
const SIZE_DIGITS: u8 = 16;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Start,
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the start of a trailer line.
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    End,
    Failed(Finding),
}

impl Chunked {
    /// A decoder before the first byte of a body.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next thing in `input`, which is moved past it. Call again until it says
    /// [`Chunk::NeedMore`] or [`Chunk::End`]. An error is final.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Chunk<'a>, Finding> {
        loop {
            if self.state == State::End {
                return Ok(Chunk::End);
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(Chunk::NeedMore) };
            if self.state == State::Data {
                return Ok(Chunk::Data(self.data(input)));
            }
            match self.control(byte) {
                Ok(state) => self.state = state,
                Err(finding) => {
                    self.state = State::Failed(finding);
                    return Err(finding);
                }
            }
            *input = rest;
        }
    }

    /// Whether the whole body was read.
    pub fn is_ended(&self) -> bool {
        self.state == State::End
    }

    fn data<'a>(&mut self, input: &mut &'a [u8]) -> &'a [u8] {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
        let (data, rest) = input.split_at(length);
        *input = rest;
        self.left -= length as u64;
        if self.left == 0 {
            self.state = State::DataCr;
        }
        data
    }

    /// The state after one byte that is not data.
    fn control(&mut self, byte: u8) -> Result<State, Finding> {
        match (self.state, byte) {
            (State::Start | State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.digit(byte)
            }
            (State::Size, b';') => self.extension(),
            (State::Size | State::Extension, b'\r') => Ok(State::SizeLf),
            (State::Extension, b'\t' | b' '..=b'~' | 0x80..) => self.extension(),
            (State::SizeLf, b'\n') if self.left == 0 => Ok(State::TrailerStart),
            (State::SizeLf, b'\n') => Ok(State::Data),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Start),
            (State::TrailerStart, b'\r') => Ok(State::EndLf),
            (State::Trailer, b'\r') => Ok(State::TrailerLf),
            (State::TrailerLf, b'\n') => Ok(State::TrailerStart),
            (State::TrailerStart | State::Trailer, b'\t' | b' '..=b'~' | 0x80..) => self.trailer(),
            (State::EndLf, b'\n') => Ok(State::End),
            (State::Failed(finding), _) => Err(finding),
            _ => Err(Finding::ProtocolFraming),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<State, Finding> {
        // Leading zeros count too: they are no reason to read for ever.
        self.digits = if self.state == State::Start { 1 } else { self.digits + 1 };
        if self.digits > SIZE_DIGITS {
            return Err(Finding::ProtocolFraming);
        }
        let value = super::uri::hex(byte).ok_or(Finding::ProtocolFraming)?;
        self.left = self.left << 4 | u64::from(value);
        Ok(State::Size)
    }

    fn extension(&mut self) -> Result<State, Finding> {
        self.extensions += 1;
        if self.extensions > CHUNK_EXTENSIONS {
            return Err(Finding::ProtocolFraming);
        }
        Ok(State::Extension)
    }

    fn trailer(&mut self) -> Result<State, Finding> {
        self.trailers += 1;
        if self.trailers > TRAILERS {
            return Err(Finding::LimitHeaders);
        }
        Ok(State::Trailer)
    }
}

/// HTTP/1.0 and older know no transfer coding.
fn is_old(head: &RequestHead) -> bool {
    head.version.starts_with(b"HTTP/0") || head.version == b"HTTP/1.0"
}

fn length_of(text: &[u8]) -> Result<u64, Finding> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(Finding::ProtocolFraming);
    }
    let text = std::str::from_utf8(text).map_err(|_| Finding::ProtocolFraming)?;
    text.parse().map_err(|_| Finding::ProtocolFraming)
}

#[cfg(test)]
mod tests;
