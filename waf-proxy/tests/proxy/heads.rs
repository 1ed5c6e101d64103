//! Odd heads: each is answered and recorded once, whatever Pingora's parser would think of it.

use waf_core::record::Mode;

use crate::harness::http1::Client;
use crate::harness::{Origin, Proxy, settings};

/// A head, the status that it gets, and the finding that it is recorded with, if any.
type Case = (&'static [u8], u16, &'static str);

const CASES: &[Case] = &[
    // Not HTTP.
    (b"GARBAGE\r\n\r\n", 400, "protocol-head"),
    (b"GET /\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/4.0\r\nHost: a\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400, "protocol-head"),
    (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400, "protocol-head"),
    (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "protocol-head"),
    (b"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "protocol-head"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "protocol-head"),
    (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400, "protocol-head"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\x00z\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n", 400, "protocol-head"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX<: y\r\n\r\n", 400, "protocol-head"),
    // Framing that back ends read differently.
    (b"GET / HTTP/1.1\nHost: a\n\n", 400, "protocol-framing"),
    (b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, "protocol-framing"),
    (b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "protocol-framing"),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "protocol-framing",
    ),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 400, "protocol-framing"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, "protocol-framing"),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "protocol-framing",
    ),
    (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "protocol-framing"),
    // Chunks that are none; they show after the head.
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        400,
        "protocol-framing",
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        400,
        "protocol-framing",
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        400,
        "protocol-framing",
    ),
    // Hosts.
    (b"GET / HTTP/1.1\r\n\r\n", 400, "protocol-host"),
    (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "protocol-host"),
    (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "protocol-host-conflict"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "protocol-host-conflict"),
    (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "protocol-host-conflict"),
    (b"GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "protocol-host-conflict"),
    (b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""),
    // Methods.
    (b"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "protocol-method"),
    (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "protocol-method"),
    (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405, "protocol-method-forbidden"),
    (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "protocol-method-forbidden"),
    (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""),
    // Targets.
    (b"GET /<b> HTTP/1.1\r\nHost: a\r\n\r\n", 200, "protocol-target-characters"),
    (b"GET /?q=\"x\" HTTP/1.1\r\nHost: a\r\n\r\n", 200, "protocol-target-characters"),
    (b"GET /?q=\xe9 HTTP/1.1\r\nHost: a\r\n\r\n", 200, "protocol-target-characters"),
    (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 200, "protocol-target-characters"),
    (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 200, "protocol-target-characters"),
    (b"GET /{}|^` HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""),
    (b"GET /a\x00b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "protocol-target-control"),
    (b"GET /a\x7fb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "protocol-target-control"),
    (b"GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 200, "protocol-path-ambiguous"),
    (b"GET nothing HTTP/1.1\r\nHost: a\r\n\r\n", 200, ""),
    // Headers.
    (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417, "protocol-expect"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: \xff\xfe\r\n\r\n", 200, ""),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX_A: 2\r\n\r\n", 200, "protocol-header-trick"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: cookie\r\nCookie: a=b\r\n\r\n", 200, "protocol-header-trick"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx", 200, "protocol-body-unexpected"),
];

fn long_cases() -> Vec<(Vec<u8>, u16, &'static str)> {
    let url = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9000));
    let endless = format!("GET /{}", "a".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(101));
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(70_000));
    vec![
        (url.into_bytes(), 414, "limit-url"),
        (endless.into_bytes(), 414, "limit-url"),
        (many.into_bytes(), 431, "limit-headers"),
        (large.into_bytes(), 431, "limit-headers"),
    ]
}

async fn check(proxy: &Proxy, head: &[u8], status: u16, finding: &str, nth: usize) {
    let shown = String::from_utf8_lossy(&head[..head.len().min(100)]).into_owned();
    let mut client = Client::connect(proxy.address).await;
    let answer = client.exchange(vec![head.to_vec()]).await;
    let answer = answer.unwrap_or_else(|| panic!("no answer to {shown:?}"));
    assert_eq!(answer.status, status, "{shown:?}");
    let record = proxy.records(nth).await.pop().unwrap();
    assert_eq!(record.status, Some(status), "{shown:?}");
    let found: Vec<_> = record.matches.iter().map(|found| &found.rule_id[..]).collect();
    if finding.is_empty() {
        assert!(found.is_empty(), "{shown:?} {found:?}");
    } else {
        assert!(found.contains(&finding), "{shown:?} {found:?}");
    }
    if ["protocol-head", "protocol-framing", "protocol-host-conflict"].contains(&finding) {
        assert!(client.is_closed().await, "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_odd_head_has_one_answer_and_one_record() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let mut nth = 0;
    for (head, status, finding) in CASES {
        nth += 1;
        check(&proxy, head, *status, finding, nth).await;
    }
    for (head, status, finding) in long_cases() {
        nth += 1;
        check(&proxy, &head, status, finding, nth).await;
    }
    assert!(nth >= 60);
}

/// What cannot be forwarded safely is refused in detection-only mode too; nothing else is.
#[tokio::test(flavor = "multi_thread")]
async fn detection_only_refuses_what_cannot_be_forwarded() {
    let origin = Origin::start().await;
    let proxy = Proxy::with(settings(origin.address, Mode::Detect));
    let mut nth = 0;
    for (head, status, finding) in CASES {
        nth += 1;
        let passes = ["protocol-host", "protocol-method", "protocol-target-control"];
        let status = if passes.contains(finding) { 200 } else { *status };
        check(&proxy, head, status, finding, nth).await;
    }
}
