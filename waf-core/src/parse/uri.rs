//! The request target taken apart, and the path that routes and exclusions see.

use crate::bytes::ByteSet;
use crate::field::{Collection, Field, FieldName, FieldSink};
use crate::finding::Finding;

/// A request target in its parts, none of them decoded (RFC 9112 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetParts<'a> {
    /// Of an absolute target, what stands between `://` and the path.
    pub authority: Option<&'a [u8]>,
    /// Path and query: no scheme, no host, no fragment.
    pub uri: &'a [u8],
    /// The path; `/` where an absolute target has none.
    pub path: &'a [u8],
    /// What follows the first `?`; `None` without one.
    pub query: Option<&'a [u8]>,
    /// Offset of `uri` and `path` in the target.
    pub path_at: usize,
    /// Offset of the query in the target; its end without one.
    pub query_at: usize,
}

impl<'a> TargetParts<'a> {
    /// The parts of any target, well-formed or not.
    pub fn of(target: &'a [u8]) -> Self {
        let (authority, path_at) = authority(target);
        let fragment_at = position(target, b'#').unwrap_or(target.len()).max(path_at);
        let uri = target.get(path_at..fragment_at).unwrap_or_default();
        let (path, query) = match position(uri, b'?') {
            Some(mark) => (&uri[..mark], Some(&uri[mark + 1..])),
            None => (uri, None),
        };
        let query_at = query.map_or(fragment_at, |_| path_at + path.len() + 1);
        let root = path.is_empty() && authority.is_some();
        let path = if root { b"/" } else { path };
        let uri = if root && query.is_none() { b"/" } else { uri };
        Self { authority, uri, path, query, path_at, query_at }
    }

    /// What follows the last `/` or `\` of the path, and its offset in the path.
    pub fn basename(&self) -> (&'a [u8], usize) {
        let slash = self.path.iter().rposition(|&byte| matches!(byte, b'/' | b'\\'));
        let at = slash.map_or(0, |slash| slash + 1);
        (&self.path[at..], at)
    }
}

/// A path as a server is expected to resolve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleanPath {
    /// Percent-decoded once, without dot segments (RFC 3986 section 5.2.4).
    pub path: Vec<u8>,
    /// Servers may resolve the raw path otherwise: dot segments, `/` or `\` encoded, escapes left
    /// after decoding, overlong UTF-8.
    pub ambiguous: bool,
}

/// Decodes a raw path and removes its dot segments.
pub fn clean_path(raw: &[u8]) -> CleanPath {
    let (decoded, encoded_separator) = decode(raw);
    let ambiguous = encoded_separator
        || has_dot_segment(&decoded)
        || has_escape(&decoded)
        || has_overlong(&decoded);
    CleanPath { path: without_dots(&decoded), ambiguous }
}

/// What is wrong with the bytes of a target: at most one finding of each kind, at its first byte.
pub fn target_findings(target: &[u8]) -> Vec<(Finding, u64)> {
    let first = |set: ByteSet, finding| {
        let at = target.iter().position(|&byte| set.contains(byte))?;
        Some((finding, at as u64))
    };
    let control = first(CONTROL, Finding::ProtocolTargetControl);
    control.into_iter().chain(first(UNSAFE, Finding::ProtocolTargetCharacters)).collect()
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Bytes that no target may hold.
const CONTROL: ByteSet = ByteSet::range(0, 0x1f).with(0x7f);

/// Bytes that a client must escape (RFC 3986 section 2), as far as servers differ on them.
const UNSAFE: ByteSet = ByteSet::of(b"<>\" \\#").union(ByteSet::range(0x80, 0xff));

fn position(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|&byte| byte == wanted)
}

/// The authority of an absolute target, and where the path begins.
fn authority(target: &[u8]) -> (Option<&[u8]>, usize) {
    let Some(scheme) = position(target, b':').filter(|&colon| is_scheme(&target[..colon])) else {
        return (None, 0);
    };
    let Some(rest) = target[scheme..].strip_prefix(b"://") else { return (None, 0) };
    let length = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
    let authority = &rest[..length.unwrap_or(rest.len())];
    (Some(authority), scheme + 3 + authority.len())
}

fn is_scheme(text: &[u8]) -> bool {
    let rest = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.first().is_some_and(u8::is_ascii_alphabetic) && text.iter().all(rest)
}

