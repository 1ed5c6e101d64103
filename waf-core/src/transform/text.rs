//! What the escapes of several languages share.

/// The value of a hex digit.
pub(super) fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Copies what stands before a `%`, each `+` as a blank; how many bytes they are. Forms have a `+`
/// between all words.
pub(super) fn run_before_escape(input: &[u8], out: &mut Vec<u8>, changed: &mut bool) -> usize {
    let count = memchr::memchr(b'%', input).unwrap_or(input.len());
    let start = out.len();
    out.extend_from_slice(&input[..count]);
    for byte in &mut out[start..] {
        let is_blank = *byte == b'+';
        *changed |= is_blank;
        *byte = if is_blank { b' ' } else { *byte };
    }
    count
}

/// The low 16 bits of the number these hex digits write; anything else counts as 0.
pub(super) fn hex_number(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |number, &byte| (number << 4) | u16::from(hex(byte).unwrap_or(0)))
}

/// Whether `byte` is an octal digit.
pub(super) fn is_octal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'7')
}

/// The low byte of the number these octal digits write.
pub(super) fn octal_byte(digits: &[u8]) -> u8 {
    digits.iter().fold(0, |number, &byte| (number << 3) | (byte & 7))
}

/// The byte that stands for a 16-bit code: its low byte, and ASCII for its full-width form
/// (U+FF01 to U+FF5E).
pub(super) fn low_byte(code: u16) -> u8 {
    let [high, low] = code.to_be_bytes();
    if high == 0xff && (0x01..=0x5e).contains(&low) { low + 0x20 } else { low }
}

/// What `\byte` means in C and in JavaScript; most bytes mean themselves.
pub(super) fn control(byte: u8) -> u8 {
    match byte {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        other => other,
    }
}

/// C `isspace` in the C locale: blank, tab, LF, VT, FF, CR.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
