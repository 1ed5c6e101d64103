//! What a backslash begins, outside classes and in them.

use super::PcreError;
use super::reader::Reader;
use crate::bytes::ByteSet;

/// What was written with a backslash.
pub(super) enum Escape<'a> {
    /// One byte.
    Byte(u8),
    /// One of several bytes.
    Set(ByteSet),
    /// A place, in the same words.
    Look(&'static str),
    /// Something that no automaton can do, in words of the fallback.
    Hard { text: &'static str, what: &'static str },
    /// What a group matched.
    Reference(u16),
    /// What the group of this name matched.
    Named(&'a [u8]),
}

const DIGIT: ByteSet = ByteSet::range(b'0', b'9');
pub(super) const WORD: ByteSet = DIGIT
    .union(ByteSet::range(b'A', b'Z'))
    .union(ByteSet::range(b'a', b'z'))
    .union(ByteSet::of(b"_"));
pub(super) const SPACE: ByteSet = ByteSet::of(b"\t\n\x0b\x0c\r ");
/// Blanks and the no-break space of Latin-1.
const HORIZONTAL: ByteSet = ByteSet::of(b"\t \xa0");
/// What ends lines, NEL of Latin-1 too.
const VERTICAL: ByteSet = ByteSet::of(b"\n\x0b\x0c\r\x85");

/// Reads an escape outside classes; its backslash, at `offset`, is read. `groups` have begun.
pub(super) fn read<'a>(
    input: &mut Reader<'a>,
    offset: usize,
    groups: u16,
) -> Result<Escape<'a>, PcreError> {
    if let Some(group) = reference_by_digits(input, groups) {
        return Ok(Escape::Reference(group));
    }
    let rest = input.rest();
    let Some(byte) = input.next() else {
        return Err(PcreError::new(offset, "the pattern ends in a backslash"));
    };
    Ok(match byte {
        b'b' => Escape::Look(r"\b"),
        b'B' => Escape::Look(r"\B"),
        // A search begins at the start, so `\G` is there.
        b'A' | b'G' => Escape::Look(r"\A"),
        b'z' => Escape::Look(r"\z"),
        b'Z' => Escape::Hard { text: r"(?=\n?\z)", what: r"`\Z`" },
        b'K' => Escape::Hard { text: r"\K", what: r"`\K`" },
        b'R' => Escape::Hard { text: r"(?>\r\n|[\n\x0b\x0c\r\x85])", what: r"`\R`" },
        b'N' if !rest.starts_with(b"N{") => Escape::Set(ByteSet::of(b"\n").complement()),
        b'C' => Escape::Set(ByteSet::ALL),
        b'g' => return relative_or_numbered(input, offset, groups),
        b'k' => return name(input, offset).map(Escape::Named),
        byte => return common(input, offset, byte),
    })
}

/// Reads an escape in a class.
pub(super) fn read_in_class<'a>(
    input: &mut Reader<'a>,
    offset: usize,
) -> Result<Escape<'a>, PcreError> {
    match input.next() {
        None => Err(PcreError::new(offset, "the pattern ends in a backslash")),
        Some(b'b') => Ok(Escape::Byte(8)),
        Some(byte) => common(input, offset, byte),
    }
}

/// What means the same in both places. `byte`, behind the backslash, is read.
fn common<'a>(input: &mut Reader<'a>, offset: usize, byte: u8) -> Result<Escape<'a>, PcreError> {
    let set = |set| Ok(Escape::Set(set));
    match byte {
        b'd' => set(DIGIT),
        b'D' => set(DIGIT.complement()),
        b'w' => set(WORD),
        b'W' => set(WORD.complement()),
        b's' => set(SPACE),
        b'S' => set(SPACE.complement()),
        b'h' => set(HORIZONTAL),
        b'H' => set(HORIZONTAL.complement()),
        b'v' => set(VERTICAL),
        b'V' => set(VERTICAL.complement()),
        byte => single(input, offset, byte).map(Escape::Byte),
    }
}