/// The path decoded once, and whether an escape stood for a separator.
fn decode(raw: &[u8]) -> (Vec<u8>, bool) {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut separator = false;
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        if let (b'%', Some(value)) = (byte, pair(after)) {
            decoded.push(value);
            separator |= matches!(value, b'/' | b'\\');
            rest = &after[2..];
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    (decoded, separator)
}

/// The byte that two hexadecimal digits spell.
fn pair(digits: &[u8]) -> Option<u8> {
    match digits {
        [high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

/// Whether a server that decodes again, or knows `%u002f`, would find something.
fn has_escape(decoded: &[u8]) -> bool {
    decoded.windows(3).any(|w| w[0] == b'%' && pair(&w[1..]).is_some())
        || decoded.windows(6).any(|w| {
            w[0] == b'%' && matches!(w[1], b'u' | b'U') && w[2..].iter().all(u8::is_ascii_hexdigit)
        })
}

/// Servers split at `\` too, and some drop path parameters first: `/..;a=b/` goes up there.
fn has_dot_segment(decoded: &[u8]) -> bool {
    decoded.split(|&byte| matches!(byte, b'/' | b'\\')).any(|segment| {
        let name = segment.split(|&byte| byte == b';').next();
        matches!(name, Some(b"." | b".."))
    })
}

/// Whether a character is spelt with more bytes than it needs (RFC 3629 section 3).
fn has_overlong(decoded: &[u8]) -> bool {
    decoded.windows(2).any(|pair| match pair[0] {
        0xc0 | 0xc1 => matches!(pair[1], 0x80..=0xbf),
        0xe0 => matches!(pair[1], 0x80..=0x9f),
        0xf0 => matches!(pair[1], 0x80..=0x8f),
        _ => false,
    })
}

fn without_dots(path: &[u8]) -> Vec<u8> {
    if !path.starts_with(b"/") {
        return path.to_vec();
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = path[1..].split(|&byte| byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." => {}
            b".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
        if last && matches!(segment, b"." | b"..") {
            kept.push(b"");
        }
    }
    let mut clean = Vec::with_capacity(path.len());
    for segment in &kept {
        clean.push(b'/');
        clean.extend_from_slice(segment);
    }
    clean
}

/// Tells a part of the path with its `%hh` decoded, once. What starts no escape stays, `+` too.
pub(super) fn tell_decoded(collection: Collection, raw: &[u8], at: u64, sink: &mut dyn FieldSink) {
    sink.begin(Field { collection, name: FieldName::none(), at });
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        let offset = at + (raw.len() - rest.len()) as u64;
        if let (b'%', Some(value)) = (byte, pair(after)) {
            sink.decoded(&[value], offset + 3);
            rest = &after[2..];
        } else {
            let plain = after.iter().position(|&byte| byte == b'%').unwrap_or(after.len()) + 1;
            sink.bytes(&rest[..plain], offset);
            rest = &rest[plain..];
        }
    }
    sink.end(at + raw.len() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_split() {
        /// Target, authority, path, query, URI.
        type Case =
            (&'static str, Option<&'static str>, &'static str, Option<&'static str>, &'static str);
        let cases: &[Case] = &[
            ("/", None, "/", None, "/"),
            ("/a/b?c=d", None, "/a/b", Some("c=d"), "/a/b?c=d"),
            ("/a?", None, "/a", Some(""), "/a?"),
            ("/a?b?c", None, "/a", Some("b?c"), "/a?b?c"),
            ("/a#b?c", None, "/a", None, "/a"),
            ("/a?b#c", None, "/a", Some("b"), "/a?b"),
            ("*", None, "*", None, "*"),
            ("", None, "", None, ""),
            ("http://h/p?q#f", Some("h"), "/p", Some("q"), "/p?q"),
            ("HTTPS://u@h:8/", Some("u@h:8"), "/", None, "/"),
            ("http://h", Some("h"), "/", None, "/"),
            ("http://h?q", Some("h"), "/", Some("q"), "?q"),
            ("http://h#f", Some("h"), "/", None, "/"),
            ("http://h\\@e/", Some("h"), "\\@e/", None, "\\@e/"),
            ("//h/p", None, "//h/p", None, "//h/p"),
            ("/x?u=http://h/", None, "/x", Some("u=http://h/"), "/x?u=http://h/"),
            ("host:443", None, "host:443", None, "host:443"),
            ("1http://h/", None, "1http://h/", None, "1http://h/"),
        ];
        for (target, authority, path, query, uri) in cases {
            let parts = TargetParts::of(target.as_bytes());
            assert_eq!(parts.authority, authority.map(str::as_bytes), "{target}");
            assert_eq!(parts.path, path.as_bytes(), "{target}");
            assert_eq!(parts.query, query.map(str::as_bytes), "{target}");
            assert_eq!(parts.uri, uri.as_bytes(), "{target}");
            if let Some(query) = parts.query {
                assert!(target.as_bytes()[parts.query_at..].starts_with(query), "{target}");
            }
        }
    }

    #[test]
    fn the_basename_follows_the_last_slash_of_either_kind() {
        for (path, base) in
            [("/a/b.php", "b.php"), ("/a/", ""), ("/a\\c", "c"), ("x", "x"), ("", "")]
        {
            let (found, at) = TargetParts::of(path.as_bytes()).basename();
            assert_eq!((found, at), (base.as_bytes(), path.len() - base.len()), "{path}");
        }
    }

    /// The examples of RFC 3986 section 5.2.4 and 5.4 that are absolute paths, then ours.
    #[test]
    fn paths_are_resolved() {
        let cases: &[(&str, &str, bool)] = &[
            ("/a/b/c/./../../g", "/a/g", true),
            ("/b/c/d;p", "/b/c/d;p", false),
            ("/../g", "/g", true),
            ("/./g", "/g", true),
            ("/g.", "/g.", false),
            ("/.g", "/.g", false),
            ("/g..", "/g..", false),
            ("/..g", "/..g", false),
            ("/b/c/g/..", "/b/c/", true),
            ("/b/c/.", "/b/c/", true),
            ("/", "/", false),
            ("/..", "/", true),
            ("/a//b/", "/a//b/", false),
            ("/%61%2Fb", "/a/b", true),
            ("/%2e%2E/a", "/a", true),
            ("/a%5cb", "/a\\b", true),
            ("/a\\b", "/a\\b", false),
            ("/a\\..\\b", "/a\\..\\b", true),
            ("/a/..;x=1/b", "/a/..;x=1/b", true),
            ("/%252e", "/%2e", true),
            ("/%%32%65", "/%2e", true),
            ("/%u002e", "/%u002e", true),
            ("/100%", "/100%", false),
            ("/%zz", "/%zz", false),
            ("/%25", "/%", false),
            ("*", "*", false),
        ];
        for (raw, path, ambiguous) in cases {
            let clean = clean_path(raw.as_bytes());
            assert_eq!(clean.path, path.as_bytes(), "{raw}");
            assert_eq!(clean.ambiguous, *ambiguous, "{raw}");
        }
    }

    #[test]
    fn overlong_characters_are_ambiguous_and_others_are_not() {
        for raw in ["/%c0%ae", "/%c1%9c", "/%e0%80%af", "/%f0%80%80%af"] {
            assert!(clean_path(raw.as_bytes()).ambiguous, "{raw}");
        }
        for raw in ["/%c3%a9", "/%e0%a4%85", "/%f0%9f%98%80", "/%c0", "/\u{e9}"] {
            assert!(!clean_path(raw.as_bytes()).ambiguous, "{raw}");
        }
    }

    #[test]
    fn odd_bytes_of_a_target_are_found_once_each() {
        use Finding::{ProtocolTargetCharacters as Odd, ProtocolTargetControl as Control};
        type Case = (&'static [u8], &'static [(Finding, u64)]);
        let cases: &[Case] = &[
            (b"/a?b=c&d=%00'|{}^`[]", &[]),
            (b"/a<b>", &[(Odd, 2)]),
            (b"/\"", &[(Odd, 1)]),
            (b"/a b", &[(Odd, 2)]),
            (b"/a\\b", &[(Odd, 2)]),
            (b"/a#b", &[(Odd, 2)]),
            (b"/\xe9", &[(Odd, 1)]),
            (b"/\x00<", &[(Control, 1), (Odd, 2)]),
            (b"/\x7f", &[(Control, 1)]),
            (b"/<\t", &[(Control, 2), (Odd, 1)]),
        ];
        for (target, expected) in cases {
            assert_eq!(target_findings(target), *expected, "{}", target.escape_ascii());
        }
    }
}
