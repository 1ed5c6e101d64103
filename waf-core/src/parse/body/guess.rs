//! What a body looks like: [`Guess`] parses one of unknown type, [`Start`] sees wide characters.

use super::quiet::{GuessLanes, Mute, Nothing, Quiet};
use crate::limits::Limits;
use crate::parse::json::Json;
use crate::parse::lane::{Lane, Streams};
use crate::parse::xml::Xml;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A body read as JSON or XML when its first byte that is no blank says so.
pub(super) struct Guess {
    reading: Reading,
    limits: Limits,
    /// Bytes before that byte.
    skipped: u64,
    mute: Mute,
}

enum Reading {
    Undecided,
    Json(Json),
    Xml(Xml),
    Nothing,
}

impl Guess {
    pub(super) fn new(limits: &Limits) -> Self {
        let reading = Reading::Undecided;
        Self { reading, limits: limits.clone(), skipped: 0, mute: Mute::default() }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut dyn Streams) {
        let mut rest = bytes;
        while let (Reading::Undecided, Some((&byte, after))) = (&self.reading, rest.split_first()) {
            match self.decide(byte) {
                Some(reading) => self.reading = reading,
                None => rest = after,
            }
        }
        let sink = out.stream(Lane::Guess);
        let fields = Quiet::new(sink, &mut self.mute);
        let mut lanes = GuessLanes { fields, aside: Nothing };
        match &mut self.reading {
            Reading::Json(json) => json.feed(rest, &mut lanes.fields),
            Reading::Xml(xml) => xml.feed(rest, &mut lanes),
            Reading::Undecided | Reading::Nothing => {}
        }
    }

    pub(super) fn finish(&mut self, out: &mut dyn Streams) {
        let fields = Quiet::new(out.stream(Lane::Guess), &mut self.mute);
        let mut lanes = GuessLanes { fields, aside: Nothing };
        match &mut self.reading {
            Reading::Json(json) => json.finish(&mut lanes.fields),
            Reading::Xml(xml) => xml.finish(&mut lanes),
            Reading::Undecided | Reading::Nothing => {}
        }
    }

    /// What a body is whose first byte that counts is `byte`; none when it does not count.
    fn decide(&mut self, byte: u8) -> Option<Reading> {
        let at = self.skipped;
        match byte {
            b'{' | b'[' => Some(Reading::Json(Json::new(&self.limits).starting_at(at))),
            b'<' => Some(Reading::Xml(Xml::new(&self.limits).starting_at(at))),
            _ if byte.is_ascii_whitespace() || self.continues_mark(byte) => {
                self.skipped += 1;
                None
            }
            _ => Some(Reading::Nothing),
        }
    }

    /// Whether `byte` is the next of a byte order mark in front of everything.
    fn continues_mark(&self, byte: u8) -> bool {
        usize::try_from(self.skipped).ok().and_then(|at| BYTE_ORDER_MARK.get(at)) == Some(&byte)
    }
}

/// The first four bytes of a text.
#[derive(Default)]
pub(super) struct Start {
    bytes: [u8; 4],
    len: usize,
}

impl Start {
    /// Whether it has them all.
    pub(super) fn is_complete(&self) -> bool {
        self.len == self.bytes.len()
    }

    /// Takes what it still misses; true when that shows UTF-16 or UTF-32.
    ///
    /// A mark of two bytes, or the NUL that ASCII has in such an encoding (RFC 4627 section 3,
    /// XML 1.0 appendix F), is told with the byte that completes it.
    pub(super) fn is_wide_after(&mut self, bytes: &[u8]) -> bool {
        let was = self.is_wide();
        for (slot, &byte) in self.bytes.iter_mut().skip(self.len).zip(bytes) {
            *slot = byte;
            self.len += 1;
        }
        !was && self.is_wide()
    }

    fn is_wide(&self) -> bool {
        let seen = self.bytes.get(..self.len).unwrap_or(&[]);
        seen.starts_with(b"\xFE\xFF") || seen.starts_with(b"\xFF\xFE") || seen.contains(&0)
    }
}
