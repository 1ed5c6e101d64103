//! The bytes of a request, as the suite's client sends them: see `BuildRequest` in go-ftw's
//! `ftwhttp/request.go`, and the class `Input` in `ftw/ruleset.py` of the older client.

use std::borrow::Cow;

use super::schema::{Data, Input};
use super::template;
use crate::read::base64;

/// The one type whose bodies the client encodes; compared without case, parameters and all.
const FORM: &str = "application/x-www-form-urlencoded";

/// Who sends the requests of a suite: they complete them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// ftw 1.3, in Python: CRS 3. It adds no Connection, a Content-Length only to a body, and
    /// leaves the lines of multipart bodies alone.
    Ftw,
    /// go-ftw 2: CRS 4.
    GoFtw,
}

/// What is wrong with an input: the key, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: &'static str,
    pub(super) why: String,
}

fn problem(key: &'static str, why: impl Into<String>) -> Problem {
    Problem { key, why: why.into() }
}

/// The request that an input describes.
pub(super) fn request(input: &Input, client: Client) -> Result<Vec<u8>, Problem> {
    if input.follow_redirect == Some(true) {
        return Err(problem("follow_redirect", "redirects are not followed"));
    }
    if input.save_cookie == Some(true) {
        return Err(problem("save_cookie", "cookies are not kept"));
    }
    if let Some(encoded) = input.encoded_request.as_deref().filter(|text| !text.is_empty()) {
        if input.data.is_some() {
            return Err(problem("data", "`data` and `encoded_request` exclude each other"));
        }
        return decode("encoded_request", encoded);
    }
    if let Some(raw) = &input.raw_request {
        return Ok(raw.clone().into_bytes());
    }
    let mut message = Message::of(input)?;
    let complete = input.autocomplete_headers.unwrap_or_else(|| !input.stop_magic.unwrap_or(false));
    if complete && !message.body.is_empty() {
        message.complete_form(client);
    }
    if client == Client::GoFtw {
        message.end_multipart_lines();
    }
    if complete {
        message.complete_headers(client);
    }
    Ok(message.bytes())
}

struct Message {
    method: String,
    target: String,
    version: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    fn of(input: &Input) -> Result<Self, Problem> {
        let or = |text: &Option<super::schema::Text>, default: &str| {
            text.as_ref().map_or_else(|| default.to_owned(), |text| text.0.clone())
        };
        let headers = match (&input.ordered_headers, &input.headers) {
            (Some(ordered), _) => ordered
                .iter()
                .map(|header| (header.name.0.clone(), header.value.0.clone()))
                .collect(),
            // The client sorts them by name; so does the map.
            (None, Some(map)) => {
                map.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect()
            }
            (None, None) => Vec::new(),
        };
        let body = match (&input.data, &input.encoded_data) {
            (Some(Data::Text(text)), _) => {
                template::expand(text).map_err(|why| problem("data", why))?.into_bytes()
            }
            (Some(Data::Lines(lines)), _) => lines.join("\r\n").into_bytes(),
            (None, Some(encoded)) => decode("encoded_data", encoded)?,
            (None, None) => Vec::new(),
        };
        Ok(Self {
            method: or(&input.method, "GET"),
            target: or(&input.uri, "/"),
            version: or(&input.version, "HTTP/1.1"),
            headers,
            body,
        })
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(have, _)| have.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// A body is a form unless something else is said, and a form is encoded unless it is already.
    fn complete_form(&mut self, client: Client) {
        if !self.has("Content-Type") {
            self.add("Content-Type", FORM);
        }
        if !self.values("Content-Type").any(|value| value.eq_ignore_ascii_case(FORM)) {
            return;
        }
        match client {
            // Unescaping leaves exactly those bodies as they are that have neither of these.
            Client::GoFtw if !self.body.iter().any(|byte| matches!(byte, b'%' | b'+')) => {
                self.body = encode_form(&self.body);
            }
            Client::Ftw if !has_escape(&self.body) => {
                let pairs = encode_full_pairs(&self.body);
                if !pairs.is_empty() {
                    self.body = pairs;
                }
            }
            _ => {}
        }
    }

    /// The lines of a multipart body, which YAML ends in LF, end in CRLF.
    fn end_multipart_lines(&mut self) {
        let multipart = |value: &str| value.to_lowercase().contains("multipart/form-data;");
        if self.values("Content-Type").any(multipart) {
            let lines: Vec<&[u8]> = self.body.split(|&byte| byte == b'\n').collect();
            self.body = lines.join(&b"\r\n"[..]);
        }
    }

    fn complete_headers(&mut self, client: Client) {
        if client == Client::GoFtw && !self.has("Connection") {
            self.add("Connection", "close");
        }
        let has_body = !self.body.is_empty() || client == Client::GoFtw && has_body(&self.method);
        if has_body && !self.has("Content-Length") {
            let length = self.body.len().to_string();
            self.add("Content-Length", length);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} {}\r\n", self.method, self.target, self.version);
        for (name, value) in &self.headers {
            bytes += &format!("{name}: {value}\r\n");
        }
        bytes += "\r\n";
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// The client's expression is `^POST|PUT|PATCH|DELETE$`, in which the anchors bind closer than `|`.
fn has_body(method: &str) -> bool {
    method.starts_with("POST")
        || method.contains("PUT")
        || method.contains("PATCH")
        || method.ends_with("DELETE")
}

/// Names and values encoded; `&` and the first `=` of each pair stay. An `&` at the end is dropped.
fn encode_form(body: &[u8]) -> Vec<u8> {
    let body = body.strip_suffix(b"&").unwrap_or(body);
    let pair = |pair: &[u8]| match pair.iter().position(|&byte| byte == b'=') {
        Some(at) => [query_escape(&pair[..at]), query_escape(&pair[at + 1..])].join(&b'='),
        None => query_escape(pair),
    };
    body.split(|&byte| byte == b'&').map(pair).collect::<Vec<_>>().join(&b'&')
}

/// Python's `urlencode(parse_qsl(…))`: a pair without a value is dropped.
fn encode_full_pairs(body: &[u8]) -> Vec<u8> {
    let blanks = |text: &[u8]| -> Vec<u8> {
        text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect()
    };
    let pair = |pair: &[u8]| {
        let at = pair.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (blanks(&pair[..at]), blanks(&pair[at + 1..]));
        (!value.is_empty()).then(|| [query_escape(&name), query_escape(&value)].join(&b'='))
    };
    body.split(|&byte| byte == b'&').filter_map(pair).collect::<Vec<_>>().join(&b'&')
}

/// Whether there is a `%hh`, which unescaping would change.
fn has_escape(body: &[u8]) -> bool {
    let is_escape = |three: &[u8]| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit);
    body.windows(3).any(is_escape)
}

/// Go's `url.QueryEscape`: unreserved bytes (RFC 3986 section 2.3) stay, a blank is `+`.
fn query_escape(text: &[u8]) -> Vec<u8> {
    let escape = |&byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            Cow::Owned(vec![byte])
        }
        b' ' => Cow::Borrowed(&b"+"[..]),
        _ => Cow::Owned(format!("%{byte:02X}").into_bytes()),
    };
    text.iter().map(escape).collect::<Vec<_>>().concat()
}

fn decode(key: &'static str, text: &str) -> Result<Vec<u8>, Problem> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    base64(&text).map_err(|why| problem(key, why))
}
