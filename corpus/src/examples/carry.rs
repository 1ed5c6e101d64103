//! Text into a request, encoded as its place asks.

use serde_json::{Value, json};
use waf_core::limits::Limits;
use waf_core::parse::head::RequestHead;
use waf_core::rule::Example;

use super::spots::Spot;
use crate::request::Request;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const JSON: &str = "application/json";
pub(super) const XML: &str = "application/xml";

const BOUNDARY: &str = "----pinpoint-example";

/// The text as the value of a spot; `None` where that cannot carry it.
///
/// `decodes`: the rule decodes `%hh` itself, so what a cookie cannot hold may be sent escaped.
pub(super) fn value(spot: &Spot, text: &str, decodes: bool) -> Option<Request> {
    let pair = |name: &str, value: &str| format!("{}={}", escape(name), escape(value));
    Some(match spot {
        Spot::Query(name) => get(&format!("/?id=1&{}", pair(name, text))),
        Spot::QueryName => get(&format!("/?id=1&{}", pair(text, "1"))),
        Spot::RawQuery => get(&format!("/?{}", escape_but(text, b"=&+%/:@!$'()*,;?"))),
        Spot::Path => get(&format!("/{}", path(text))),
        Spot::Form(name) => post(FORM, format!("id=1&{}", pair(name, text))),
        Spot::Json(at) => post(JSON, json_at(at.strip_prefix('$')?, text)?.to_string()),
        Spot::JsonName => post(JSON, json!({ text: 1 }).to_string()),
        Spot::Multipart(name) => multipart(&Part { name, content: text, ..Part::default() }),
        Spot::File(name) => {
            multipart(&Part { name, filename: Some("a.txt"), content: text, ..Part::default() })
        }
        Spot::FileName(name) => {
            multipart(&Part { name, filename: Some(quotable(text)?), ..Part::default() })
        }
        Spot::PartHeader => {
            multipart(&Part { name: "f", kind: Some(line(text)?), ..Part::default() })
        }
        Spot::Cookie(name) => {
            with_header("Cookie", &format!("id=1; {name}={}", crumb(text, decodes)?))
        }
        Spot::CookieName => with_header("Cookie", &format!("id=1; {}=1", crumb(text, decodes)?)),
        Spot::Header(name) => with_header(name, line(text)?),
        Spot::HeaderName => with_header(line(text)?, "1"),
        Spot::Method => head(line(text)?, "/", &[]),
        Spot::Xml(at) => post(XML, &xml_at(at, &xml(text)?)?),
        Spot::RawBody => post("text/plain", text),
    })
}

/// A request without a body.
pub(super) fn get(target: &str) -> Request {
    head("GET", target, &[])
}

/// A request with one header line besides Host, or with this Host.
pub(super) fn with_header(name: &str, value: &str) -> Request {
    head("GET", "/", &[(name, value)])
}

/// A request with a body.
pub(super) fn post(content_type: &str, body: impl AsRef<[u8]>) -> Request {
    let body = body.as_ref();
    let length = body.len().to_string();
    let lines = [("Content-Type", content_type), ("Content-Length", length.as_str())];
    Request { body: body.into(), ..head("POST", "/", &lines) }
}

/// A raw HTTP/1.1 request. Where it has a body and says nothing of its length, that is added.
pub(super) fn raw(text: &str) -> Request {
    let framed = |head: &str| {
        let head = head.to_ascii_lowercase();
        head.contains("\r\ncontent-length:") || head.contains("\r\ntransfer-encoding:")
    };
    let text = match text.split_once("\r\n\r\n") {
        Some((head, body)) if !body.is_empty() && !framed(head) => {
            format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        _ => text.to_owned(),
    };
    Request::from_raw(text.as_bytes(), &Limits::default())
}

/// One part of a multipart body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part<'a> {
    name: &'a str,
    filename: Option<&'a str>,
    kind: Option<&'a str>,
    magic: Option<&'a str>,
    content: &'a str,
}

impl<'a> Part<'a> {
    /// As an example writes it: the content alone, or a mapping.
    pub(super) fn of(value: &'a Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        Self {
            name: text("name").unwrap_or("example"),
            filename: text("filename"),
            kind: text("type"),
            magic: text("magic"),
            content: text("content").or(value.as_str()).unwrap_or("x"),
        }
    }
}

