//! HTTP/2 requests that the library or Pingora refuses before any hook: each leaves one record.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use waf_core::record::{Decision, DecisionRecord, Source, Stop};

use crate::harness::http2::open;
use crate::harness::{Origin, Proxy};

const HEADERS: u8 = 1;
const DATA: u8 = 0;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const WHOLE: u8 = END_STREAM | END_HEADERS;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A length in HPACK (RFC 7541 section 5.1), without Huffman.
fn text(text: &[u8]) -> Vec<u8> {
    let length = text.len();
    let mut bytes = match u8::try_from(length) {
        Ok(short) if short < 127 => vec![short],
        _ => {
            let (mut bytes, mut rest) = (vec![127], length - 127);
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
            bytes
        }
    };
    bytes.extend_from_slice(text);
    bytes
}

/// Header lines as literals without indexing (RFC 7541 section 6.2.2).
fn block(lines: &[(&str, &str)]) -> Vec<u8> {
    let line = |(name, value): &(&str, &str)| {
        [vec![0], text(name.as_bytes()), text(value.as_bytes())].concat()
    };
    lines.iter().flat_map(line).collect()
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "https");
const AUTHORITY: (&str, &str) = (":authority", "a");
const PATH: (&str, &str) = (":path", "/");

fn head(lines: &[(&str, &str)]) -> Vec<u8> {
    block(&[&[METHOD, SCHEME, AUTHORITY, PATH], lines].concat())
}

struct Raw(TlsStream<TcpStream>);

