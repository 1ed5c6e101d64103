//! What is special about HTTP/2 clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Version};
use tokio::io::AsyncReadExt;
use waf_core::record::{Mode, Source, Stop};

use crate::harness::http1::{self, get};
use crate::harness::http2::{connect, open};
use crate::harness::{Origin, Proxy, settings};

fn request(method: Method, uri: &str) -> http::request::Builder {
    Request::builder().method(method).uri(uri).version(Version::HTTP_2)
}

async fn status(proxy: &Proxy, request: Request<()>) -> u16 {
    let mut client = connect(proxy).await;
    let (response, _) = client.send_request(request, true).unwrap();
    response.await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_sees_an_ordinary_request() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let crumbs = request(Method::GET, "https://shop.example/a?b=c")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .header("x-forwarded-for", "1.2.3.4");
    assert_eq!(status(&proxy, crumbs.body(()).unwrap()).await, 200);
    let record = proxy.record().await;
    assert_eq!(
        (record.request.host.as_str(), record.request.path.as_str()),
        ("shop.example", "/a")
    );
    let head = origin.only().head.to_ascii_lowercase();
    assert!(head.starts_with("get /a?b=c http/1.1\r\n"), "{head}");
    for line in ["host: shop.example", "cookie: a=1; b=2", "x-forwarded-for: 127.0.0.1"] {
        assert!(head.contains(&format!("{line}\r\n")), "{head}");
    }
    assert!(head.contains("x-forwarded-proto: https\r\n"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_judged_by_the_same_rules() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let trace = request(Method::TRACE, "https://a/").body(()).unwrap();
    assert_eq!(status(&proxy, trace).await, 405);
    let connect = request(Method::CONNECT, "a:443").body(()).unwrap();
    assert_eq!(status(&proxy, connect).await, 405);
    let expects = request(Method::GET, "https://a/").header("expect", "more");
    assert_eq!(status(&proxy, expects.body(()).unwrap()).await, 417);
    let long = format!("https://a/{}", "a".repeat(9000));
    assert_eq!(status(&proxy, request(Method::GET, &long).body(()).unwrap()).await, 414);
    let mut many = request(Method::GET, "https://a/");
    for number in 0..101 {
        many = many.header(format!("x-{number}"), "y");
    }
    assert_eq!(status(&proxy, many.body(()).unwrap()).await, 431);
    proxy.records(5).await;
    assert_eq!(origin.state().connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_connection_do_not_disturb_each_other() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let mut client = connect(&proxy).await;
    let mut answers = Vec::new();
    for number in 0..20 {
        let head = request(Method::POST, "https://a/").header("content-type", "text/plain");
        let (answer, mut sender) = client.send_request(head.body(()).unwrap(), false).unwrap();
        let body = if number % 2 == 0 { "harmless" } else { "a <script> here" };
        sender.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
        answers.push((number, answer));
    }
    for (number, answer) in answers {
        let expected = if number % 2 == 0 { 200 } else { 403 };
        assert_eq!(answer.await.unwrap().status().as_u16(), expected, "{number}");
    }
    proxy.records(20).await;
    assert_eq!(origin.state().requests.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_body_is_cut() {
    let origin = Origin::start().await;
    let mut settings = settings(origin.address, Mode::Block);
    settings.timeouts.body_gap = Duration::from_millis(200);
    let proxy = Proxy::with(settings);
    let mut client = connect(&proxy).await;
    let head = request(Method::POST, "https://a/").header("content-type", "text/plain");
    let (answer, mut sender) = client.send_request(head.body(()).unwrap(), false).unwrap();
    sender.send_data(Bytes::from_static(b"half"), false).unwrap();
    assert_eq!(answer.await.unwrap().status().as_u16(), 408);
    assert_eq!(proxy.record().await.source, Source::Size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_stream_is_recorded_once() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let mut client = connect(&proxy).await;
    let head = request(Method::POST, "https://a/").header("content-type", "text/plain");
    let (_answer, mut sender) = client.send_request(head.body(()).unwrap(), false).unwrap();
    sender.send_data(Bytes::from_static(b"half"), false).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    sender.send_reset(h2::Reason::CANCEL);
    let record = proxy.record().await;
    assert_eq!((record.status, record.coverage.stop), (None, Some(Stop::ClientAbort)));
    assert_eq!(origin.state().connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_preface_is_closed() {
    let origin = Origin::start().await;
    let mut settings = settings(origin.address, Mode::Block);
    settings.timeouts.header = Duration::from_millis(300);
    let proxy = Proxy::with(settings);
    let mut stream = open(&proxy, b"h2").await;
    let began = Instant::now();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer));
    let _ = closed.await.expect("still open");
    assert!(began.elapsed() > Duration::from_millis(250), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn http1_over_tls_passes_the_same_reader() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let stream = open(&proxy, b"http/1.1").await;
    let mut client = http1::Client::over(stream);
    let answer = client.exchange(vec![b"GET /<b> HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()]).await;
    assert_eq!(answer.unwrap().status, 200);
    let record = proxy.record().await;
    assert_eq!(record.request.path, "/<b>");
    assert!(origin.only().head.to_ascii_lowercase().contains("x-forwarded-proto: https\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_host_replaces_the_clients() {
    let origin = Origin::start().await;
    let mut settings = settings(origin.address, Mode::Block);
    let upstream = Arc::get_mut(&mut settings.routes[0].upstream).unwrap();
    upstream.host = Some("inner.example".into());
    let proxy = Proxy::with(settings);
    assert_eq!(get(proxy.address, "/").await.status, 200);
    let plain = request(Method::GET, "https://outer.example/").body(()).unwrap();
    assert_eq!(status(&proxy, plain).await, 200);
    for seen in &origin.state().requests {
        let head = seen.head.to_ascii_lowercase();
        assert!(head.contains("host: inner.example\r\n"), "{head}");
        assert_eq!(head.matches("host:").count(), 1, "{head}");
    }
}
