//! Character and entity references (XML 1.0 section 4.1). Nothing else is ever expanded.

/// Bytes of a reference that are kept: a character needs 10, leading zeros are not honest.
pub(super) const LONGEST: usize = 32;

/// What a beginning of a reference is.
pub(super) enum Reference {
    /// Not complete.
    Partial,
    /// This character.
    Character(char),
    /// Nothing we know.
    Unknown,
}

/// Reads `text`, which begins with `&`.
pub(super) fn decode(text: &[u8]) -> Reference {
    match text.get(1..).and_then(<[u8]>::split_last) {
        None => Reference::Partial,
        Some((b';', name)) => character(name).map_or(Reference::Unknown, Reference::Character),
        Some((last, _)) if may_continue(*last) && text.len() < LONGEST => Reference::Partial,
        Some(_) => Reference::Unknown,
    }
}

fn may_continue(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'_' | b':' | b'-' | b'.' | 0x80..)
}

fn character(name: &[u8]) -> Option<char> {
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        [b'#', b'x', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => None,
    }
}

/// A `Char` of XML 1.0 section 2.2.
fn number(digits: &[u8], radix: u32) -> Option<char> {
    let digits = std::str::from_utf8(digits).ok()?;
    let number = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let allowed = matches!(number, '\t' | '\n' | '\r' | ' '..);
    (allowed && !matches!(number, '\u{FFFE}' | '\u{FFFF}')).then_some(number)
}
