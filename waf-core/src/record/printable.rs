//! Hostile bytes as text that is safe on a terminal and in a log.

use std::fmt::Write;

/// Stands at the end of a text that was cut.
const CUT: char = '…';

/// The bytes as text: printable UTF-8 stays, any other byte becomes `\xHH`, and a `\` is doubled so
/// that the spelling can be read back. No control, format or bidirectional character comes through.
///
/// At most `limit` bytes; a longer text is cut between characters, never inside an escape, and `…`
/// is added.
pub fn printable(bytes: &[u8], limit: usize) -> String {
    let mut text = String::with_capacity(bytes.len().min(limit));
    let mut unit = String::new();
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        loop {
            let (plain, other) = rest.split_at(plain_length(rest));
            let room = limit.saturating_sub(text.len());
            if plain.len() > room {
                text.push_str(&plain[..room]);
                text.push(CUT);
                return text;
            }
            text.push_str(plain);
            let Some(character) = other.chars().next() else { break };
            spell(character, &mut unit);
            if !push_within(&mut text, &mut unit, limit) {
                return text;
            }
            rest = &other[character.len_utf8()..];
        }
        for &byte in chunk.invalid() {
            escape(byte, &mut unit);
            if !push_within(&mut text, &mut unit, limit) {
                return text;
            }
        }
    }
    text
}

/// The number of bytes at the beginning of a text that stand for themselves: printable ASCII, which
/// is most of what is told.
fn plain_length(text: &str) -> usize {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'\\';
    text.bytes().position(|byte| !is_plain(byte)).unwrap_or(text.len())
}

/// Moves `unit` to the end of `text`, or ends `text` where it would pass the limit.
fn push_within(text: &mut String, unit: &mut String, limit: usize) -> bool {
    if text.len() + unit.len() > limit {
        text.push(CUT);
        return false;
    }
    text.push_str(unit);
    unit.clear();
    true
}

fn spell(character: char, unit: &mut String) {
    match character {
        '\\' => unit.push_str("\\\\"),
        _ if is_printable(character) => unit.push(character),
        _ => character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| escape(byte, unit)),
    }
}

fn escape(byte: u8, unit: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(unit, "\\x{byte:02X}");
}

/// Whether a terminal shows the character and does nothing else: no control, format, private,
/// unassigned character and no blank but the space.
fn is_printable(character: char) -> bool {
    if matches!(character, '"' | '\'') {
        return true;
    }
    // The standard library's table is only reached through `escape_debug`. The letter before the
    // character lets combining marks pass: they are text in many scripts.
    let mut pair = String::from("a");
    pair.push(character);
    pair.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> String {
        printable(bytes, usize::MAX)
    }

    #[test]
    fn text_stays_as_it_is() {
        for text in ["union select", "Zoë's \"größe\"", "日本語", "हिन्दी", "a\u{301}"]
        {
            assert_eq!(all(text.as_bytes()), text);
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_spelled() {
        assert_eq!(all(b"a\0b\r\n\t\x7f"), "a\\x00b\\x0D\\x0A\\x09\\x7F");
        assert_eq!(all(b"\x1b[31mred"), "\\x1B[31mred");
        assert_eq!(all(b"c:\\x1B"), "c:\\\\x1B");
        assert_eq!(all(b"\xff\xc0\xaf\xe2\x82"), "\\xFF\\xC0\\xAF\\xE2\\x82");
    }

    #[test]
    fn invisible_and_reordering_characters_are_spelled() {
        // CSI as one C1 character, RIGHT-TO-LEFT OVERRIDE, ZERO WIDTH SPACE, LINE SEPARATOR,
        // NO-BREAK SPACE, a private character, a tag character.
        for character in
            ['\u{9b}', '\u{202e}', '\u{200b}', '\u{2028}', '\u{a0}', '\u{e000}', '\u{e0041}']
        {
            let text = all(character.to_string().as_bytes());
            assert!(text.is_ascii() && text.starts_with("\\x"), "{character:?} gave {text}");
        }
    }

    #[test]
    fn every_byte_string_is_safe_and_can_be_read_back() {
        let mut state = 1_u64;
        for _ in 0..2_000 {
            let bytes: Vec<u8> = (0..12).map(|_| next(&mut state)).collect();
            let text = all(&bytes);
            assert!(!text.chars().any(char::is_control), "{bytes:?}");
            assert_eq!(read_back(&text), bytes);
        }
    }

    #[test]
    fn cuts_between_characters_and_escapes() {
        assert_eq!(printable(b"abcdef", 6), "abcdef");
        assert_eq!(printable(b"abcdefg", 6), "abcdef…");
        assert_eq!(printable("aé".repeat(3).as_bytes(), 5), "aéa…");
        assert_eq!(printable(b"ab\0", 5), "ab…");
        assert_eq!(printable(b"ab\\", 3), "ab…");
        assert_eq!(printable(b"a", 0), "…");
        assert_eq!(printable(b"", 0), "");
    }

    /// SplitMix64, one byte a step.
    fn next(state: &mut u64) -> u8 {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed.to_le_bytes()[5]
    }

    fn read_back(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            rest = match (first, tail) {
                (b'\\', [b'\\', tail @ ..]) => {
                    bytes.push(b'\\');
                    tail
                }
                (b'\\', [b'x', high, low, tail @ ..]) => {
                    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0);
                    let value = digit(*high) * 16 + digit(*low);
                    bytes.push(u8::try_from(value).unwrap_or(0));
                    tail
                }
                _ => {
                    bytes.push(first);
                    tail
                }
            };
        }
        bytes
    }
}