/// A multipart body of one part.
pub(super) fn multipart(part: &Part<'_>) -> Request {
    let filename = part.filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
    let kind = part.kind.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
    let Part { name, content, .. } = part;
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n{kind}\r\n"
    );
    let magic = part.magic.and_then(Example::bytes).unwrap_or_default();
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let body = [head.as_bytes(), magic.as_slice(), content.as_bytes(), end.as_bytes()].concat();
    post(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

fn head(method: &str, target: &str, lines: &[(&str, &str)]) -> Request {
    let hosts = lines.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = (!hosts).then_some(("Host", "www.example"));
    let lines = host.iter().chain(lines);
    let headers = lines.map(|&(name, value)| (name.into(), value.into())).collect();
    Request {
        head: RequestHead::from_parts(method, target, "HTTP/1.1", headers),
        ..Request::default()
    }
}

/// RFC 3986: all but unreserved characters as `%hh`.
fn escape(text: &str) -> String {
    escape_but(text, b"")
}

fn escape_but(text: &str, plain: &[u8]) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || plain.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// A path keeps its slashes and escapes.
fn path(text: &str) -> String {
    escape_but(text.strip_prefix('/').unwrap_or(text), b"/%:@!$&'()*+,;=")
}

/// A header's value has no controls, and no blanks around it: a reader takes those away.
fn line(text: &str) -> Option<&str> {
    let clean = text.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control());
    (clean && text.trim_matches([' ', '\t']) == text && !text.is_empty()).then_some(text)
}

/// What may stand between the quotes of a file name.
fn quotable(text: &str) -> Option<&str> {
    line(text).filter(|text| !text.contains('"'))
}

/// A cookie's value; `;` and what no header can hold is escaped.
fn crumb(text: &str, decodes: bool) -> Option<String> {
    if !text.contains(';') && line(text).is_some() {
        return Some(text.to_owned());
    }
    let plain: Vec<u8> = (0x21..=0x7e).filter(|byte| *byte != b';').collect();
    decodes.then(|| escape_but(text, &plain))
}

/// A JSON document with the text at a path such as `.items[*].name`; `*` is the first index.
fn json_at(path: &str, text: &str) -> Option<Value> {
    if path.is_empty() {
        return Some(Value::from(text));
    }
    if let Some(rest) = path.strip_prefix("['") {
        let (key, rest) = rest.split_once("']")?;
        return Some(json!({ key: json_at(rest, text)? }));
    }
    if let Some(rest) = path.strip_prefix('[') {
        let (index, rest) = rest.split_once(']')?;
        let mut items = vec![Value::Null; index.parse().unwrap_or(0).min(100)];
        items.push(json_at(rest, text)?);
        return Some(Value::from(items));
    }
    let rest = path.strip_prefix('.')?;
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (key, rest) = rest.split_at(end);
    Some(json!({ key: json_at(rest, text)? }))
}

/// An XML document with the escaped text at a path such as `/a/b` or `/a/@c`.
fn xml_at(path: &str, escaped: &str) -> Option<String> {
    let (step, rest) = match path.strip_prefix('/')?.split_once('/') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path.strip_prefix('/')?, None),
    };
    Some(match rest {
        None => format!("<{step}>{escaped}</{step}>"),
        Some(rest) => match rest.strip_prefix('@') {
            Some(name) => format!("<{step} {name}=\"{escaped}\"/>"),
            None => format!("<{step}>{}</{step}>", xml_at(&format!("/{rest}"), escaped)?),
        },
    })
}

/// Text as XML content; `None` for characters that XML 1.0 (section 2.2) cannot have.
fn xml(text: &str) -> Option<String> {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(c))),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => return None,
            c => escaped.push(c),
        }
    }
    Some(escaped)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
mod tests {
    use super::*;

    #[test]
    fn documents_hold_the_text_at_the_path() {
        let value = json_at(".items[*].name", "v").unwrap();
        assert_eq!(value.pointer("/items/0/name"), Some(&Value::from("v")));
        let value = json_at("[2]['a.b']", "v").unwrap();
        assert_eq!(value.pointer("/2/a.b"), Some(&Value::from("v")));
        assert_eq!(xml_at("/a/b", "v").unwrap(), "<a><b>v</b></a>");
        assert_eq!(xml_at("/a/@c", "v").unwrap(), "<a c=\"v\"/>");
        assert_eq!(xml("a<\n\"&").unwrap(), "a&lt;&#10;&quot;&amp;");
        assert_eq!(xml("a\0"), None);
    }

    #[test]
    fn what_a_place_cannot_hold_is_escaped_or_left_out() {
        assert_eq!(crumb("a b", false).unwrap(), "a b");
        assert_eq!(crumb("a;b", true).unwrap(), "a%3Bb");
        assert_eq!(crumb("a;b", false), None);
        assert_eq!(line("a\r\nb"), None);
        assert_eq!(escape("a b\u{e9}"), "a%20b%C3%A9");
        assert_eq!(path("/a/b c"), "a/b%20c");
    }

    #[test]
    fn a_raw_request_gets_the_length_of_its_body() {
        let request = raw("POST / HTTP/1.1\r\nHost: a\r\n\r\na=1");
        assert_eq!(request.head.value("content-length"), Some(&b"3"[..]));
        assert_eq!(request.body, b"a=1");
        let request = raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(request.head.value("content-length"), None);
    }
}
