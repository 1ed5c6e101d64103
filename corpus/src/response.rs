//! What an origin answers, for replays without one.

use waf_core::parse::response::ResponseHead;

/// A response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The head.
    pub head: ResponseHead,
    /// The body without its framing.
    pub body: Vec<u8>,
}

impl Response {
    /// A status and a body, with the body's length as the only header.
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        let length = body.len().to_string().into_bytes();
        let headers = vec![(b"Content-Length".to_vec(), length)];
        Self { head: ResponseHead { status, headers }, body }
    }

    /// With `text/plain` as the type of a body, where it has none yet.
    #[must_use]
    pub fn typed(mut self) -> Self {
        let is_type = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"content-type");
        if !self.body.is_empty() && !self.head.headers.iter().any(is_type) {
            let text = b"text/plain; charset=utf-8".to_vec();
            self.head.headers.push((b"Content-Type".to_vec(), text));
        }
        self
    }

    /// As it would stand on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {}\r\n", self.head.status).into_bytes();
        for (name, value) in &self.head.headers {
            bytes.extend_from_slice(&[&name[..], b": ", value, b"\r\n"].concat());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
