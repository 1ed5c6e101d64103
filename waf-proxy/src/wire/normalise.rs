//! A head as Pingora and the origin get it: in origin form, with the bytes escaped that parsers
//! treat differently. The rules have seen the bytes as received.

use waf_core::parse::head::RequestHead;
use waf_core::parse::uri::TargetParts;

/// The head as bytes.
pub(super) fn head(head: &RequestHead) -> Vec<u8> {
    let lines = head.headers.iter().map(|(name, value)| name.len() + value.len() + 4);
    let mut text = Vec::with_capacity(head.line.len() + lines.sum::<usize>() + 16);
    text.extend_from_slice(&head.method);
    text.push(b' ');
    write_target(&head.target, &mut text);
    text.push(b' ');
    text.extend_from_slice(&head.version);
    text.extend_from_slice(b"\r\n");
    for (name, value) in &head.headers {
        text.extend_from_slice(name);
        text.extend_from_slice(b": ");
        text.extend_from_slice(value);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text
}

/// Path and query, without scheme, host and fragment (RFC 9112 section 3.2.1).
fn write_target(target: &[u8], text: &mut Vec<u8>) {
    let uri = TargetParts::of(target).uri;
    if uri != b"*" && !uri.starts_with(b"/") {
        text.push(b'/');
    }
    for &byte in uri {
        if is_plain(byte) {
            text.push(byte);
        } else {
            let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value & 15)];
            text.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
        }
    }
}

/// What RFC 3986 allows in a path or query, `%` of escapes, and `[ ] | ^` that browsers send raw
/// and parsers agree on.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%|^".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(target: &str) -> String {
        let head = head(&RequestHead::from_parts("GET", target, "HTTP/1.1", Vec::new()));
        String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn targets_become_origin_form() {
        for (given, sent) in [
            ("/a?b=c", "/a?b=c"),
            ("/a b", "/a%20b"),
            ("/<x>\"\\`{}", "/%3Cx%3E%22%5C%60%7B%7D"),
            ("/a#frag", "/a"),
            ("http://h/p?q#f", "/p?q"),
            ("http://h", "/"),
            ("http://h?q", "/?q"),
            ("*", "*"),
            ("a", "/a"),
            ("/%3c%", "/%3c%"),
            ("/é", "/%C3%A9"),
        ] {
            assert_eq!(line(given), format!("GET {sent} HTTP/1.1"), "{given}");
        }
    }
}
