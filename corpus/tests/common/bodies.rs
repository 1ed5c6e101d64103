//! Long bodies with something in them, for every parser.

use waf_core::parse::head::RequestHead;
use waf_corpus::Request;

/// A request with a body of some type.
pub(crate) fn post(id: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Request {
    let body = body.into();
    let headers = [
        ("Host", "shop.example".to_owned()),
        ("Content-Type", content_type.to_owned()),
        ("Content-Length", body.len().to_string()),
    ];
    let headers = headers.map(|(name, value)| (name.into(), value.into())).to_vec();
    let head = RequestHead::from_parts("POST", "/p", "HTTP/1.1", headers);
    Request { id: id.to_owned(), head, body, ..Request::default() }
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json";
pub(crate) const XML: &str = "text/xml";
pub(crate) const MULTIPART: &str = "multipart/form-data; boundary=b";
pub(crate) const PLAIN: &str = "text/plain";

/// The same value in a body of each type; `value` is free of what they escape.
pub(crate) fn of_every_type(id: &str, value: &str) -> Vec<Request> {
    let part = |head: &str| {
        format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n--b--\r\n")
    };
    let xml = value.replace('<', "&lt;");
    let bodies = [
        (FORM, format!("a=1&q={}&z=2", value.replace('+', "%2b").replace(' ', "+"))),
        (JSON, format!(r#"{{"a":1,"q":["{value}"],"z":2}}"#)),
        (XML, format!("<a><b>{xml}</b><c d=\"{xml}\"/></a>")),
        (MULTIPART, part("name=\"q\"")),
        (MULTIPART, part("name=\"q\"; filename=\"a.txt\"")),
        (PLAIN, value.to_owned()),
    ];
    let requests = bodies.into_iter().enumerate();
    requests.map(|(n, (kind, body))| post(&format!("{id}/{n} {kind}"), kind, body)).collect()
}

/// A value, escaped as each place asks: an argument of a query, of a form, of JSON and of multipart.
pub(crate) fn places(value: &str) -> [(&'static str, Request); 4] {
    let escaped: String = value.bytes().map(escape).collect();
    let headers = vec![("Host".into(), "shop.example".into())];
    let target = format!("/p?id=1&q={escaped}");
    let query = Request {
        head: RequestHead::from_parts("GET", target.as_str(), "HTTP/1.1", headers),
        ..Request::default()
    };
    let json = serde_json::json!({ "id": 1, "message": value }).to_string();
    let part = format!(
        "--b\r\nContent-Disposition: form-data; name=\"comment\"\r\n\r\n{value}\r\n--b--\r\n"
    );
    [
        ("a query", query),
        ("a form", post("", FORM, format!("id=1&text={escaped}"))),
        ("JSON", post("", JSON, json)),
        ("multipart", post("", MULTIPART, part)),
    ]
}

/// RFC 3986: all but unreserved characters as `%hh`.
fn escape(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        return char::from(byte).to_string();
    }
    format!("%{byte:02x}")
}
