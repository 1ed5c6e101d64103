//! What reaches the origin of a body that is blocked, and of one that is not.

use crate::harness::{ATTACK, Origin, Proxy, attack_at_end, benign, http1, http2, settings};
use waf_core::record::{Decision, Mode, Source};

const KIB: usize = 1024;
const SIZES: [usize; 10] = [
    8,
    47 * KIB,
    48 * KIB,
    49 * KIB,
    63 * KIB,
    64 * KIB,
    65 * KIB,
    127 * KIB,
    128 * KIB,
    129 * KIB,
];

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Framing {
    Length,
    Chunked,
    Http2,
    Http2WithLength,
}

const FRAMINGS: [Framing; 4] =
    [Framing::Length, Framing::Chunked, Framing::Http2, Framing::Http2WithLength];

async fn post(proxy: &Proxy, framing: Framing, body: &[u8]) -> (u16, Vec<u8>) {
    let http1 = match framing {
        Framing::Length => http1::post_with_length("/", body),
        Framing::Chunked => http1::post_chunked("/", body, 5000),
        Framing::Http2 | Framing::Http2WithLength => {
            let answer = http2::post(proxy, "/", body, framing == Framing::Http2WithLength).await;
            return (answer.status, answer.body);
        }
    };
    let response = http1::send(proxy.address, http1).await.expect("no answer");
    (response.status, response.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_body_that_is_held_never_reaches_the_origin() {
    for framing in FRAMINGS {
        for size in SIZES {
            let origin = Origin::start().await;
            let proxy = Proxy::start(&origin);
            let (status, page) = post(&proxy, framing, &attack_at_end(size)).await;
            let case = format!("{framing:?} {size}");
            assert_eq!(status, 403, "{case}");
            assert!(String::from_utf8_lossy(&page).contains("request_id"), "{case}");
            let record = proxy.record().await;
            assert_eq!(record.decision, Decision::Block, "{case}");
            assert_eq!((record.status, record.source), (Some(403), Source::Waf), "{case}");
            let unknown = matches!(framing, Framing::Chunked | Framing::Http2);
            let held = size <= if unknown { 48 * KIB } else { 128 * KIB };
            let state = origin.state();
            if held {
                assert_eq!(state.connections, 0, "{case}");
            }
            for seen in &state.requests {
                assert!(!seen.complete, "{case}");
                if size <= 128 * KIB {
                    assert_eq!(seen.body.len(), 0, "{case}");
                }
                assert!(seen.body.len() < size, "{case}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_benign_body_arrives_exactly() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let mut count = 0;
    for framing in FRAMINGS {
        for size in SIZES.into_iter().chain([0, 1, 300 * KIB, 1000 * KIB + 1]) {
            let body = benign(size);
            let (status, answer) = post(&proxy, framing, &body).await;
            assert_eq!((status, &answer[..]), (200, &b"ok"[..]), "{framing:?} {size}");
            let seen = origin.state().requests.pop().unwrap();
            assert!(seen.complete && seen.body == body, "{framing:?} {size}: {}", seen.body.len());
            count += 1;
        }
    }
    for record in proxy.records(count).await {
        assert_eq!((record.decision, record.source), (Decision::Pass, Source::Origin));
    }
    assert_eq!(proxy.shared.held.now(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_byte_of_a_large_attack_never_arrives() {
    for framing in FRAMINGS {
        let large = matches!(framing, Framing::Length | Framing::Http2);
        let body = attack_at_end(if large { 20 * 1000 * KIB } else { 1000 * KIB });
        let origin = Origin::start().await;
        let proxy = Proxy::start(&origin);
        let (status, _) = post(&proxy, framing, &body).await;
        assert_eq!(status, 403, "{framing:?}");
        let record = proxy.record().await;
        assert_eq!(record.verdict_offset, Some(body.len() as u64), "{framing:?}");
        let seen = origin.only();
        assert!(!seen.complete && seen.body.len() < body.len(), "{framing:?}");
        assert!(!seen.body.ends_with(ATTACK), "{framing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_attack_in_a_large_upload_is_answered_while_it_uploads() {
    let mut body = benign(6 * 1000 * KIB);
    body[10..10 + ATTACK.len()].copy_from_slice(ATTACK);
    for framing in FRAMINGS {
        let origin = Origin::start().await;
        let proxy = Proxy::start(&origin);
        let (status, _) = post(&proxy, framing, &body).await;
        assert_eq!(status, 403, "{framing:?}");
        // The held part is scanned whole, whatever its length.
        assert_eq!(proxy.record().await.verdict_offset, Some(128 * KIB as u64), "{framing:?}");
        let state = origin.state();
        assert!(state.requests.iter().all(|seen| seen.body.is_empty()), "{framing:?}");
        if matches!(framing, Framing::Length | Framing::Http2WithLength) {
            assert_eq!(state.connections, 0, "{framing:?}");
        }
    }
}

/// Clients that read only when all is written: a close with unread bytes would reset them.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_writes_first_sees_the_answer_too() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let mut body = attack_at_end(1000);
    body.extend(benign(1000 * KIB));
    for request in [http1::post_with_length("/", &body), http1::post_chunked("/", &body, 5000)] {
        let mut client = http1::Client::connect(proxy.address).await;
        for piece in request.concat().chunks(64 * KIB) {
            client.write(piece).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(client.read(false).await.expect("reset").status, 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn detection_only_lets_everything_through() {
    let origin = Origin::start().await;
    let proxy = Proxy::with(settings(origin.address, Mode::Detect));
    for (index, framing) in FRAMINGS.into_iter().enumerate() {
        let body = attack_at_end(100 * KIB);
        let (status, _) = post(&proxy, framing, &body).await;
        assert_eq!(status, 200, "{framing:?}");
        assert_eq!(origin.state().requests.pop().unwrap().body, body, "{framing:?}");
        let record = proxy.records(index + 1).await.pop().unwrap();
        assert_eq!(record.decision, Decision::WouldBlock, "{framing:?}");
        assert_eq!(record.verdict_offset, Some(body.len() as u64), "{framing:?}");
    }
}
