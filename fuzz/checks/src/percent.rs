//! Percent-decoding, written down plainly.

/// Decodes every `%hh`; one that is broken stays. Tells whether there was such.
pub(crate) fn decode(text: &[u8]) -> (Vec<u8>, bool) {
    let (mut decoded, mut broken, mut at) = (Vec::new(), false, 0);
    while at < text.len() {
        if text[at] != b'%' {
            decoded.push(text[at]);
            at += 1;
        } else if let Some(byte) = text.get(at + 1..at + 3).and_then(byte_of) {
            decoded.push(byte);
            at += 3;
        } else {
            broken = true;
            decoded.push(b'%');
            at += 1;
        }
    }
    (decoded, broken)
}

/// The same for forms, where `+` is a blank.
pub(crate) fn decode_form(text: &[u8]) -> (Vec<u8>, bool) {
    let blanks: Vec<u8> = text.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    decode(&blanks)
}

fn byte_of(digits: &[u8]) -> Option<u8> {
    // Signs are none of our digits: `from_str_radix` would take `+f`.
    let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    u8::from_str_radix(digits, 16).ok()
}
