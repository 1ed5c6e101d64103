//! What the engines read alike: literals and classes of bytes.

use std::fmt::Write as _;

use crate::bytes::ByteSet;

/// Bytes that mean themselves outside classes.
const PLAIN: ByteSet = ByteSet::of(b" !\"%',/:;<=>@_`~-&#")
    .union(ByteSet::range(b'0', b'9'))
    .union(ByteSet::range(b'A', b'Z'))
    .union(ByteSet::range(b'a', b'z'));

/// A byte that means itself.
pub(super) fn literal(out: &mut String, byte: u8) {
    if PLAIN.contains(byte) {
        out.push(char::from(byte));
    } else if byte.is_ascii_punctuation() {
        out.push('\\');
        out.push(char::from(byte));
    } else {
        hex(out, byte);
    }
}

/// A class of bytes. It stays negated where it was, as `(?i)` adds the other case before that.
pub(super) fn class(out: &mut String, negated: bool, set: ByteSet) {
    out.push_str(if negated { "[^" } else { "[" });
    let mut bytes = set.iter().peekable();
    while let Some(first) = bytes.next() {
        let mut last = first;
        while let Some(next) = bytes.next_if(|&next| Some(next) == last.checked_add(1)) {
            last = next;
        }
        member(out, first);
        if last != first {
            out.push('-');
            member(out, last);
        }
    }
    out.push(']');
}

fn member(out: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() { out.push(char::from(byte)) } else { hex(out, byte) }
}

fn hex(out: &mut String, byte: u8) {
    // Writing to a string does not fail.
    let _ = write!(out, r"\x{byte:02x}");
}
