//! URLs that run something, as they are written in HTML.

use crate::operator::search;

/// What they begin with. `JAVA` is `javascript:` and more.
const SCHEMES: [&[u8]; 4] = [b"DATA", b"VIEW-SOURCE", b"JAVA", b"VBSCRIPT"];

/// Characters that no code point of HTML goes beyond, as libinjection has it.
const LAST: u32 = 0x10_00ff;

/// Whether a URL runs something.
pub(super) fn runs(url: &[u8]) -> bool {
    // Browsers skip blanks and controls, some also what is not ASCII.
    let start = search::span(url, |byte| byte <= b' ' || byte >= 0x7f);
    SCHEMES.iter().any(|scheme| begins_with(&url[start..], scheme))
}

/// Whether a text begins with a scheme, once its character references are decoded. Blanks before
/// it, and NULs and line feeds anywhere, are passed over.
fn begins_with(text: &[u8], scheme: &[u8]) -> bool {
    let mut letters = scheme.iter();
    let mut wanted = letters.next();
    let mut is_first = true;
    let mut rest = text;
    while let (Some(&letter), false) = (wanted, rest.is_empty()) {
        let (character, length) = decode(rest);
        search::count(length);
        rest = rest.get(length..).unwrap_or_default();
        if (is_first && character <= 32) || matches!(character, 0 | 10) {
            continue;
        }
        is_first = false;
        // libinjection compares the lowest eight bits.
        let is_lower = (u32::from(b'a')..=u32::from(b'z')).contains(&character);
        if (character as u8) != if is_lower { letter.to_ascii_lowercase() } else { letter } {
            return false;
        }
        wanted = letters.next();
    }
    wanted.is_none()
}

/// The first character of a text that is not empty, and how many bytes it takes. What is no numeric
/// character reference is one byte.
fn decode(text: &[u8]) -> (u32, usize) {
    let (start, base) = match text {
        [b'&', b'#', b'x' | b'X', ..] => (3, 16),
        [b'&', b'#', ..] => (2, 10),
        [byte, ..] => return (u32::from(*byte), 1),
        [] => return (0, 0),
    };
    let ampersand = (u32::from(b'&'), 1);
    let (mut character, mut at) = (0, start);
    while let Some(digit) = text.get(at).and_then(|&byte| char::from(byte).to_digit(base)) {
        character = character * base + digit;
        if character > LAST {
            return ampersand;
        }
        at += 1;
    }
    match text.get(at) {
        _ if at == start => ampersand,
        Some(b';') => (character, at + 1),
        _ => (character, at),
    }
}
