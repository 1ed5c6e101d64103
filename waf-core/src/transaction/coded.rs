//! The body as received and as decoded: two ways to count the same bytes.

use std::collections::VecDeque;

use crate::finding::Finding;
use crate::limits::Limits;
use crate::parse::encoding::{Coding, Decoder};
use crate::parse::head::RequestHead;
use crate::parse::request;

/// Pairs of (received, decoded) kept to tell how far received bytes may go on.
const MARKS: usize = 64;

/// Reads a body with or without a content coding.
#[derive(Debug)]
pub(super) struct Coded {
    decoder: Option<Decoder>,
    /// The coding failed, or is one we cannot read: bytes are counted only.
    closed: bool,
    received: u64,
    decoded: u64,
    marks: VecDeque<(u64, u64)>,
}

impl Coded {
    /// Bytes that stand for themselves.
    pub(super) fn identity() -> Self {
        Self { decoder: None, closed: false, received: 0, decoded: 0, marks: VecDeque::new() }
    }

    /// The coding that the head names. Where it cannot be read, which is a finding of the head, the
    /// bytes are looked at as they are.
    pub(super) fn of(head: &RequestHead) -> Self {
        Self::decoding(request::content_coding(head).ok().flatten())
    }

    /// This coding, if there is one.
    pub(super) fn decoding(coding: Option<Coding>) -> Self {
        Self { decoder: coding.map(Decoder::of), ..Self::identity() }
    }

    /// Whether bytes are decoded.
    pub(super) fn is_coded(&self) -> bool {
        self.decoder.is_some()
    }

    /// Body bytes received.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Body bytes after decoding: what offsets count.
    pub(super) fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Bytes that are received and not looked at.
    pub(super) fn count(&mut self, piece: &[u8]) {
        self.received += piece.len() as u64;
    }

    /// Decodes a piece.
    ///
    /// # Errors
    /// The finding, once, when the coding is broken or a bomb.
    pub(super) fn feed(
        &mut self,
        piece: &[u8],
        limits: &Limits,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Finding> {
        self.received += piece.len() as u64;
        let Some(decoder) = &mut self.decoder else {
            self.decoded += piece.len() as u64;
            sink(piece);
            return Ok(());
        };
        if self.closed {
            return Ok(());
        }
        let decoded = &mut self.decoded;
        let result = decoder.feed(piece, limits, &mut |bytes| {
            *decoded += bytes.len() as u64;
            sink(bytes);
        });
        self.closed = result.is_err();
        self.mark();
        result
    }

    /// The body ends.
    ///
    /// # Errors
    /// The finding, when the coding was cut short.
    pub(super) fn finish(&mut self) -> Result<(), Finding> {
        match &mut self.decoder {
            Some(decoder) if !self.closed && self.received > 0 => decoder.finish(),
            _ => Ok(()),
        }
    }

    /// Received bytes that hold nothing beyond `decoded`.
    pub(super) fn received_for(&mut self, decoded: u64) -> u64 {
        if self.decoder.is_none() {
            return decoded;
        }
        if self.closed {
            return self.received;
        }
        let mut received = 0;
        while let Some(&(raw, plain)) = self.marks.front().filter(|(_, plain)| *plain <= decoded) {
            received = raw;
            self.marks.pop_front();
            // Kept as the floor of the next question.
            if self.marks.front().is_none_or(|(_, next)| *next > decoded) {
                self.marks.push_front((raw, plain));
                break;
            }
        }
        received
    }

    fn mark(&mut self) {
        if self.marks.len() >= MARKS {
            // Every other one: coarser, never wrong.
            let mut keep = false;
            self.marks.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.marks.push_back((self.received, self.decoded));
    }
}
