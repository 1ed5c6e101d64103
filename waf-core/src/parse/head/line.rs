//! The grammar of one line of a head.

use super::RequestHead;
use crate::limits::METHOD;
use crate::parse::media_type::{is_token, is_token_byte};

/// Where a request line shows, perhaps before it ends, that the bytes are some other protocol: a
/// byte in its first word that is no text, or no blank after the longest method. CR is left to the
/// end of the line.
pub(super) fn not_http(line: &[u8]) -> Option<usize> {
    let word = line.iter().take(METHOD + 1).position(|&byte| byte == b' ');
    let text = |byte: u8| matches!(byte, b' '..=b'~' | b'\r');
    let binary = line[..word.unwrap_or(line.len())].iter().position(|&byte| !text(byte));
    let long = (word.is_none() && line.len() > METHOD).then_some(METHOD);
    match (binary, long) {
        (Some(binary), Some(long)) => Some(binary.min(long)),
        (found, None) | (None, found) => found,
    }
}

/// A request line in its parts, as far as they are there, and where it goes wrong. The target
/// reaches to the last blank, so that rules see the blanks in it.
pub(super) fn split_line(line: &[u8]) -> (RequestHead, Option<usize>) {
    let mut head = RequestHead { line: line.to_vec(), ..RequestHead::default() };
    let Some(method_end) = line.iter().position(|&byte| byte == b' ') else {
        head.method = line.to_vec();
        return (head, Some(line.len()));
    };
    head.method = line[..method_end].to_vec();
    let bad_method = head.method.iter().position(|&byte| !is_token_byte(byte));
    let rest = &line[method_end + 1..];
    let blank = rest.iter().rposition(|&byte| byte == b' ');
    let Some(blank) = blank.filter(|&blank| is_versionlike(&rest[blank + 1..])) else {
        head.target = rest.to_vec();
        return (head, bad_method.or(Some(line.len())));
    };
    head.target = rest[..blank].to_vec();
    head.version = rest[blank + 1..].to_vec();
    let no_method = head.method.is_empty().then_some(0);
    let no_target = head.target.trim_ascii().is_empty().then_some(method_end + 1);
    let no_version = (!is_version(&head.version)).then_some(method_end + blank + 2);
    (head, bad_method.or(no_method).or(no_target).or(no_version))
}

fn is_versionlike(word: &[u8]) -> bool {
    word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"HTTP/"))
}

/// `HTTP/` and two digits; which ones is a matter of rules.
fn is_version(word: &[u8]) -> bool {
    matches!(word, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
}

/// Where a header line breaks the grammar of RFC 9112 section 5: folded, no colon, a name that is no
/// token (a blank before the colon too), a control byte.
pub(super) fn wrong_header(line: &[u8]) -> Option<usize> {
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        let name = line.iter().position(|&byte| !is_token_byte(byte));
        return name.or(Some(line.len()));
    };
    if !is_token(&line[..colon]) {
        return line.iter().position(|&byte| !is_token_byte(byte));
    }
    line.iter().position(|byte| byte.is_ascii_control() && *byte != b'\t')
}

pub(super) fn trim_ows(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().take_while(|byte| blank(byte)).count();
    let end = text.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}
