//! A request head from raw HTTP/1.x bytes (RFC 9112 sections 2 to 5), read before any other parser
//! can change it.
//!
//! What would be repaired elsewhere is told here: lines must end in CRLF, names must be tokens.
//! Where lines can still be told apart the head is read to its end even then, so that the record of
//! a refused request can show what was asked for.

mod line;

use self::line::{not_http, split_line, trim_ows, wrong_header};
use super::framing::Framing;
use crate::finding::Finding;
use crate::limits::{EMPTY_LINES, Limits, METHOD, VERSION};

/// The head of a request: the bytes as received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// The request line without its CRLF.
    pub line: Vec<u8>,
    /// The method.
    pub method: Vec<u8>,
    /// The request target.
    pub target: Vec<u8>,
    /// The version, such as `HTTP/1.1`; any other `HTTP/d.d` too.
    pub version: Vec<u8>,
    /// The `:authority` of HTTP/2; `None` in HTTP/1.x.
    pub authority: Option<Vec<u8>>,
    /// HTTP/2: the head did not end the stream. In HTTP/1.x the header lines tell, and this is
    /// false.
    pub body_follows: bool,
    /// Header lines in order: name as received, value without the blanks around it.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl RequestHead {
    /// A head that came in parts, as in HTTP/2; the request line is put together from them.
    pub fn from_parts(
        method: impl Into<Vec<u8>>,
        target: impl Into<Vec<u8>>,
        version: impl Into<Vec<u8>>,
        headers: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Self {
        let (method, target, version) = (method.into(), target.into(), version.into());
        let line = [&method[..], &target[..], &version[..]].join(&b' ');
        Self { line, method, target, version, headers, ..Self::default() }
    }

    /// With the `:authority` of HTTP/2, which stands in for a missing Host as RFC 9113 section 8.3.1
    /// says.
    #[must_use]
    pub fn with_authority(mut self, authority: &[u8]) -> Self {
        if self.value("host").is_none() {
            self.headers.insert(0, (b"host".to_vec(), authority.to_vec()));
        }
        self.authority = Some(authority.to_vec());
        self
    }

    /// With what the END_STREAM flag of HTTP/2 says: whether a body follows.
    #[must_use]
    pub fn with_body(mut self, follows: bool) -> Self {
        self.body_follows = follows;
        self
    }

    /// Whether a body of at least one byte is announced.
    pub fn has_body(&self) -> bool {
        self.body_follows || Framing::of(self).is_ok_and(Framing::has_body)
    }

    /// The values of a header in order, its name compared without case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = move |have: &[u8]| have.eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().filter(move |(have, _)| named(have)).map(|(_, value)| &value[..])
    }

    /// The first value of a header.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(have, _)| have.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| &value[..])
    }
}

/// How far a [`HeadParser`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadProgress {
    /// Bytes of the input that belong to the head.
    pub consumed: usize,
    /// What to do next.
    pub state: HeadState,
}

/// Whether a head is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadState {
    /// Feed the next bytes.
    NeedMore,
    /// The head is whole: [`HeadParser::head`].
    Complete,
    /// It must not be forwarded: [`HeadParser::findings`] says why. Close the connection.
    Refused,
}

/// Reads one request head, in pieces. Keeps at most `limits.url`, `limits.header_bytes` and a few
/// hundred bytes.
///
/// It tells what is wrong with the bytes; what they mean is judged by [`super::request::validate`].
#[derive(Clone, Debug)]
pub struct HeadParser {
    max_url: usize,
    max_header_bytes: usize,
    max_headers: usize,
    head: RequestHead,
    findings: Vec<(Finding, u64)>,
    part: Part,
    /// The current line so far, without its LF.
    line: Vec<u8>,
    /// Offset of the line's first byte.
    line_at: u64,
    header_bytes: usize,
    header_lines: usize,
    empty_lines: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    RequestLine,
    Headers,
    Done(HeadState),
}

impl HeadParser {
    /// A parser before the first byte of a request.
    pub fn new(limits: &Limits) -> Self {
        Self {
            max_url: limits.url,
            max_header_bytes: limits.header_bytes,
            max_headers: limits.headers,
            head: RequestHead::default(),
            findings: Vec::new(),
            part: Part::RequestLine,
            line: Vec::new(),
            line_at: 0,
            header_bytes: 0,
            header_lines: 0,
            empty_lines: 0,
        }
    }

    /// Reads the next piece, up to the end of the head at most.
    pub fn feed(&mut self, input: &[u8]) -> HeadProgress {
        let mut consumed = 0;
        loop {
            if let Part::Done(state) = self.part {
                return HeadProgress { consumed, state };
            }
            if consumed == input.len() {
                return HeadProgress { consumed, state: HeadState::NeedMore };
            }
            consumed += self.take(&input[consumed..]);
        }
    }

    /// What is wrong with the bytes, each finding once with its first offset. A complete head has
    /// none.
    pub fn findings(&self) -> &[(Finding, u64)] {
        &self.findings
    }

    /// The head, once it is complete.
    pub fn head(&self) -> Option<&RequestHead> {
        (self.part == Part::Done(HeadState::Complete)).then_some(&self.head)
    }

