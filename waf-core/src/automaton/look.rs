//! Look-around: what stands before and after a position decides it.

use regex_automata::util::look::{Look, LookSet};

/// What stands on one side of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Kind {
    /// The start of the value (before), its end (after).
    Edge,
    /// `\n`
    LineFeed,
    /// `\r`
    Return,
    /// `[0-9A-Za-z_]`
    Word,
    /// Any other byte.
    Other,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Edge, Self::LineFeed, Self::Return, Self::Word, Self::Other];

    /// The kind of a byte.
    pub(super) fn of(byte: u8) -> Self {
        match byte {
            b'\n' => Self::LineFeed,
            b'\r' => Self::Return,
            b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Self::Word,
            _ => Self::Other,
        }
    }

    /// The kind with this number.
    pub(super) fn from_number(number: u16) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Other)
    }

    /// The same for every look-around of `looks`, and one of as few as possible: kinds that are not
    /// told apart must not multiply states.
    pub(super) fn reduced(self, looks: LookSet) -> Self {
        let crlf = looks.contains(Look::StartCRLF) || looks.contains(Look::EndCRLF);
        let lines = crlf || looks.contains(Look::StartLF) || looks.contains(Look::EndLF);
        let matters = match self {
            Self::Edge => true,
            Self::LineFeed => lines,
            Self::Return => crlf,
            Self::Word | Self::Other => looks.contains_word(),
        };
        if matters { self } else { Self::Other }
    }
}

/// Whether a look-around holds between two neighbours.
pub(super) fn holds(look: Look, before: Kind, after: Kind) -> bool {
    use Kind::{Edge, LineFeed, Return, Word};
    match look {
        Look::Start => before == Edge,
        Look::End => after == Edge,
        Look::StartLF => matches!(before, Edge | LineFeed),
        Look::EndLF => matches!(after, Edge | LineFeed),
        Look::StartCRLF => {
            matches!(before, Edge | LineFeed) || (before == Return && after != LineFeed)
        }
        Look::EndCRLF => matches!(after, Edge | Return) || (after == LineFeed && before != Return),
        Look::WordAscii => (before == Word) != (after == Word),
        Look::WordAsciiNegate => (before == Word) == (after == Word),
        Look::WordStartAscii => before != Word && after == Word,
        Look::WordEndAscii => before == Word && after != Word,
        Look::WordStartHalfAscii => before != Word,
        Look::WordEndHalfAscii => after != Word,
        // Refused when a cluster is built.
        Look::WordUnicode
        | Look::WordUnicodeNegate
        | Look::WordStartUnicode
        | Look::WordEndUnicode
        | Look::WordStartHalfUnicode
        | Look::WordEndHalfUnicode => false,
    }
}

/// Whether a look-around holds, where what stands before is enough to tell.
pub(super) fn decided(look: Look, before: Kind) -> Option<bool> {
    let holds = Kind::ALL.map(|after| holds(look, before, after));
    holds.iter().all(|&it| it == holds[0]).then_some(holds[0])
}
