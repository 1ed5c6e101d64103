//! Bodies of responses: what is held is answered cleanly, what flows is cut, what is only watched is
//! never delayed.

use std::io::Write;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::AsyncReadExt;
use waf_core::policy::{PolicySettings, ResponseBody};
use waf_core::record::{Decision, Mode, Source, Stop};

use crate::harness::http1::{Client, Response, get, send};
use crate::harness::origin::PAUSE;
use crate::harness::{Origin, Proxy, benign, http2, settings_of};

const SECRET: &[u8] = b"<secret>";

/// Bytes that are held.
const HOLD: usize = 20_000;

async fn started(body: ResponseBody) -> (Origin, Proxy) {
    let origin = Origin::start().await;
    let mut policy = PolicySettings { mode: Mode::Block, ..PolicySettings::default() };
    policy.response.body = body;
    policy.response.types.push("text/event-stream".into());
    policy.limits.hold = HOLD as u64;
    policy.limits.field_window = HOLD / 2;
    let proxy = Proxy::with(settings_of(origin.address, policy));
    (origin, proxy)
}

/// How a response tells where it ends.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Chunks(usize),
    Close,
}

const FRAMINGS: [Framing; 4] =
    [Framing::Length, Framing::Chunks(1000), Framing::Chunks(100_000), Framing::Close];

