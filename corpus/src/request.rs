//! One recorded request.

use waf_core::finding::Finding;
use waf_core::limits::Limits;
use waf_core::parse::framing::{Chunk, Chunked, Framing};
use waf_core::parse::head::{HeadParser, HeadState, RequestHead};

/// What a request is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