    /// The head as far as it is known; for records of what was refused or never ended.
    pub fn partial(&self) -> RequestHead {
        match self.part {
            Part::RequestLine => split_line(&self.line).0,
            _ => self.head.clone(),
        }
    }

    /// Takes bytes up to the end of the line or to the limit; returns how many.
    fn take(&mut self, input: &[u8]) -> usize {
        // One byte over the room shows that the line is too long.
        let wanted = (self.room() + 1).saturating_sub(self.line.len()).max(1);
        let text = &input[..wanted.min(input.len())];
        if let Some(lf) = text.iter().position(|&byte| byte == b'\n') {
            self.line.extend_from_slice(&text[..lf]);
            self.end_line();
            return lf + 1;
        }
        self.line.extend_from_slice(text);
        match self.part {
            Part::RequestLine => self.check_open_request_line(),
            _ if self.line.len() > self.room() => self.refuse(Finding::LimitHeaders, self.end()),
            _ => {}
        }
        text.len()
    }

    /// Bytes that the current line may have before its LF.
    fn room(&self) -> usize {
        match self.part {
            Part::RequestLine => METHOD + self.max_url + VERSION + 3,
            _ => self.max_header_bytes.saturating_sub(self.header_bytes + 1).max(1),
        }
    }

    /// Offset of the last byte of the current line.
    fn end(&self) -> u64 {
        (self.line_at + self.line.len() as u64).saturating_sub(1)
    }

    fn check_open_request_line(&mut self) {
        if let Some(at) = not_http(&self.line) {
            self.refuse_request_line(at);
        } else if self.line.len() > self.room() {
            self.head = split_line(&self.line).0;
            self.refuse(Finding::LimitUrl, self.end());
        }
    }

    /// Refuses a line that is not HTTP from its byte `at` on; what follows is not looked at.
    fn refuse_request_line(&mut self, at: usize) {
        self.line.truncate(at + 1);
        self.head = split_line(&self.line).0;
        self.refuse(Finding::ProtocolHead, self.line_at + at as u64);
    }

    fn end_line(&mut self) {
        let lf_at = self.line_at + self.line.len() as u64;
        if self.part == Part::RequestLine
            && let Some(at) = not_http(&self.line)
        {
            return self.refuse_request_line(at);
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        } else {
            self.note(Finding::ProtocolFraming, lf_at);
        }
        if let Some(at) = self.line.iter().position(|&byte| byte == b'\r') {
            self.note(Finding::ProtocolHead, self.line_at + at as u64);
        }
        let line = std::mem::take(&mut self.line);
        match self.part {
            Part::RequestLine => self.request_line(&line),
            _ if line.is_empty() => self.complete(),
            _ => self.header_line(&line, lf_at),
        }
        self.line = line;
        self.line.clear();
        self.line_at = lf_at + 1;
    }

    fn request_line(&mut self, line: &[u8]) {
        if line.is_empty() {
            self.note(Finding::ProtocolFraming, self.line_at);
            self.empty_lines += 1;
            if self.empty_lines > EMPTY_LINES {
                self.part = Part::Done(HeadState::Refused);
            }
            return;
        }
        let (head, wrong) = split_line(line);
        let over = head.target.len() > self.max_url;
        let limit_at = self.line_at + (head.method.len() + 1 + self.max_url) as u64;
        self.head = head;
        self.part = Part::Headers;
        if let Some(at) = wrong {
            self.refuse(Finding::ProtocolHead, self.line_at + at as u64);
        } else if over {
            self.refuse(Finding::LimitUrl, limit_at);
        }
    }

    fn header_line(&mut self, line: &[u8], lf_at: u64) {
        self.header_lines += 1;
        self.header_bytes += line.len() + 2;
        if self.header_lines > self.max_headers {
            return self.refuse(Finding::LimitHeaders, self.line_at);
        }
        if let Some(at) = wrong_header(line) {
            // A line without a colon is wrong at its end.
            self.note(Finding::ProtocolHead, (self.line_at + at as u64).min(lf_at));
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            // A folded line belongs to the value before it.
            if let Some((_, value)) = self.head.headers.last_mut() {
                value.push(b' ');
                value.extend_from_slice(trim_ows(line));
            }
            return;
        }
        if let Some(colon) = line.iter().position(|&byte| byte == b':') {
            let (name, value) = (&line[..colon], trim_ows(&line[colon + 1..]));
            self.head.headers.push((name.to_vec(), value.to_vec()));
        }
    }

    fn complete(&mut self) {
        let fine = self.findings.is_empty();
        self.part = Part::Done(if fine { HeadState::Complete } else { HeadState::Refused });
    }

    fn refuse(&mut self, finding: Finding, at: u64) {
        self.note(finding, at);
        self.part = Part::Done(HeadState::Refused);
    }

    fn note(&mut self, finding: Finding, at: u64) {
        match self.findings.iter_mut().find(|(have, _)| *have == finding) {
            Some((_, first)) => *first = at.min(*first),
            None => self.findings.push((finding, at)),
        }
    }
}

#[cfg(test)]
mod tests;
