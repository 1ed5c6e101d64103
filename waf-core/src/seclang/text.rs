//! Bytes, and where each of them stood in the file.
//!
//! A rule may be spread over lines, quoted twice and full of escapes. A complaint about it still has
//! to point at what the author sees, so text is never cut loose from its place.

use std::ops::Range;
use std::sync::Arc;

use crate::source::{Report, Source, Span};

/// A part of a file after joining lines and removing quotes and escapes.
#[derive(Clone, Debug)]
pub(super) struct Text {
    source: Arc<Source>,
    bytes: Vec<u8>,
    /// Stretches that stand in the file just so, by rising `at`.
    runs: Vec<Run>,
    /// Offset in the file behind the last byte.
    end: usize,
}

/// From byte `at` of the text on, bytes stand in the file from `place` on.
#[derive(Clone, Copy, Debug)]
struct Run {
    at: usize,
    place: usize,
}

impl Text {
    /// No bytes; what is pushed is expected to stand at `place` or later.
    pub(super) fn new(source: &Arc<Source>, place: usize) -> Self {
        Self { source: Arc::clone(source), bytes: Vec::new(), runs: Vec::new(), end: place }
    }

    /// Adds bytes that stand in the file from `place` on.
    pub(super) fn push(&mut self, bytes: &[u8], place: usize) {
        if bytes.is_empty() {
            return;
        }
        if self.runs.is_empty() || place != self.end {
            self.runs.push(Run { at: self.bytes.len(), place });
        }
        self.bytes.extend_from_slice(bytes);
        self.end = place + bytes.len();
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// As text; bytes outside UTF-8 become U+FFFD.
    pub(super) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The byte at `at`, `None` behind the end.
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The offset in the file of the byte at `at`; behind the end, that of the end.
    pub(super) fn place(&self, at: usize) -> usize {
        if at >= self.bytes.len() {
            return self.end;
        }
        let after = self.runs.partition_point(|run| run.at <= at);
        let run = after.checked_sub(1).and_then(|index| self.runs.get(index));
        run.map_or(self.end, |run| run.place + (at - run.at))
    }

    /// Whether a line of the file was joined to another right before the byte at `at`.
    pub(super) fn is_join(&self, at: usize) -> bool {
        at > 0 && self.runs.binary_search_by_key(&at, |run| run.at).is_ok()
    }

    /// A part of it.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.bytes.len());
        let start = range.start.min(end);
        let mut part = Self::new(&self.source, self.place(start));
        let inner = self.runs.iter().map(|run| run.at).filter(|&at| start < at && at < end);
        let mut from = start;
        for to in inner.chain([end]) {
            part.push(&self.bytes[from..to], self.place(from));
            from = to;
        }
        part
    }

    /// From `start` to the end.
    pub(super) fn tail(&self, start: usize) -> Self {
        self.slice(start..self.len())
    }

    /// Without the blanks before it.
    pub(super) fn trim_start(&self) -> Self {
        self.tail(self.bytes.iter().take_while(|&&byte| is_blank(byte)).count())
    }

    /// Without blanks around it.
    pub(super) fn trim(&self) -> Self {
        let after = self.bytes.iter().rev().take_while(|&&byte| is_blank(byte)).count();
        self.slice(0..self.len() - after).trim_start()
    }

    /// The two parts around the first `byte`, which is in neither.
    pub(super) fn split_once(&self, byte: u8) -> Option<(Self, Self)> {
        let at = self.bytes.iter().position(|&found| found == byte)?;
        Some((self.slice(0..at), self.tail(at + 1)))
    }

    /// The parts between bytes for which `cut` holds.
    pub(super) fn split(&self, cut: impl Fn(u8) -> bool) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut start = 0;
        for (at, &byte) in self.bytes.iter().enumerate() {
            if cut(byte) {
                parts.push(self.slice(start..at));
                start = at + 1;
            }
        }
        parts.push(self.tail(start));
        parts
    }

    /// Where the whole stood.
    pub(super) fn span(&self) -> Span {
        self.part(0..self.len())
    }

    /// Where a part stood.
    pub(super) fn part(&self, range: Range<usize>) -> Span {
        let start = self.place(range.start);
        let end = match range.end.min(self.len()).checked_sub(1) {
            Some(last) if last >= range.start => self.place(last) + 1,
            _ => start,
        };
        Span::new(&self.source, start, end)
    }

    /// An error about the whole.
    pub(super) fn error(&self, message: impl Into<String>) -> Report {
        Report::error(Some(self.span()), message)
    }

    /// A warning about the whole.
    pub(super) fn warning(&self, message: impl Into<String>) -> Report {
        Report::warning(Some(self.span()), message)
    }
}

/// What separates words: C's `isspace`.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined() -> Text {
        let source = Source::new("a.conf", "abc \\\n  def");
        let mut text = Text::new(&source, 0);
        text.push(b"abc ", 0);
        text.push(b"def", 8);
        text
    }

    #[test]
    fn every_byte_keeps_its_place() {
        let text = joined();
        let places: Vec<usize> = (0..=text.len()).map(|at| text.place(at)).collect();
        assert_eq!(places, [0, 1, 2, 3, 8, 9, 10, 11]);
        let part = text.slice(2..6);
        assert_eq!(part.bytes(), b"c de");
        assert_eq!((0..=4).map(|at| part.place(at)).collect::<Vec<_>>(), [2, 3, 8, 9, 10]);
    }

    #[test]
    fn a_span_covers_what_lies_between() {
        let span = joined().part(2..5);
        assert_eq!((span.start, span.end), (2, 9));
        let empty = joined().slice(4..4);
        assert_eq!((empty.span().start, empty.span().end), (8, 8));
    }

    #[test]
    fn parts() {
        let show = |parts: Vec<Text>| parts.iter().map(Text::shown).collect::<Vec<_>>();
        assert_eq!(show(joined().split(|byte| byte == b'd')), ["abc ", "ef"]);
        let (before, after) = joined()
            .split_once(b' ')
            .map_or_else(Default::default, |(a, b)| (a.shown(), b.shown()));
        assert_eq!((before.as_str(), after.as_str()), ("abc", "def"));
        assert_eq!(joined().slice(2..4).trim().shown(), "c");
    }
}
