//! Many clients that send half a body and wait: memory stays bounded, others are served.

use std::time::{Duration, Instant};

use waf_core::record::Mode;
use waf_proxy::settings::HoldFull;

use crate::harness::http1::{Client, post_chunked, post_with_length, send};
use crate::harness::process::{Process, memory_of_a_request};
use crate::harness::{Origin, Proxy, attack_at_end, benign, settings};

const UPLOADS: usize = 300;
const HOLD_TOTAL: usize = 2 * 1024 * 1024;
const SENT: usize = 20_000;

async fn besieged(hold_full: HoldFull) -> (Origin, Proxy, Vec<Client>) {
    let origin = Origin::start().await;
    let mut settings = settings(origin.address, Mode::Block);
    settings.body.hold_total = HOLD_TOTAL;
    settings.body.hold_full = hold_full;
    let proxy = Proxy::with(settings);
    let mut clients = Vec::new();
    for _ in 0..UPLOADS {
        let mut request = post_with_length("/", &benign(100_000));
        request[1].truncate(SENT);
        let mut client = Client::connect(proxy.address).await;
        client.write(&request.concat()).await;
        clients.push(client);
        assert!(proxy.shared.held.now() <= HOLD_TOTAL);
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while proxy.shared.held.now() + 2 * SENT < HOLD_TOTAL && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(proxy.shared.held.now() + 2 * SENT > HOLD_TOTAL, "{}", proxy.shared.held.now());
    (origin, proxy, clients)
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_requests_are_served_while_the_hold_is_full() {
    let (origin, proxy, clients) = besieged(HoldFull::Stream).await;
    let body = benign(60_000);
    let began = Instant::now();
    for request in [post_with_length("/", &body), post_chunked("/", &body, 5000)] {
        assert_eq!(send(proxy.address, request).await.unwrap().status, 200);
        let arrived = origin.state().requests.iter().any(|seen| seen.complete && seen.body == body);
        assert!(arrived);
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // What is not held is still inspected, and its last byte kept back.
    for request in [
        post_with_length("/", &attack_at_end(90_000)),
        post_chunked("/", &attack_at_end(90_000), 5000),
    ] {
        assert_eq!(send(proxy.address, request).await.unwrap().status, 403);
    }
    let complete = origin.state().requests.iter().filter(|seen| seen.complete).count();
    assert_eq!(complete, 2);
    assert!(proxy.shared.held.now() <= HOLD_TOTAL);
    drop(clients);
    proxy.records(UPLOADS + 4).await;
    assert_eq!(proxy.shared.held.now(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn or_are_told_to_come_back() {
    let (_origin, proxy, clients) = besieged(HoldFull::Refuse).await;
    let answer = send(proxy.address, post_with_length("/", &benign(60_000))).await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    // Not one more than there is room for is still waiting.
    proxy.has_recorded(1 + UPLOADS - HOLD_TOTAL / SENT).await;
    drop(clients);
    let records = proxy.records(UPLOADS + 1).await;
    let refused = records.iter().filter(|record| record.status == Some(503));
    assert!(refused.count() >= 1 + UPLOADS - HOLD_TOTAL / SENT);
    assert_eq!(proxy.shared.held.now(), 0);
}

/// Nearly as many as may be in flight.
const MANY: usize = 2_000;

/// `body.hold_total` and `body.hold` unless they are set.
const DEFAULT_HOLD_TOTAL: u64 = 64 * 1024 * 1024;
const DEFAULT_HOLD: u64 = 128 * 1024;

/// What `pinpoint check` says of one request holds for all together: the engine's part for each,
/// and no more of their bodies than `hold_total`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs 6,000 file descriptors"]
async fn thousands_stay_within_the_bound_of_check() {
    let origin = Origin::start().await;
    let proxy = Process::start(origin.address);
    let honest = post_with_length("/", &benign(60_000));
    assert_eq!(send(proxy.address, honest.clone()).await.unwrap().status, 200);
    let before = proxy.resident();
    let mut half = post_with_length("/half", &benign(100_000));
    half[1].truncate(50_000);
    let half = half.concat();
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let mut client = Client::connect(proxy.address).await;
        client.write(&half).await;
        clients.push(client);
    }
    // Those behind `hold_total` go on to the origin; when none comes any more, all are read.
    let arrived = || origin.state().requests.len();
    let mut last = 0;
    while last == 0 || arrived() > last {
        last = arrived();
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let began = Instant::now();
    assert_eq!(send(proxy.address, honest).await.unwrap().status, 200);
    let waited = began.elapsed();
    let grown = proxy.resident().saturating_sub(before);
    let bound = DEFAULT_HOLD_TOTAL + MANY as u64 * (memory_of_a_request() - DEFAULT_HOLD);
    println!(
        "{MANY} half sent: {} KiB before, {} KiB more, {} KiB at most; {last} at the origin; an \
         honest request took {waited:?}",
        before / 1024,
        grown / 1024,
        bound / 1024
    );
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    assert!(grown <= bound, "{grown} bytes, {bound} at most");
}