/// An escape that is one byte.
fn single(input: &mut Reader<'_>, offset: usize, byte: u8) -> Result<u8, PcreError> {
    let code = match byte {
        b'a' => Some(7),
        b'e' => Some(0x1b),
        b'f' => Some(0x0c),
        b'n' => Some(u32::from(b'\n')),
        b'r' => Some(u32::from(b'\r')),
        b't' => Some(u32::from(b'\t')),
        b'0'..=b'7' => {
            input.back();
            input.code(8, 3)
        }
        b'x' if input.eat(b"{") => braced(input, 16),
        b'x' => input.code(16, 2),
        b'o' if input.eat(b"{") => braced(input, 8),
        b'c' => control(input),
        // PCRE 2 takes no letter that it does not know; version 1 takes it as it is.
        byte if byte.is_ascii_alphabetic() => {
            let message = format!("the escape `\\{}` is not supported", char::from(byte));
            return Err(PcreError::new(offset, message));
        }
        byte => Some(u32::from(byte)),
    };
    let byte = code.and_then(|code| u8::try_from(code).ok());
    byte.ok_or_else(|| PcreError::new(offset, "this escape is not the code of a byte"))
}

/// The code before a closing brace, however many digits it has.
fn braced(input: &mut Reader<'_>, radix: u32) -> Option<u32> {
    let start = input.offset();
    let code = input.code(radix, usize::MAX)?;
    (input.offset() > start && input.eat(b"}")).then_some(code)
}

/// `\cX`: the letter's code without bit 6.
fn control(input: &mut Reader<'_>) -> Option<u32> {
    let byte = input.next().filter(|byte| matches!(byte, b' '..=b'~'))?;
    Some(u32::from(byte.to_ascii_uppercase() ^ 0x40))
}

/// `\1`, or `\12` where twelve groups have begun. Otherwise digits are an octal code.
fn reference_by_digits(input: &mut Reader<'_>, groups: u16) -> Option<u16> {
    let digits = input.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
    let first = input.peek().filter(|&byte| digits > 0 && byte != b'0')?;
    let text = std::str::from_utf8(input.rest().get(..digits)?).ok()?;
    let number: u16 = text.parse().unwrap_or(u16::MAX);
    let is_reference = number < 10 || first >= b'8' || number <= groups;
    is_reference.then(|| {
        input.number();
        number
    })
}

/// `\g1`, `\g{1}`, `\g{-1}`, `\g{name}`. With other brackets it calls a group.
fn relative_or_numbered<'a>(
    input: &mut Reader<'a>,
    offset: usize,
    groups: u16,
) -> Result<Escape<'a>, PcreError> {
    let wrong = || PcreError::new(offset, "calls of groups are not supported");
    let braced = input.eat(b"{");
    let relative = input.eat(b"-");
    let group = match input.number() {
        Some(number) => {
            let number = u16::try_from(number).unwrap_or(u16::MAX);
            let group = if relative { (groups + 1).checked_sub(number) } else { Some(number) };
            Escape::Reference(group.filter(|&group| group > 0).ok_or_else(wrong)?)
        }
        None if braced && !relative => {
            return input.until(b'}').map(Escape::Named).ok_or_else(wrong);
        }
        None => return Err(wrong()),
    };
    if braced && !input.eat(b"}") { Err(wrong()) } else { Ok(group) }
}

/// `<name>`, `'name'` or `{name}`.
fn name<'a>(input: &mut Reader<'a>, offset: usize) -> Result<&'a [u8], PcreError> {
    let end = match input.next() {
        Some(b'<') => b'>',
        Some(b'{') => b'}',
        Some(b'\'') => b'\'',
        _ => return Err(PcreError::new(offset, "`\\k` needs the name of a group")),
    };
    let missing = || PcreError::new(offset, "the name of the group does not end");
    input.until(end).ok_or_else(missing)
}
