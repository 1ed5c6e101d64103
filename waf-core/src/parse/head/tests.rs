#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use proptest::prelude::*;

use super::*;

/// Where a case ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Fine,
    More,
    Framing,
    Head,
    Headers,
    Url,
}

use End::{Fine, Framing, Head, Headers, More, Url};

/// Heads and how section 5 of the rule document wants them answered, after RFC 9112 (numbers name
/// its sections) and the ways servers are known to differ.
const HEADS: &[(&str, &[u8], End)] = &[
    ("plain", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Fine),
    ("no header lines", b"GET / HTTP/1.0\r\n\r\n", Fine),
    ("body behind", b"POST / HTTP/1.1\r\nHost: a\r\n\r\nx", Fine),
    ("odd method", b"FROB / HTTP/1.1\r\n\r\n", Fine),
    ("lower-case method", b"get / HTTP/1.1\r\n\r\n", Fine),
    ("token method", b"M-SEARCH * HTTP/1.1\r\n\r\n", Fine),
    ("absolute target", b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Fine),
    ("authority target", b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", Fine),
    ("target without slash", b"GET index.html HTTP/1.1\r\n\r\n", Fine),
    ("version 4.0", b"GET / HTTP/4.0\r\n\r\n", Fine),
    ("version 0.9 in words", b"GET / HTTP/0.9\r\n\r\n", Fine),
    ("raw markup in target", b"GET /?q=<a \"b\"> HTTP/1.1\r\n\r\n", Fine),
    ("blanks in target", b"GET /a b  c HTTP/1.1\r\n\r\n", Fine),
    ("8-bit target", b"GET /\xe9 HTTP/1.1\r\n\r\n", Fine),
    ("fragment", b"GET /a#b HTTP/1.1\r\n\r\n", Fine),
    ("NUL in target, for rules to judge", b"GET /\0 HTTP/1.1\r\n\r\n", Fine),
    ("tab in target, for rules to judge", b"GET /a\tb HTTP/1.1\r\n\r\n", Fine),
    ("version within target", b"GET / HTTP/1.1 HTTP/1.1\r\n\r\n", Fine),
    ("empty value", b"GET / HTTP/1.1\r\nX:\r\n\r\n", Fine),
    ("no blank after colon", b"GET / HTTP/1.1\r\nX:y\r\n\r\n", Fine),
    ("many blanks around value", b"GET / HTTP/1.1\r\nX: \t y \t\r\n\r\n", Fine),
    ("8-bit value", b"GET / HTTP/1.1\r\nX: \xff\r\n\r\n", Fine),
    ("tab in value", b"GET / HTTP/1.1\r\nX: a\tb\r\n\r\n", Fine),
    ("odd token name", b"GET / HTTP/1.1\r\nx_y.z!#$%&'*+-^`|~: b\r\n\r\n", Fine),
    ("repeated lines", b"GET / HTTP/1.1\r\nX: a\r\nX: b\r\n\r\n", Fine),
    ("colon in value", b"GET / HTTP/1.1\r\nX: a:b\r\n\r\n", Fine),
    ("nothing", b"", More),
    ("half a line", b"GET / HT", More),
    ("no end", b"GET / HTTP/1.1\r\nHost: a\r\n", More),
    ("CR of the end", b"GET / HTTP/1.1\r\nHost: a\r\n\r", More),
    ("2.2 bare LF after request line", b"GET / HTTP/1.1\nHost: a\r\n\r\n", Framing),
    ("2.2 bare LF after header line", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", Framing),
    ("2.2 bare LF at the end", b"GET / HTTP/1.1\r\nHost: a\r\n\n", Framing),
    ("2.2 only LF", b"GET / HTTP/1.1\nHost: a\n\n", Framing),
    ("2.2 leading CRLF", b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing),
    ("2.2 leading LF", b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing),
    ("empty lines for ever", b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", Framing),
    ("2.2 CR in request line", b"GET /\r HTTP/1.1\r\n\r\n", Head),
    ("2.2 CR CR LF", b"GET / HTTP/1.1\r\r\n\r\n", Head),
    ("2.2 blank before first header", b"GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", Head),
    ("3 HTTP/0.9", b"GET /\r\n", Head),
    ("3 method only", b"GET\r\n", Head),
    ("3 method and blank", b"GET \r\n", Head),
    ("3 no target", b"GET  HTTP/1.1\r\n", Head),
    ("3 blank target", b"GET   HTTP/1.1\r\n", Head),
    ("3 leading blank", b" GET / HTTP/1.1\r\n", Head),
    ("3 method no token", b"G(T / HTTP/1.1\r\n", Head),
    ("3 tab for blank", b"GET\t/ HTTP/1.1\r\n", Head),
    ("3 trailing blank", b"GET / HTTP/1.1 \r\n", Head),
    ("2.3 lower-case version", b"GET / http/1.1\r\n", Head),
    ("2.3 version without minor", b"GET / HTTP/1\r\n", Head),
    ("2.3 long version", b"GET / HTTP/1.10\r\n", Head),
    ("2.3 version in letters", b"GET / HTTP/x.y\r\n", Head),
    ("2.3 other protocol", b"GET / RTSP/1.0\r\n", Head),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00", Head),
    ("SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n", Head),
    ("no method for ever", &[b'A'; 40], Head),
    ("8-bit method", b"G\xc9T / HTTP/1.1\r\n", Head),
    ("5.1 blank before colon", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", Head),
    ("5.1 tab before colon", b"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", Head),
    ("5.1 no colon", b"GET / HTTP/1.1\r\nHost\r\n\r\n", Head),
    ("5.1 no name", b"GET / HTTP/1.1\r\n: a\r\n\r\n", Head),
    ("5.1 blank in name", b"GET / HTTP/1.1\r\nX Y: a\r\n\r\n", Head),
    ("5.1 8-bit name", b"GET / HTTP/1.1\r\nX\xe9: a\r\n\r\n", Head),
    ("5.1 NUL in name", b"GET / HTTP/1.1\r\nX\0: a\r\n\r\n", Head),
    ("5.1 vertical tab in name", b"GET / HTTP/1.1\r\nTransfer-Encoding\x0b: a\r\n\r\n", Head),
    ("5.2 folded value", b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", Head),
    ("5.2 folded blank line", b"GET / HTTP/1.1\r\nX: a\r\n \r\n\r\n", Head),
    ("5.5 NUL in value", b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", Head),
    ("5.5 CR in value", b"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", Head),
    ("5.5 control in value", b"GET / HTTP/1.1\r\nHost: a\x1f\r\n\r\n", Head),
    ("5.5 DEL in value", b"GET / HTTP/1.1\r\nX: \x7f\r\n\r\n", Head),
    ("four header lines", b"GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\n\r\n", Fine),
    ("five header lines", b"GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n", Headers),
    (
        "64 header bytes",
        b"GET / HTTP/1.1\r\nX: 456789012345678901234567890123456789012345678901234567890123\r\n\r\n",
        Headers,
    ),
    (
        "63 header bytes",
        b"GET / HTTP/1.1\r\nX: 45678901234567890123456789012345678901234567890123456789012\r\n\r\n",
        Fine,
    ),
    ("target of 20", b"GET /2345678901234567890 HTTP/1.1\r\n\r\n", Fine),
    ("target of 21", b"GET /23456789012345678901 HTTP/1.1\r\n\r\n", Url),
    (
        "target for ever",
        b"GET /2345678901234567890123456789012345678901234567890123456789012345678901234567890123456",
        Url,
    ),
];

fn limits() -> Limits {
    Limits { url: 20, headers: 4, header_bytes: 64, ..Limits::default() }
}

fn expected(end: End) -> (HeadState, Option<Finding>) {
    let refused = |finding| (HeadState::Refused, Some(finding));
    match end {
        Fine => (HeadState::Complete, None),
        More => (HeadState::NeedMore, None),
        Framing => refused(Finding::ProtocolFraming),
        Head => refused(Finding::ProtocolHead),
        Headers => refused(Finding::LimitHeaders),
        Url => refused(Finding::LimitUrl),
    }
}

/// Everything a run leaves that a reader could see.
fn run<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    limits: &Limits,
) -> (HeadState, Vec<(Finding, u64)>, RequestHead, usize) {
    let mut parser = HeadParser::new(limits);
    let mut state = HeadState::NeedMore;
    let mut consumed = 0;
    for piece in pieces {
        let progress = parser.feed(piece);
        assert!(progress.consumed <= piece.len());
        consumed += progress.consumed;
        state = progress.state;
        if state != HeadState::NeedMore {
            break;
        }
        assert_eq!(progress.consumed, piece.len());
    }
    assert_eq!(parser.head().is_some(), state == HeadState::Complete);
    // Of a refused head only what was found counts, not how far the parser looked.
    let consumed = if state == HeadState::Refused { 0 } else { consumed };
    (state, parser.findings().to_vec(), parser.partial(), consumed)
}

#[test]
fn heads_are_answered_as_documented() {
    for &(name, bytes, end) in HEADS {
        // The target limit of the cases would hide what the long targets above it show.
        let limits = Limits { url: if end == Fine { 40 } else { 20 }, ..limits() };
        let limits = if name == "target of 20" { self::limits() } else { limits };
        let (state, findings, ..) = run([bytes].into_iter(), &limits);
        let (want, finding) = expected(end);
        assert_eq!(state, want, "{name}: {findings:?}");
        match finding {
            Some(finding) => assert!(findings.iter().any(|(f, _)| *f == finding), "{name}"),
            None => assert_eq!(findings, [], "{name}"),
        }
    }
}

#[test]
fn cuts_change_nothing() {
    for &(name, bytes, _) in HEADS {
        let whole = run([bytes].into_iter(), &limits());
        assert_eq!(run(bytes.chunks(1), &limits()), whole, "{name}");
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(run([left, right].into_iter(), &limits()), whole, "{name} at {cut}");
        }
    }
}

fn parse(bytes: &[u8]) -> RequestHead {
    run([bytes].into_iter(), &Limits::default()).2
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_parts_are_as_received() {
    let head = parse(b"PoST /a b?c HTTP/1.1\r\nhOST:  x\t\r\nA:b\r\n\r\nbody");
    assert_eq!(text(&head.line), "PoST /a b?c HTTP/1.1");
    assert_eq!(text(&head.method), "PoST");
    assert_eq!(text(&head.target), "/a b?c");
    assert_eq!(text(&head.version), "HTTP/1.1");
    let lines: Vec<_> = head.headers.iter().map(|(n, v)| (text(n), text(v))).collect();
    assert_eq!(lines, [("hOST", "x"), ("A", "b")]);
    assert_eq!(head.value("Host"), Some(&b"x"[..]));
    assert_eq!(head.value("Hos"), None);
}

#[test]
fn what_follows_the_head_is_left() {
    let bytes = b"GET / HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n";
    let progress = HeadParser::new(&Limits::default()).feed(bytes);
    assert_eq!(progress, HeadProgress { consumed: 18, state: HeadState::Complete });
}

#[test]
fn a_refused_head_still_tells_what_was_asked_for() {
    let cases: &[(&[u8], &str, &str, usize)] = &[
        (b"\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/a", 1),
        (b"GET /a HTTP/1.1\nHost: x\n\n", "GET", "/a", 1),
        (b"GET /a HTTP/1.1\r\nHost : x\r\nB: c\r\n\r\n", "GET", "/a", 2),
        (b"GET /a HTTP/1.1\r\nX: a\r\n b\r\n\r\n", "GET", "/a", 1),
        (b"GET /a\r\n", "GET", "/a", 0),
        (b"GET /a HTTP/1.10\r\n", "GET", "/a", 0),
        (b"GET /a", "GET", "/a", 0),
        (b"GET", "GET", "", 0),
        (b"\x16\x03\x01", "\x16", "", 0),
    ];
    for (bytes, method, target, headers) in cases {
        let head = parse(bytes);
        let found = (text(&head.method), text(&head.target), head.headers.len());
        assert_eq!(found, (*method, *target, *headers), "{}", bytes.escape_ascii());
    }
    assert_eq!(parse(b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n").value("x"), Some(&b"a b"[..]));
}

#[test]
fn findings_stand_at_their_bytes_once_each() {
    let bytes = b"GET / HTTP/1.1\nA : b\nC : d\n\n";
    let (_, findings, ..) = run([&bytes[..]].into_iter(), &Limits::default());
    assert_eq!(findings, [(Finding::ProtocolFraming, 14), (Finding::ProtocolHead, 16)]);
    let (_, findings, ..) = run([&b"GET / HTTP/1.1\r\nX: a\0\r\n\r\n"[..]].into_iter(), &limits());
    assert_eq!(findings, [(Finding::ProtocolHead, 20)]);
}

#[test]
fn every_finding_of_the_parser_is_always_refused() {
    for &(name, bytes, _) in HEADS {
        let (_, findings, ..) = run([bytes].into_iter(), &limits());
        assert!(findings.iter().all(|(finding, _)| finding.always_refused()), "{name}");
    }
}

#[test]
fn memory_is_bounded_by_the_limits() {
    let limits = limits();
    let bound = limits.url + limits.header_bytes + METHOD + VERSION + 8;
    for endless in [&b"A"[..], b"GET /", b"GET / HTTP/1.1\r\nX: ", b"\r\n"] {
        let mut parser = HeadParser::new(&limits);
        parser.feed(endless);
        for _ in 0..10_000 {
            parser.feed(b"a:b\r\n a");
            let head = parser.partial();
            let lines: usize = head.headers.iter().map(|(n, v)| n.len() + v.len()).sum();
            assert!(parser.line.len() + head.line.len() + lines <= bound * 2);
        }
        assert!(matches!(parser.part, Part::Done(_)));
    }
}

#[test]
fn heads_from_parts_have_a_line_and_a_host() {
    let head = RequestHead::from_parts(*b"GET", *b"/a", *b"HTTP/2.0", vec![]).with_authority(b"h");
    assert_eq!(text(&head.line), "GET /a HTTP/2.0");
    assert_eq!(head.value("host"), Some(&b"h"[..]));
    let with_host = vec![(b"Host".to_vec(), b"x".to_vec())];
    let head = RequestHead::from_parts(*b"GET", *b"/", *b"HTTP/2.0", with_host);
    let head = head.with_authority(b"h");
    assert_eq!(head.values("host").collect::<Vec<_>>(), [b"x"]);
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces(
        bytes in proptest::collection::vec(
            prop_oneof![
                4 => proptest::sample::select(&b"GET / HTTP/1.1\r\n\r\n: a\t"[..]),
                1 => any::<u8>(),
            ],
            0..200,
        ),
        size in 1_usize..20,
        prefix in any::<bool>(),
    ) {
        let start: &[u8] = if prefix { b"GET / HTTP/1.1\r\nA: b" } else { b"" };
        let bytes = [start, &bytes].concat();
        let whole = run([&bytes[..]].into_iter(), &limits());
        prop_assert_eq!(run(bytes.chunks(size), &limits()), whole);
    }
}
