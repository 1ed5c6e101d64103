//! The encoding that `<?xml … ?>` declares (XML 1.0 section 4.3.3).

/// Bytes of a declaration that are kept; honest ones have about 55.
pub(super) const LONGEST: usize = 256;

/// Encodings in which ASCII is ASCII.
const TRANSPARENT: &[&[u8]] =
    &[b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252"];

/// What an instruction says about the encoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Nothing, or one in which ASCII is ASCII.
    Transparent,
    /// Another one.
    Other,
    /// It is a declaration that cannot be read.
    Malformed,
}

/// Reads what stands between `<?` and `?>`.
pub(super) fn encoding(instruction: &[u8]) -> Encoding {
    let Some(text) = instruction.strip_prefix(b"xml") else { return Encoding::Transparent };
    if !text.first().is_some_and(u8::is_ascii_whitespace) {
        return Encoding::Transparent;
    }
    if instruction.len() >= LONGEST {
        return Encoding::Malformed;
    }
    let Some(at) = text.windows(8).position(|word| word == b"encoding") else {
        return Encoding::Transparent;
    };
    match quoted(text.get(at + 8..).unwrap_or(&[])) {
        None => Encoding::Malformed,
        Some(name) if TRANSPARENT.contains(&name.to_ascii_lowercase().as_slice()) => {
            Encoding::Transparent
        }
        Some(_) => Encoding::Other,
    }
}

/// The value in `= "value"`.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, text) = text.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let end = text.iter().position(|byte| byte == quote)?;
    text.get(..end)
}
