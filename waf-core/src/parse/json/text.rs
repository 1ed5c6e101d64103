//! The inside of a string (RFC 8259 section 7), as a decoder that stops at any byte.

/// Longest escape: a surrogate pair, `\uD83D\uDE00`.
const ESCAPE: usize = 12;

/// What the decoder made of the next bytes.
pub(super) enum Piece<'a> {
    /// They stand for themselves.
    Verbatim(&'a [u8]),
    /// They complete an escape that spells this character.
    Decoded(char),
    /// They are part of an escape.
    Pending,
    /// The closing quote.
    Closed,
    /// The next byte, which was not taken, cannot stand here.
    Invalid,
}

/// The state inside a string, after its opening quote.
#[derive(Default)]
pub(super) struct Text {
    utf8: Utf8,
    escape: [u8; ESCAPE],
    /// Bytes of `escape` in use: 0 outside an escape.
    escaped: usize,
}

impl Text {
    /// Takes at least one byte of `input`, which is not empty, unless it is invalid.
    pub(super) fn step<'a>(&mut self, input: &'a [u8]) -> (usize, Piece<'a>) {
        let Some(&byte) = input.first() else { return (0, Piece::Pending) };
        if self.escaped > 0 {
            return self.escape(byte);
        }
        match self.plain(input) {
            0 if !self.utf8.is_complete() => (0, Piece::Invalid),
            0 if byte == b'"' => (1, Piece::Closed),
            0 if byte == b'\\' => self.escape(byte),
            0 => (0, Piece::Invalid),
            run => (run, Piece::Verbatim(input.get(..run).unwrap_or(input))),
        }
    }

    /// The bytes of an escape that is not complete.
    pub(super) fn pending(&self) -> &[u8] {
        self.escape.get(..self.escaped).unwrap_or(&[])
    }

    /// How many bytes at the front of `input` stand for themselves.
    fn plain(&mut self, input: &[u8]) -> usize {
        let mut run = 0;
        while let Some(rest @ [byte, ..]) = input.get(run..) {
            let is_new = self.utf8.is_complete();
            // Most text is ASCII, and runs of it are taken at once.
            let plain = || rest.iter().take_while(|&&byte| is_plain_ascii(byte)).count();
            let plain = if is_new { plain() } else { 0 };
            if plain == 0 && (is_new && byte.is_ascii() || !self.utf8.accept(*byte)) {
                break;
            }
            run += plain.max(1);
        }
        run
    }

    fn escape<'a>(&mut self, byte: u8) -> (usize, Piece<'a>) {
        let Some(slot) = self.escape.get_mut(self.escaped) else { return (0, Piece::Invalid) };
        *slot = byte;
        match decode(self.escape.get(..=self.escaped).unwrap_or(&[])) {
            Ok(Some(decoded)) => {
                self.escaped = 0;
                (1, Piece::Decoded(decoded))
            }
            Ok(None) => {
                self.escaped += 1;
                (1, Piece::Pending)
            }
            Err(NotAnEscape) => (0, Piece::Invalid),
        }
    }
}

/// Whether a byte of a string is a character that stands for itself.
fn is_plain_ascii(byte: u8) -> bool {
    matches!(byte, b' '..=0x7f) && !matches!(byte, b'"' | b'\\')
}

struct NotAnEscape;

/// The character an escape spells, or none while it is incomplete.
fn decode(escape: &[u8]) -> Result<Option<char>, NotAnEscape> {
    let decoded = match *escape {
        [] | [_] => return Ok(None),
        [_, b'u', ref digits @ ..] => return decode_unicode(digits),
        [_, byte @ (b'"' | b'\\' | b'/')] => char::from(byte),
        [_, b'b'] => '\u{8}',
        [_, b'f'] => '\u{c}',
        [_, b'n'] => '\n',
        [_, b'r'] => '\r',
        [_, b't'] => '\t',
        _ => return Err(NotAnEscape),
    };
    Ok(Some(decoded))
}

/// What follows `\u`: one unit of UTF-16, or a pair.
fn decode_unicode(digits: &[u8]) -> Result<Option<char>, NotAnEscape> {
    let (first, second) = digits.split_at(digits.len().min(4));
    let Some(high) = unit(first)? else { return Ok(None) };
    if !(0xD800..0xE000).contains(&high) {
        return char::from_u32(high).map(Some).ok_or(NotAnEscape);
    }
    if high >= 0xDC00 {
        return Err(NotAnEscape);
    }
    let low = match *second {
        [] | [b'\\'] => return Ok(None),
        [b'\\', b'u', ref digits @ ..] => unit(digits)?,
        _ => return Err(NotAnEscape),
    };
    match low {
        None => Ok(None),
        Some(low @ 0xDC00..0xE000) => {
            Ok(char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)))
        }
        Some(_) => Err(NotAnEscape),
    }
}

/// The number four hexadecimal digits spell, or none while there are fewer.
fn unit(digits: &[u8]) -> Result<Option<u32>, NotAnEscape> {
    let mut unit = 0;
    for &digit in digits {
        unit = unit << 4 | char::from(digit).to_digit(16).ok_or(NotAnEscape)?;
    }
    Ok((digits.len() == 4).then_some(unit))
}

/// Whether bytes are UTF-8, one at a time (RFC 3629 section 4).
struct Utf8 {
    /// Continuation bytes still to come.
    needed: u8,
    /// Bounds of the next one.
    low: u8,
    high: u8,
}

impl Default for Utf8 {
    fn default() -> Self {
        Self { needed: 0, low: 0x80, high: 0xBF }
    }
}

impl Utf8 {
    fn is_complete(&self) -> bool {
        self.needed == 0
    }

    fn accept(&mut self, byte: u8) -> bool {
        if self.needed > 0 {
            if !(self.low..=self.high).contains(&byte) {
                return false;
            }
            *self = Self { needed: self.needed - 1, ..Self::default() };
            return true;
        }
        let (needed, low, high) = match byte {
            0..=0x7F => return true,
            0xC2..=0xDF => (1, 0x80, 0xBF),
            0xE0 => (2, 0xA0, 0xBF),
            0xE1..=0xEC | 0xEE | 0xEF => (2, 0x80, 0xBF),
            0xED => (2, 0x80, 0x9F),
            0xF0 => (3, 0x90, 0xBF),
            0xF1..=0xF3 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),
            _ => return false,
        };
        *self = Self { needed, low, high };
        true
    }
}
