//! The head of a request.

use httparse::{EMPTY_HEADER, Request, Status};
use waf_core::field::Recorder;
use waf_core::finding::Finding;
use waf_core::limits::Limits;
use waf_core::parse::framing::Framing;
use waf_core::parse::head::{HeadParser, HeadState, RequestHead};
use waf_core::parse::request::{HeadPolicy, content_coding, fields, validate};
use waf_core::parse::uri::target_findings;

use crate::{cuts, limits};

/// The head at the start of `data`: the same in pieces, and never read otherwise than `httparse`
/// reads it.
pub fn check(data: &[u8]) {
    for limits in limits::both() {
        let read = cuts::same(data, |pieces| Read::of(pieces, &limits));
        let complete = read.state == HeadState::Complete;
        assert!(!complete || read.findings.is_empty(), "complete and refused");
        assert!(read.state != HeadState::Refused || !read.findings.is_empty(), "no reason why");
        assert!(read.consumed <= data.len());
        if complete {
            assert_agrees(data, &read);
        }
        assert_meaning(&read.head, &limits);
    }
}

#[derive(Debug, PartialEq)]
struct Read {
    consumed: usize,
    state: HeadState,
    findings: Vec<(Finding, u64)>,
    head: RequestHead,
}

impl Read {
    fn of(pieces: &[&[u8]], limits: &Limits) -> Self {
        let mut parser = HeadParser::new(limits);
        let (mut consumed, mut state) = (0, HeadState::NeedMore);
        for piece in pieces {
            if state != HeadState::NeedMore {
                break;
            }
            let progress = parser.feed(piece);
            consumed += progress.consumed;
            state = progress.state;
        }
        // Behind a head that is refused nothing is read: how far it came does not matter.
        if state == HeadState::Refused {
            consumed = 0;
        }
        let findings = parser.findings().to_vec();
        Self { consumed, state, findings, head: parser.partial() }
    }
}

/// `httparse` takes no blanks or controls in a target and no versions but two: those are judged by
/// [`validate`].
fn assert_agrees(data: &[u8], read: &Read) {
    let head = &read.head;
    let known_version = matches!(&head.version[..], b"HTTP/1.0" | b"HTTP/1.1");
    if !known_version || !target_findings(&head.target).is_empty() {
        return;
    }
    let mut headers = [EMPTY_HEADER; 128];
    let mut other = Request::new(&mut headers);
    assert_eq!(other.parse(data), Ok(Status::Complete(read.consumed)));
    assert_eq!(other.method.map(str::as_bytes), Some(&head.method[..]));
    assert_eq!(other.path.map(str::as_bytes), Some(&head.target[..]));
    let theirs = other.headers.iter().map(|header| (header.name.as_bytes(), header.value));
    assert!(theirs.eq(head.headers.iter().map(|(name, value)| (&name[..], &value[..]))));
}

/// What a head means is told of any head, refused ones too.
fn assert_meaning(head: &RequestHead, limits: &Limits) {
    let mut recorder = Recorder::new();
    fields(head, "192.0.2.1", limits, &mut recorder);
    assert_eq!(recorder.misuse, Vec::<&str>::new());
    assert!(recorder.fields.iter().all(|field| field.end.is_some()), "a field was left open");
    let _ = content_coding(head);
    if let Ok(Framing::Length(length)) = Framing::of(head) {
        let text = head.value("content-length").unwrap_or_default();
        assert_eq!(std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()), Some(length));
    }
    let found = validate(head, &HeadPolicy { limits: limits.clone(), ..HeadPolicy::default() });
    let kinds: std::collections::HashSet<_> = found.iter().map(|(finding, _)| finding).collect();
    assert_eq!(kinds.len(), found.len(), "a finding twice: {found:?}");
}
