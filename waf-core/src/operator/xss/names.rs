//! The names of tags and attributes that run or load something.

use std::sync::LazyLock;

use crate::operator::search;

/// What an attribute's value can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Harmless,
    /// It runs, whatever it is.
    Runs,
    /// It is a style, which may hold expressions.
    Style,
    /// It is a URL.
    Url,
    /// It is the name of an attribute.
    Name,
}

/// The events of browsers, sorted: libinjection's list of February 2025 (see `NOTICE`), most
/// of them from WebKit's `EventNames.h`. libinjection 3.9.2 takes every name that begins with `on`.
static EVENTS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("events.txt").lines().collect());

/// Whether a tag runs or loads something: one of the list, or of SVG or XSL.
pub(super) fn is_tag(name: &[u8]) -> bool {
    // NULs count for the length, and only for that.
    name.len() >= 3
        && (begins_with(name, "SVG")
            || begins_with(name, "XSL")
            || matches!(
                Upper::of(name).bytes(),
                b"APPLET"
                    | b"BASE"
                    | b"COMMENT"
                    | b"EMBED"
                    | b"FRAME"
                    | b"FRAMESET"
                    | b"HANDLER"
                    | b"IFRAME"
                    | b"IMPORT"
                    | b"ISINDEX"
                    | b"LINK"
                    | b"LISTENER"
                    | b"META"
                    | b"NOSCRIPT"
                    | b"OBJECT"
                    | b"SCRIPT"
                    | b"STYLE"
                    | b"VMLFRAME"
                    | b"XML"
                    | b"XSS"
            ))
}

/// What the value of an attribute of this name can do.
pub(super) fn attribute(name: &[u8]) -> Attribute {
    if name.len() < 2 {
        return Attribute::Harmless;
    }
    let runs = name.len() >= 5
        && (begins_with(name, "XMLNS") || begins_with(name, "XLINK") || is_event(name));
    if runs {
        return Attribute::Runs;
    }
    match Upper::of(name).bytes() {
        b"DATAFORMATAS" | b"DATASRC" => Attribute::Runs,
        b"FILTER" | b"STYLE" => Attribute::Style,
        b"ACTION" | b"BACKGROUND" | b"BY" | b"DYNSRC" | b"FOLDER" | b"FORMACTION" | b"FROM"
        | b"HANDLER" | b"HREF" | b"LOWSRC" | b"POSTER" | b"SRC" | b"TO" | b"VALUES"
        | b"XLINK:HREF" => Attribute::Url,
        b"ATTRIBUTENAME" => Attribute::Name,
        _ => Attribute::Harmless,
    }
}

/// Whether a name is `on`, an event, and anything.
fn is_event(name: &[u8]) -> bool {
    let Some((b"on" | b"On" | b"oN" | b"ON", name)) = name.split_first_chunk() else {
        return false;
    };
    // An event that begins a name sorts before it, and only others that begin it stand between.
    let upper = |byte: &u8| byte.to_ascii_uppercase();
    let behind = EVENTS.partition_point(|event| event.bytes().le(name.iter().map(upper)));
    let first = name.first().map(upper);
    let may_begin = |event: &&&str| event.bytes().next() == first;
    let mut before = EVENTS[..behind].iter().rev().take_while(may_begin);
    before.any(|event| begins_with(name, event))
}

/// Whether a text begins with `prefix`, in any case.
pub(super) fn begins_with(text: &[u8], prefix: &str) -> bool {
    let start = text.get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// A name in upper case without its NULs; of a name that is too long to be known, nothing.
struct Upper {
    bytes: [u8; LONGEST],
    length: usize,
}

/// Longer than every name that is known.
const LONGEST: usize = 16;

impl Upper {
    fn of(name: &[u8]) -> Self {
        search::count(name.len());
        let mut upper = Self { bytes: [0; LONGEST], length: 0 };
        for &byte in name.iter().filter(|&&byte| byte != 0) {
            let Some(next) = upper.bytes.get_mut(upper.length) else {
                return Self { length: 0, ..upper };
            };
            *next = byte.to_ascii_uppercase();
            upper.length += 1;
        }
        upper
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
