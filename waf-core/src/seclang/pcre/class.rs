//! Classes: `[...]`, to the set of their bytes.

use super::PcreError;
use super::escape::{self, Escape, SPACE, WORD};
use super::reader::Reader;
use crate::bytes::ByteSet;

/// What one member of a class is.
enum Member {
    Byte(u8),
    Set(ByteSet),
}

/// Reads a class whose `[`, at `offset`, is read: whether it is negated, and the bytes named.
pub(super) fn read(
    input: &mut Reader<'_>,
    offset: usize,
    ignore_case: bool,
) -> Result<(bool, ByteSet), PcreError> {
    if is_posix(input.rest()) {
        return Err(PcreError::new(offset, "POSIX classes stand in a class only"));
    }
    let negated = input.eat(b"^");
    let mut set = ByteSet::EMPTY;
    // A bracket that stands first is a member.
    let mut may_end = false;
    loop {
        input.skip_quotes();
        if may_end && !input.is_quoting() && input.eat(b"]") {
            return Ok((negated, set));
        }
        may_end = true;
        let at = input.offset();
        let more = match member(input, ignore_case)? {
            Some(Member::Byte(first)) => range(input, at, first, ignore_case)?,
            Some(Member::Set(more)) => more,
            None => return Err(PcreError::new(offset, "this class is not closed")),
        };
        set = set.union(more);
    }
}

/// The range that `first` begins, or `first` alone.
fn range(
    input: &mut Reader<'_>,
    offset: usize,
    first: u8,
    ignore_case: bool,
) -> Result<ByteSet, PcreError> {
    let alone = ByteSet::EMPTY.with(first);
    input.skip_quotes();
    if input.is_quoting() || !input.eat(b"-") {
        return Ok(alone);
    }
    input.skip_quotes();
    // A hyphen before the closing bracket, or before a class, is a member.
    if !input.is_quoting() && input.peek() == Some(b']') {
        return Ok(alone.with(b'-'));
    }
    match member(input, ignore_case)? {
        Some(Member::Byte(last)) if last < first => {
            Err(PcreError::new(offset, "this range is out of order"))
        }
        Some(Member::Byte(last)) => Ok(ByteSet::range(first, last)),
        Some(Member::Set(set)) => Ok(alone.with(b'-').union(set)),
        None => Ok(alone),
    }
}

/// Reads a member; `None` at the end of the pattern.
fn member(input: &mut Reader<'_>, ignore_case: bool) -> Result<Option<Member>, PcreError> {
    let offset = input.offset();
    let Some(byte) = input.next() else { return Ok(None) };
    let member = match byte {
        byte if input.is_quoting() => Member::Byte(byte),
        b'[' if is_posix(input.rest()) => Member::Set(posix(input, offset, ignore_case)?),
        b'\\' => match escape::read_in_class(input, offset)? {
            Escape::Set(set) => Member::Set(set),
            Escape::Byte(byte) => Member::Byte(byte),
            _ => return Err(PcreError::new(offset, "this escape cannot stand in a class")),
        },
        byte => Member::Byte(byte),
    };
    Ok(Some(member))
}

/// Whether `[` and this are a POSIX class: `:`, and `:]` before the next `]` or `[:`.
fn is_posix(rest: &[u8]) -> bool {
    let Some((&mark @ (b':' | b'.' | b'='), mut rest)) = rest.split_first() else {
        return false;
    };
    while let [byte, next, ..] = *rest {
        let length = match (byte, next) {
            (b'\\', b']' | b'\\') => 2,
            (byte, b']') if byte == mark => return true,
            (b']', _) => return false,
            (b'[', next) if next == mark => return false,
            _ => 1,
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    false
}

fn posix(input: &mut Reader<'_>, offset: usize, ignore_case: bool) -> Result<ByteSet, PcreError> {
    let unknown = || PcreError::new(offset, "there is no such POSIX class");
    if !input.eat(b":") {
        return Err(PcreError::new(offset, "POSIX collating elements are not supported"));
    }
    let negated = input.eat(b"^");
    let name = input.until(b':').filter(|_| input.eat(b"]")).ok_or_else(unknown)?;
    let set = match name {
        // With case ignored PCRE reads these two as `alpha`, before it negates.
        b"upper" | b"lower" if ignore_case => bytes(|byte| byte.is_ascii_alphabetic()),
        b"upper" => bytes(|byte| byte.is_ascii_uppercase()),
        b"lower" => bytes(|byte| byte.is_ascii_lowercase()),
        b"alpha" => bytes(|byte| byte.is_ascii_alphabetic()),
        b"digit" => bytes(|byte| byte.is_ascii_digit()),
        b"alnum" => bytes(|byte| byte.is_ascii_alphanumeric()),
        b"xdigit" => bytes(|byte| byte.is_ascii_hexdigit()),
        b"punct" => bytes(|byte| byte.is_ascii_punctuation()),
        b"graph" => bytes(|byte| byte.is_ascii_graphic()),
        b"print" => bytes(|byte| byte.is_ascii_graphic() || byte == b' '),
        b"cntrl" => bytes(|byte| byte.is_ascii_control()),
        b"ascii" => bytes(|byte| byte.is_ascii()),
        b"blank" => ByteSet::of(b"\t "),
        b"space" => SPACE,
        b"word" => WORD,
        _ => return Err(unknown()),
    };
    Ok(if negated { set.complement() } else { set })
}

fn bytes(wanted: impl Fn(u8) -> bool) -> ByteSet {
    (0..=u8::MAX).filter(|&byte| wanted(byte)).fold(ByteSet::EMPTY, ByteSet::with)
}
