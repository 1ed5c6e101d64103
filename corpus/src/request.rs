//! One recorded request.

use serde::{Deserialize, Serialize};
use waf_core::finding::Finding;
use waf_core::limits::Limits;
use waf_core::parse::framing::{Chunk, Chunked, Framing};
use waf_core::parse::head::{HeadParser, HeadState, RequestHead};

/// What a request is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// It should be caught.
    Attack,
    /// It should pass.
    Benign,
}

impl Label {
    /// The word in corpora.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::Benign => "benign",
        }
    }

    /// The label that a word of a path or of a field means.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "attack" | "attacks" | "malicious" => Some(Self::Attack),
            "benign" | "legitimate" => Some(Self::Benign),
            _ => None,
        }
    }
}

/// One recorded request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Its id in the corpus, or its file and place.
    pub id: String,
    /// Where the corpus has it from.
    pub source: String,
    /// The kind of attack or use.
    pub class: String,
    /// What it is known to be.
    pub label: Option<Label>,
    /// The head.
    pub head: RequestHead,
    /// What the head's reader found.
    pub findings: Vec<(Finding, u64)>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The bytes it came as, where the corpus has them.
    pub wire: Option<Vec<u8>>,
}

impl Request {
    /// A request from raw HTTP/1.1 bytes. What a strict reader would refuse becomes findings, so
    /// that a record can be made of any bytes.
    pub fn from_raw(raw: &[u8], limits: &Limits) -> Self {
        let mut parser = HeadParser::new(limits);
        let progress = parser.feed(raw);
        let mut findings = parser.findings().to_vec();
        let head = parser.partial();
        if progress.state == HeadState::NeedMore && findings.is_empty() {
            findings.push((Finding::ProtocolHead, raw.len() as u64));
        }
        let rest = &raw[progress.consumed.min(raw.len())..];
        let body = match Framing::of(&head) {
            Ok(Framing::None) => Vec::new(),
            Ok(Framing::Length(length)) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
                rest[..length].to_vec()
            }
            Ok(Framing::Chunked) => match dechunk(rest) {
                Ok(body) => body,
                Err(finding) => {
                    findings.push((finding, progress.consumed as u64));
                    rest.to_vec()
                }
            },
            Err(finding) => {
                if !findings.iter().any(|(known, _)| *known == finding) {
                    findings.push((finding, 0));
                }
                rest.to_vec()
            }
        };
        Self { head, findings, body, ..Self::default() }
    }

    /// The bytes to send: those it came as, or its parts put together. A body that nothing
    /// announces gets a Content-Length, a chunked one is one chunk.
    pub fn bytes(&self) -> Vec<u8> {
        if let Some(wire) = &self.wire {
            return wire.clone();
        }
        let mut bytes = [&self.head.line[..], b"\r\n"].concat();
        for (name, value) in &self.head.headers {
            bytes.extend_from_slice(&[&name[..], b": ", value, b"\r\n"].concat());
        }
        let length = self.body.len();
        let chunked = match Framing::of(&self.head) {
            Ok(Framing::None) if length > 0 => {
                bytes.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
                false
            }
            framing => framing == Ok(Framing::Chunked),
        };
        bytes.extend_from_slice(b"\r\n");
        if chunked && length > 0 {
            bytes.extend_from_slice(format!("{length:x}\r\n").as_bytes());
        }
        bytes.extend_from_slice(&self.body);
        if chunked {
            bytes.extend_from_slice(if length > 0 { b"\r\n0\r\n\r\n" } else { b"0\r\n\r\n" });
        }
        bytes
    }
}

fn dechunk(mut input: &[u8]) -> Result<Vec<u8>, Finding> {
    let mut chunked = Chunked::new();
    let mut body = Vec::new();
    loop {
        match chunked.next(&mut input)? {
            Chunk::Data(data) => body.extend_from_slice(data),
            Chunk::End => return Ok(body),
            Chunk::NeedMore => return Err(Finding::ProtocolFraming),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(headers: &[(&str, &str)], body: &str) -> String {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let head = RequestHead::from_parts("POST", "/a?b", "HTTP/1.1", headers.collect());
        let request = Request { head, body: body.into(), ..Request::default() };
        String::from_utf8_lossy(&request.bytes()).into_owned()
    }

    #[test]
    fn parts_are_put_together_with_a_framing() {
        let head = "POST /a?b HTTP/1.1\r\n";
        assert_eq!(bytes(&[("A", "b")], ""), format!("{head}A: b\r\n\r\n"));
        assert_eq!(bytes(&[], "c"), format!("{head}Content-Length: 1\r\n\r\nc"));
        let length = [("content-length", "1")];
        assert_eq!(bytes(&length, "c"), format!("{head}content-length: 1\r\n\r\nc"));
        let chunked = [("Transfer-Encoding", "chunked")];
        let framed = |body: &str| format!("{head}Transfer-Encoding: chunked\r\n\r\n{body}");
        let body = "0123456789abcdef";
        assert_eq!(bytes(&chunked, body), framed(&format!("10\r\n{body}\r\n0\r\n\r\n")));
        assert_eq!(bytes(&chunked, ""), framed("0\r\n\r\n"));
    }

    #[test]
    fn what_was_put_together_is_read_as_the_same() {
        for headers in [&[][..], &[("Transfer-Encoding", "chunked")]] {
            let raw = bytes(headers, "a=b&c=d");
            let request = Request::from_raw(raw.as_bytes(), &Limits::default());
            assert_eq!((request.body.as_slice(), request.findings.len()), (&b"a=b&c=d"[..], 0));
        }
    }
}
