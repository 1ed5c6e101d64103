//! Classes: `[...]`, to the set of their bytes.

use super::PcreError;
use super::escape::{self, Escape, SPACE, WORD};
use super::reader::Reader;
use crate::bytes::ByteSet;

/// What one member of a class is.
enum Member {
    Byte(u8),
    Set(ByteSet),
    Nothing,
}

/// Reads a class whose `[`, at `offset`, is read: whether it is negated, and the bytes named.
pub(super) fn read(
    input: &mut Reader<'_>,
    offset: usize,
    ignore_case: bool,
) -> Result<(bool, ByteSet), PcreError> {
    let negated = input.eat(b"^");
    let mut set = ByteSet::EMPTY;
    // A bracket that stands first is a member.
    if input.eat(b"]") {
        set = from(input, offset, b']', ignore_case)?;
    }
    loop {
        let at = input.offset();
        match input.next() {
            None => return Err(PcreError::new(offset, "this class is not closed")),
            Some(b']') => return Ok((negated, set)),
            Some(byte) => {
                let more = match member(input, at, byte, ignore_case, &mut set)? {
                    Member::Byte(first) => from(input, at, first, ignore_case)?,
                    Member::Set(more) => more,
                    Member::Nothing => ByteSet::EMPTY,
                };
                set = set.union(more);
            }
        }
    }
}

/// `first`, or the range that it begins.
fn from(
    input: &mut Reader<'_>,
    offset: usize,
    first: u8,
    ignore_case: bool,
) -> Result<ByteSet, PcreError> {
    let alone = ByteSet::EMPTY.with(first);
    // A hyphen before the closing bracket is a member.
    if input.rest().starts_with(b"-]") || !input.eat(b"-") {
        return Ok(alone);
    }
    let at = input.offset();
    let Some(byte) = input.next() else {
        return Err(PcreError::new(at, "this range has no end"));
    };
    let mut quoted = ByteSet::EMPTY;
    match member(input, at, byte, ignore_case, &mut quoted)? {
        Member::Byte(last) if last < first => {
            Err(PcreError::new(offset, "this range is out of order"))
        }
        Member::Byte(last) => Ok(ByteSet::range(first, last)),
        // Beside a class a hyphen is a member.
        Member::Set(set) => Ok(alone.with(b'-').union(set)),
        Member::Nothing => Ok(alone.with(b'-').union(quoted)),
    }
}

/// Reads the rest of a member that begins with `byte`. Quoted bytes go straight to `set`.
fn member(
    input: &mut Reader<'_>,
    offset: usize,
    byte: u8,
    ignore_case: bool,
    set: &mut ByteSet,
) -> Result<Member, PcreError> {
    if byte == b'[' && is_posix(input.rest()) {
        return posix(input, offset, ignore_case).map(Member::Set);
    }
    if byte != b'\\' {
        return Ok(Member::Byte(byte));
    }
    Ok(match escape::read_in_class(input, offset)? {
        Escape::Byte(byte) => Member::Byte(byte),
        Escape::Set(set) => Member::Set(set),
        Escape::Quote => {
            set.insert_all(input.quoted());
            Member::Nothing
        }
        _ => Member::Nothing,
    })
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