fn page(framing: Framing, headers: &str, body: &[u8]) -> Vec<u8> {
    let (framing, body) = match framing {
        Framing::Length => (format!("content-length: {}\r\n", body.len()), body.to_vec()),
        Framing::Close => (String::new(), body.to_vec()),
        Framing::Chunks(size) => {
            let chunks = body.chunks(size).flat_map(|chunk| {
                [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()
            });
            let chunks = chunks.chain(*b"0\r\n\r\n").collect();
            ("transfer-encoding: chunked\r\n".to_owned(), chunks)
        }
    };
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nx-app: 1\r\n{headers}{framing}\r\n");
    [head.into_bytes(), body].concat()
}

fn secret_at(length: usize, at: usize) -> Vec<u8> {
    let mut body = benign(length);
    body[at..at + SECRET.len()].copy_from_slice(SECRET);
    body
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// The body of a response whose chunks, if any, are still in it.
fn unchunked(response: &Response) -> Vec<u8> {
    if response.header("transfer-encoding").is_none() {
        return response.body.clone();
    }
    let (mut rest, mut body) = (response.body.as_slice(), Vec::new());
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}

/// Everything that comes on a connection for one GET, up to its end.
async fn raw(proxy: &Proxy, path: &str) -> Vec<u8> {
    let mut stream = tokio::net::TcpStream::connect(proxy.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_arrive_as_they_were_sent() {
    for inspected in [ResponseBody::Detect, ResponseBody::Block] {
        let (origin, proxy) = started(inspected).await;
        let mut nth = 0;
        for length in [0, 1, HOLD - 1, HOLD, HOLD + 1, 300_000] {
            let body = benign(length);
            let coded = gzip(&body);
            for (headers, sent) in [("", &body), ("content-encoding: gzip\r\n", &coded)] {
                for framing in FRAMINGS {
                    let what = format!("{inspected:?} {length} {headers:?} {framing:?}");
                    origin.answer("/page", vec![page(framing, headers, sent)]);
                    let answer = get(proxy.address, "/page").await;
                    assert_eq!(answer.status, 200, "{what}");
                    assert_eq!(&unchunked(&answer), sent, "{what}");
                    assert_eq!(answer.header("x-app"), Some("1"), "{what}");
                    let announced = answer.header("content-length").map(str::to_owned);
                    let known = matches!(framing, Framing::Length).then(|| sent.len().to_string());
                    assert_eq!(announced, known, "{what}");
                    let (answer, ended) = http2::get(&proxy, "/page").await;
                    assert_eq!((answer.status, ended), (200, true), "{what}");
                    assert_eq!(&answer.body, sent, "{what}");
                    nth += 2;
                    let record = proxy.records(nth).await.pop().unwrap();
                    assert_eq!((record.decision, record.status), (Decision::Pass, Some(200)));
                    assert_eq!(record.coverage.response_seen, Some(sent.len() as u64), "{what}");
                    assert_eq!(record.coverage.stop, None, "{what}");
                }
            }
        }
    }
}

/// Within the held part the client sees nothing of the page, not even its head.
#[tokio::test(flavor = "multi_thread")]
async fn a_held_secret_is_answered_with_403() {
    let (origin, proxy) = started(ResponseBody::Block).await;
    let bodies = [SECRET.to_vec(), secret_at(HOLD, HOLD - SECRET.len()), secret_at(300_000, 50)];
    let mut nth = 0;
    for body in &bodies {
        let coded = gzip(body);
        for (headers, sent) in [("", body), ("content-encoding: gzip\r\n", &coded)] {
            for framing in FRAMINGS {
                let what = format!("{} {headers:?} {framing:?}", body.len());
                origin.answer("/page", vec![page(framing, headers, sent)]);
                let answer = get(proxy.address, "/page").await;
                assert_eq!((answer.status, answer.header("x-app")), (403, None), "{what}");
                assert!(answer.header("x-request-id").is_some(), "{what}");
                let (answer, ended) = http2::get(&proxy, "/page").await;
                assert_eq!((answer.status, ended), (403, true), "{what}");
                assert!(!answer.body.windows(8).any(|eight| eight == SECRET));
                nth += 2;
                for record in proxy.records(nth).await.split_off(nth - 2) {
                    assert_eq!(record.decision, Decision::Block, "{what}");
                    assert_eq!((record.status, record.intended_status), (Some(403), None));
                    assert_eq!((record.source, record.score.outbound), (Source::Waf, 5));
                    assert_eq!(record.matches[0].rule_id, "test-secret");
                }
            }
        }
    }
}

/// Beyond it the response ends in a way that the client can tell from a complete one.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_far_in_is_cut_off() {
    let (origin, proxy) = started(ResponseBody::Block).await;
    let mut nth = 0;
    for at in [150_000, 300_000 - SECRET.len()] {
        let body = secret_at(300_000, at);
        for framing in [Framing::Length, Framing::Chunks(1000), Framing::Close] {
            let what = format!("{at} {framing:?}");
            // The first piece alone is more than is held.
            let mut pieces = vec![page(framing, "", &body)];
            let rest = pieces[0].split_off(60_000);
            pieces.push(rest);
            origin.answer("/page", pieces);
            let all = raw(&proxy, "/page").await;
            assert!(all.starts_with(b"HTTP/1.1 200"), "{what}");
            assert!(!all.ends_with(b"0\r\n\r\n") && all.len() < at + 2_000, "{what}");
            assert!(!all.windows(8).any(|eight| eight == SECRET), "{what}");
            let (answer, ended) = http2::get(&proxy, "/page").await;
            assert_eq!((answer.status, ended), (200, false), "{what}");
            assert!(body.starts_with(&answer.body) && answer.body.len() < at + 8, "{what}");
            nth += 2;
            for record in proxy.records(nth).await.split_off(nth - 2) {
                assert_eq!(record.decision, Decision::Block, "{what}");
                let statuses = (record.status, record.intended_status);
                assert_eq!(statuses, (Some(200), Some(403)), "{what}");
                assert_eq!(record.verdict_offset, Some((at + SECRET.len()) as u64), "{what}");
                assert_eq!(record.coverage.stop, Some(Stop::Verdict), "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_body_is_told_and_goes_on() {
    let (origin, proxy) = started(ResponseBody::Detect).await;
    let body = secret_at(50_000, 100);
    origin.answer("/page", vec![page(Framing::Length, "", &body)]);
    assert_eq!(get(proxy.address, "/page").await.body, body);
    let record = proxy.record().await;
    assert_eq!((record.decision, record.status), (Decision::WouldBlock, Some(200)));
    assert_eq!((record.source, record.score.outbound), (Source::Origin, 5));
}

/// How long the head of `/page` takes, and the whole.
async fn times(proxy: &Proxy) -> (bool, bool) {
    let began = Instant::now();
    let mut client = Client::connect(proxy.address).await;
    client.write(b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.read(true).await.unwrap().status, 200);
    let head_waited = began.elapsed() >= PAUSE;
    client.read_raw(10).await;
    (head_waited, began.elapsed() >= PAUSE)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_may_be_blocked_waits() {
    for (inspected, content_type, waits) in [
        (ResponseBody::Off, "text/html", false),
        (ResponseBody::Detect, "text/html", false),
        (ResponseBody::Block, "text/html", true),
        (ResponseBody::Block, "image/png", false),
        (ResponseBody::Block, "Text/Event-Stream; charset=utf-8", false),
    ] {
        let (origin, proxy) = started(inspected).await;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: 20\r\n\r\n0123456789"
        );
        origin.answer("/page", vec![head.into_bytes(), b"0123456789".to_vec()]);
        assert_eq!(times(&proxy).await, (waits, waits), "{inspected:?} {content_type}");
    }
}

/// What it has sent stays sent; the piece with the secret does not follow.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_is_cut_where_it_must_be() {
    let (origin, proxy) = started(ResponseBody::Block).await;
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let first = [&head[..], b"data: 1\n\n"].concat();
    origin.answer("/page", vec![first, [benign(HOLD * 2), SECRET.to_vec()].concat()]);
    let all = raw(&proxy, "/page").await;
    assert!(all.windows(9).any(|nine| nine == b"data: 1\n\n"));
    assert!(!all.windows(8).any(|eight| eight == SECRET));
    assert!(!all.ends_with(b"0\r\n\r\n"));
    assert_eq!(proxy.record().await.intended_status, Some(403));
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_without_a_body_to_judge_pass_as_they_are() {
    let (origin, proxy) = started(ResponseBody::Block).await;
    let html = "content-type: text/html\r\n";
    let cases = [
        ("GET", "204 No Content", "", ""),
        ("GET", "304 Not Modified", "", ""),
        ("GET", "206 Partial Content", "content-length: 8\r\n", "<secret>"),
        ("GET", "200 OK", "content-length: 0\r\n", ""),
        ("HEAD", "200 OK", "content-length: 8\r\n", ""),
    ];
    for (nth, (method, status, framing, body)) in cases.into_iter().enumerate() {
        let page = format!("HTTP/1.1 {status}\r\n{html}{framing}\r\n{body}");
        origin.answer("/page", vec![page.into_bytes()]);
        let mut client = Client::connect(proxy.address).await;
        let request = format!("{method} /page HTTP/1.1\r\nHost: a\r\n\r\n");
        client.write(request.as_bytes()).await;
        let head = client.read(true).await.unwrap();
        assert_eq!(head.status.to_string(), status[..3], "{method} {status}");
        assert_eq!(client.read_raw(body.len()).await, body.as_bytes(), "{method} {status}");
        let record = proxy.records(nth + 1).await.pop().unwrap();
        assert_eq!(record.decision, Decision::Pass, "{method} {status}");
        assert_eq!(record.coverage.stop, None, "{method} {status}");
        let partial: Vec<_> = record.coverage.inexact.iter().map(|one| &one.what[0][..]).collect();
        let expected: &[&str] = if status.starts_with("206") { &["partial_content"] } else { &[] };
        assert_eq!(partial, expected, "{method} {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_on_after_a_held_response() {
    let (origin, proxy) = started(ResponseBody::Block).await;
    origin.answer("/page", vec![page(Framing::Chunks(7), "", b"a page")]);
    let mut client = Client::connect(proxy.address).await;
    for _ in 0..3 {
        client.write(b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = client.read(false).await.unwrap();
        assert_eq!((answer.status, unchunked(&answer)), (200, b"a page".to_vec()));
        client.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.read(false).await.unwrap().body, b"ok");
    }
    proxy.records(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http_10_reads_to_the_end() {
    let (origin, proxy) = started(ResponseBody::Block).await;
    origin.answer("/page", vec![page(Framing::Chunks(3), "", b"a page")]);
    let request = b"GET /page HTTP/1.0\r\nHost: a\r\n\r\n".to_vec();
    let answer = send(proxy.address, vec![request]).await.unwrap();
    assert_eq!((answer.status, answer.body), (200, b"a page".to_vec()));
}

/// Nothing has gone out, so a broken response is a clean 502, and it is asked for once.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_breaks_off_while_its_page_is_held_is_502() {
    let (origin, proxy) = started(ResponseBody::Block).await;
    let mut page = page(Framing::Length, "connection: close\r\n", &benign(5_000));
    page.truncate(3_000);
    origin.answer("/page", vec![page]);
    origin.answer("/warm", vec![b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()]);
    assert_eq!(get(proxy.address, "/warm").await.status, 200);
    let answer = get(proxy.address, "/page").await;
    assert_eq!((answer.status, answer.header("x-app")), (502, None));
    let record = proxy.records(2).await.pop().unwrap();
    assert_eq!((record.status, record.source), (Some(502), Source::Proxy));
    assert_eq!(record.coverage.stop, Some(Stop::Error));
    assert_eq!(origin.state().requests.len(), 2);
}