impl Raw {
    async fn connect(proxy: &Proxy) -> Self {
        let mut raw = Self(open(proxy, b"h2").await);
        raw.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        raw.write(&frame(4, 0, 0, b"")).await;
        raw
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// What comes until nothing does for a moment.
    async fn read(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let reading = async { while self.0.read_buf(&mut all).await.is_ok_and(|read| read > 0) {} };
        let _ = timeout(Duration::from_millis(300), reading).await;
        all
    }
}

/// The rules of a record.
fn ids(record: &DecisionRecord) -> Vec<&str> {
    record.matches.iter().map(|found| found.rule_id.as_str()).collect()
}

/// The head of a request, and the finding and status that it leaves.
fn refused_heads() -> Vec<(Vec<u8>, &'static str, Option<u16>)> {
    let bad = |block| (block, "protocol-head", None);
    let answered = |block| (block, "protocol-head", Some(400));
    vec![
        bad(block(&[SCHEME, AUTHORITY, PATH])),
        bad(block(&[METHOD, AUTHORITY, PATH])),
        bad(block(&[METHOD, SCHEME, AUTHORITY])),
        bad(head(&[(":status", "200")])),
        bad(head(&[(":path", "/b")])),
        bad(head(&[(":other", "b")])),
        bad(block(&[METHOD, SCHEME, ("x", "y"), AUTHORITY, PATH])),
        bad(head(&[("X-Upper", "y")])),
        bad(head(&[("x y", "z")])),
        bad(head(&[("connection", "close")])),
        bad(head(&[("transfer-encoding", "chunked")])),
        bad(head(&[("te", "gzip")])),
        bad(head(&[("x", "a\r\nb")])),
        bad(head(&[("content-length", "x")])),
        bad(head(&[("content-length", "3")])),
        bad(head(&[("content-length", "0"), ("content-length", "1")])),
        bad(block(&[METHOD, SCHEME, AUTHORITY, (":path", "/a\nb")])),
        bad(block(&[METHOD, SCHEME, AUTHORITY, (":path", "")])),
        bad(block(&[METHOD, SCHEME, (":authority", "a b"), PATH])),
        answered(block(&[METHOD, SCHEME, (":authority", "u@a"), PATH])),
        answered(block(&[METHOD, SCHEME, PATH])),
        answered(head(&[("host", "b")])),
        bad(block(&[METHOD, SCHEME, AUTHORITY, (":path", "http://b/")])),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_head_leaves_one_record() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let mut nth = 0;
    for (block, finding, status) in refused_heads() {
        let shown = String::from_utf8_lossy(&block).into_owned();
        let mut raw = Raw::connect(&proxy).await;
        raw.write(&frame(HEADERS, WHOLE, 1, &block)).await;
        let answer = raw.read().await;
        drop(raw);
        nth += 1;
        let record = proxy.records(nth).await.pop().unwrap();
        assert_eq!(ids(&record), [finding], "{shown:?} {answer:?}");
        assert_eq!((record.decision, record.status), (Decision::Block, status), "{shown:?}");
        assert_eq!((record.source, record.client.ip.as_str()), (Source::Protocol, "127.0.0.1"));
    }
    assert_eq!(origin.state().connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_too_long_for_the_library_is_recorded() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let long = "y".repeat(10_000);
    let lines: Vec<(&str, &str)> = (0..8).map(|_| ("x", long.as_str())).collect();
    let block = head(&lines);
    let mut pieces = block.chunks(16_000);
    let mut bytes = frame(HEADERS, END_STREAM, 1, pieces.next().unwrap());
    for piece in pieces {
        bytes.extend(frame(CONTINUATION, 0, 1, piece));
    }
    bytes.extend(frame(CONTINUATION, END_HEADERS, 1, b""));
    let mut raw = Raw::connect(&proxy).await;
    raw.write(&bytes).await;
    raw.read().await;
    drop(raw);
    let record = proxy.record().await;
    assert_eq!((ids(&record), record.status), (vec!["limit-headers"], Some(431)));
}

/// An error of the whole connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_given_up_is_recorded_once() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let cases = [
        // Not HPACK; a head on no stream; one on a stream of the server's; data of no request.
        (frame(HEADERS, WHOLE, 1, &[0xff, 0xff, 0xff, 0xff, 0xff]), "protocol-head"),
        (frame(HEADERS, WHOLE, 0, &head(&[])), "protocol-framing"),
        (frame(HEADERS, WHOLE, 2, &head(&[])), "protocol-head"),
        (frame(DATA, END_STREAM, 1, b"x"), "protocol-framing"),
        (frame(CONTINUATION, END_HEADERS, 1, b""), "protocol-framing"),
    ];
    for (nth, (bytes, finding)) in cases.into_iter().enumerate() {
        let mut raw = Raw::connect(&proxy).await;
        raw.write(&bytes).await;
        raw.read().await;
        drop(raw);
        let record = proxy.records(nth + 1).await.pop().unwrap();
        assert_eq!((ids(&record), record.decision), (vec![finding], Decision::Block), "{nth}");
    }
}

/// Refused and served requests of one connection, which stays open: none twice, none missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_on_after_a_refused_request() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let mut raw = Raw::connect(&proxy).await;
    let (good, bad) = (head(&[]), head(&[("te", "gzip")]));
    for (stream, block) in [(1, &good), (3, &bad), (5, &good), (7, &bad), (9, &good)] {
        raw.write(&frame(HEADERS, WHOLE, stream, block)).await;
    }
    raw.read().await;
    let records = proxy.records(5).await;
    let refused = records.iter().filter(|record| ids(record) == ["protocol-head"]).count();
    let passed = records.iter().filter(|record| record.decision == Decision::Pass).count();
    assert_eq!((passed, refused), (3, 2));
    raw.write(&frame(HEADERS, WHOLE, 11, &good)).await;
    raw.read().await;
    drop(raw);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(proxy.records(6).await[5].decision, Decision::Pass);
}

/// What breaks behind the head was seen by a hook already.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_longer_than_announced_is_recorded_once() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let lines = [("content-length", "3"), ("content-type", "text/plain")];
    let post = [&[(":method", "POST"), SCHEME, AUTHORITY, PATH], &lines[..]].concat();
    for (body, nth) in [("four", 1), ("to", 2)] {
        let mut raw = Raw::connect(&proxy).await;
        raw.write(&frame(HEADERS, END_HEADERS, 1, &block(&post))).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        raw.write(&frame(DATA, END_STREAM, 1, body.as_bytes())).await;
        raw.read().await;
        drop(raw);
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        let record = proxy.records(nth).await.pop().unwrap();
        assert_eq!((record.status, record.coverage.stop), (None, Some(Stop::ClientAbort)));
        assert_eq!(record.request.method, "POST");
    }
    assert!(origin.state().requests.iter().all(|seen| !seen.complete));
}
