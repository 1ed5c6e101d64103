//! A record of our own audit log as a request, as far as it tells: the head's first line, the Host,
//! the Content-Type and the headers that `audit.headers` lists. Bodies are never written, and what
//! was masked is sent as `***`.

use waf_core::record::DecisionRecord;

use crate::request::Request;

/// The request of a line; `None` where the line is no record.
pub(super) fn request(text: &[u8]) -> Option<Request> {
    let record: DecisionRecord = serde_json::from_slice(text).ok()?;
    let about = &record.request;
    let query = if about.query.is_empty() { "" } else { "?" };
    let target = format!("{}{query}{}", about.path, about.query);
    let content_type = about.content_type.iter().map(|value| ("Content-Type", value.as_str()));
    let listed = about.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let listed = listed.filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    let headers = content_type.chain(listed);
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut request = super::request(&about.method, &target, &about.host, headers, Vec::new());
    for part in [&mut request.head.line, &mut request.head.target] {
        *part = unspelled(part);
    }
    for (_, value) in &mut request.head.headers {
        *value = unspelled(value);
    }
    request.class = record.decision.name().to_owned();
    request.id = record.request_id;
    Some(request)
}

/// The bytes that a record spells: `\xHH` is one byte, `\\` a backslash.
fn unspelled(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        (bytes, rest) = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => (with(bytes, b'\\'), after),
            (b'\\', [b'x', high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (with(bytes, high << 4 | low), after),
                _ => (with(bytes, b'\\'), &rest[1..]),
            },
            _ => (with(bytes, *first), after),
        };
    }
    bytes
}

fn with(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"time":"2026-11-23T10:00:00.123Z","request_id":"01JD","mode":"block",
        "decision":"would_block","status":200,"source":"origin","route":"default",
        "client":{"ip":"203.0.113.7"},
        "request":{"method":"POST","host":"shop.example","path":"/a\\xFF\\\\b","query":"q=***",
            "content_type":"text/x;a=\\x00","body_bytes":812,
            "headers":[["user-agent","curl"],["content-type","text/x"]]},
        "score":{"inbound":10,"inbound_threshold":5,"outbound":0,"outbound_threshold":4},
        "matches":[],"verdict_offset":null,
        "coverage":{"body_seen":812,"body_total":812,"stop":null,"inexact":[]},
        "ruleset":"sha256:1","timing_us":{"inspect":41,"total":1830}}"#;

    #[test]
    fn a_record_gives_the_head_it_tells() {
        let request = request(RECORD.as_bytes()).unwrap();
        assert_eq!(request.head.line, b"POST /a\xff\\b?q=*** HTTP/1.1");
        assert_eq!(request.head.target, b"/a\xff\\b?q=***");
        let values: Vec<_> = request.head.headers.iter().map(|(_, value)| &value[..]).collect();
        assert_eq!(values, [&b"shop.example"[..], b"text/x;a=\0", b"curl", b"0"]);
        assert_eq!((request.id.as_str(), request.class.as_str()), ("01JD", "would_block"));
        assert!(super::request(b"{\"method\":\"GET\"}").is_none());
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(unspelled(br"a\xg0\x4\"), br"a\xg0\x4\");
        assert_eq!(unspelled(br"\\x41\x41"), br"\x41A");
    }
}
