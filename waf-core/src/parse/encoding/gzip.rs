//! `gzip` (RFC 1952): members one after the other, their checks verified.

use flate2::{Crc, Decompress};

use super::{Step, deflate};
use crate::finding::Finding;

/// A gzip stream. Only the deflate data is kept for a while; names and comments are skipped.
pub(super) struct Gzip {
    part: Part,
    /// Bytes of the part already read.
    count: u32,
    /// The number that the part holds, least byte first.
    number: u64,
    flags: u8,
    /// Length of the extra field.
    extra: u32,
    header: Crc,
    data: Crc,
    inflate: Decompress,
    members: bool,
}

/// The parts of a member in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Part {
    Fixed,
    ExtraLength,
    Extra,
    Name,
    Comment,
    HeaderCrc,
    Data,
    Trailer,
}

const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            part: Part::Fixed,
            count: 0,
            number: 0,
            flags: 0,
            extra: 0,
            header: Crc::new(),
            data: Crc::new(),
            inflate: Decompress::new(false),
            members: false,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        if self.part == Part::Data {
            return self.inflate(input, output);
        }
        let Some(&byte) = input.first() else { return Step::fine(0, 0) };
        match self.byte(byte) {
            Some(()) => Step::fine(1, 0),
            None => Step::failed(Finding::ParseEncoding),
        }
    }

    pub(super) fn is_ended(&self) -> bool {
        self.members && self.part == Part::Fixed && self.count == 0
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (step, ended) = deflate::run(&mut self.inflate, input, output);
        self.data.update(&output[..step.written]);
        if ended {
            self.enter(Part::Trailer);
        }
        step
    }

    /// One byte outside the deflate data; `None` when it is wrong.
    fn byte(&mut self, byte: u8) -> Option<()> {
        let done = match self.part {
            Part::Fixed => self.fixed(byte)?,
            Part::ExtraLength => self.number(byte, 2),
            Part::Extra => self.count + 1 == self.extra,
            Part::Name | Part::Comment => byte == 0,
            Part::HeaderCrc => self.number(byte, 2),
            Part::Trailer => self.number(byte, 8),
            Part::Data => false,
        };
        if self.part < Part::HeaderCrc {
            self.header.update(&[byte]);
        }
        self.count = self.count.wrapping_add(1);
        if done { self.end_part() } else { Some(()) }
    }

    /// A byte of the ten that begin a member; whether it is the last.
    fn fixed(&mut self, byte: u8) -> Option<bool> {
        let fine = match self.count {
            0 => byte == 0x1f,
            1 => byte == 0x8b,
            2 => byte == 8,
            3 => byte & RESERVED == 0,
            _ => true,
        };
        if self.count == 3 {
            self.flags = byte;
        }
        fine.then_some(self.count == 9)
    }

    /// A byte of a number; whether it is the last.
    fn number(&mut self, byte: u8, bytes: u32) -> bool {
        self.number |= u64::from(byte) << (8 * self.count.min(7));
        self.count + 1 == bytes
    }

    /// A part ended: checks what it said, goes to the next that the flags announce.
    fn end_part(&mut self) -> Option<()> {
        match self.part {
            Part::ExtraLength => self.extra = u32::try_from(self.number).unwrap_or_default(),
            Part::HeaderCrc if self.number != u64::from(self.header.sum() & 0xffff) => return None,
            Part::Trailer => {
                let sums = u64::from(self.data.amount()) << 32 | u64::from(self.data.sum());
                if self.number != sums {
                    return None;
                }
                self.end_member();
                return Some(());
            }
            _ => {}
        }
        let next = [
            (Part::ExtraLength, self.flags & FEXTRA != 0),
            (Part::Extra, self.part == Part::ExtraLength && self.extra > 0),
            (Part::Name, self.flags & FNAME != 0),
            (Part::Comment, self.flags & FCOMMENT != 0),
            (Part::HeaderCrc, self.flags & FHCRC != 0),
            (Part::Data, true),
        ];
        let next = next.into_iter().find(|&(part, there)| there && part > self.part);
        self.enter(next.map_or(Part::Data, |(part, _)| part));
        Some(())
    }

    fn end_member(&mut self) {
        self.inflate.reset(false);
        self.header.reset();
        self.data.reset();
        self.members = true;
        self.enter(Part::Fixed);
    }

    fn enter(&mut self, part: Part) {
        self.part = part;
        self.count = 0;
        self.number = 0;
    }
}
