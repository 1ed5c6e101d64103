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
