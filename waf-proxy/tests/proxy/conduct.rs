//! How the proxy behaves around the rules.

use std::sync::Arc;
use std::time::{Duration, Instant};

use waf_core::record::{Decision, Mode, Source, Stop};
use waf_proxy::settings::{BlockPage, Clients, Route, Settings, Upstream};

use crate::harness::http1::{Client, get, post_chunked, post_with_length, send};
use crate::harness::{ATTACK, Origin, Proxy, attack_at_end, benign, settings};

/// Changes the only route.
fn route(settings: &mut Settings) -> &mut Route {
    &mut settings.routes[0]
}

async fn with(change: impl FnOnce(&mut Settings)) -> (Origin, Proxy) {
    let origin = Origin::start().await;
    let mut settings = settings(origin.address, Mode::Block);
    change(&mut settings);
    (origin, Proxy::with(settings))
}

async fn unchanged() -> (Origin, Proxy) {
    with(|_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_reused_after_a_403() {
    let (origin, proxy) = unchanged().await;
    let mut client = Client::connect(proxy.address).await;
    for round in 0..3 {
        let blocked = client.exchange(post_with_length("/", &attack_at_end(5000))).await.unwrap();
        assert_eq!(blocked.status, 403, "{round}");
        let passed = client.exchange(post_chunked("/", &benign(5000), 1000)).await.unwrap();
        assert_eq!((passed.status, &passed.body[..]), (200, &b"ok"[..]), "{round}");
        let blocked = client.exchange(vec![b"GET /?<script> HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()]);
        assert_eq!(blocked.await.unwrap().status, 403, "{round}");
    }
    assert_eq!(origin.state().requests.len(), 3);
    proxy.records(9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_judged_one_by_one() {
    let (origin, proxy) = unchanged().await;
    let bodies = [benign(10), attack_at_end(2000), benign(70_000), attack_at_end(40), benign(3)];
    let mut all = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        // An attack in chunks is certain before its last chunk, which ends the connection.
        let request =
            if index % 4 == 2 { post_chunked("/", body, 7) } else { post_with_length("/", body) };
        all.extend(request.concat());
    }
    let mut client = Client::connect(proxy.address).await;
    let mut statuses = Vec::new();
    let first = client.exchange(vec![all]).await.unwrap();
    statuses.push(first.status);
    while statuses.len() < 5 {
        statuses.push(client.read(false).await.unwrap().status);
    }
    assert_eq!(statuses, [200, 403, 200, 403, 200]);
    let state = origin.state();
    let arrived: Vec<_> = state.requests.iter().map(|seen| seen.body.clone()).collect();
    assert_eq!(arrived, [bodies[0].clone(), bodies[2].clone(), bodies[4].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_behind_a_body_that_was_not_read_to_its_end() {
    let (origin, proxy) = unchanged().await;
    let mut body = attack_at_end(2000);
    body.extend(benign(300_000));
    let mut all = post_chunked("/", &body, 5000).concat();
    all.extend(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut client = Client::connect(proxy.address).await;
    let answer = client.exchange(vec![all]).await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (403, Some("close")));
    assert!(client.is_closed().await);
    proxy.records(1).await;
    let seen = origin.only();
    assert!(seen.body.is_empty() && !seen.complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_headers_of_strangers_are_removed() {
    let (origin, proxy) = unchanged().await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\nForwarded: for=x\r\n\
                   X-Real-IP: 1.2.3.4\r\nX-Request-Id: theirs\r\n\r\n";
    let response = send(proxy.address, vec![request.into()]).await.unwrap();
    let record = proxy.record().await;
    assert_eq!((record.client.ip.as_str(), record.client_request_id), ("127.0.0.1", None));
    assert_eq!(response.header("x-request-id"), Some(&record.request_id[..]));
    let head = origin.only().head.to_ascii_lowercase();
    assert!(head.contains("x-forwarded-for: 127.0.0.1\r\n"), "{head}");
    assert!(head.contains("x-forwarded-proto: http\r\n"), "{head}");
    assert!(head.contains(&format!("x-request-id: {}\r\n", record.request_id)), "{head}");
    for gone in ["198.51.100.1", "1.2.3.4", "for=x", "theirs"] {
        assert!(!head.contains(gone), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_headers_of_trusted_proxies_count() {
    let (origin, proxy) = with(|settings| {
        settings.clients.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4, 198.51.100.1\r\n\
                   X-Forwarded-Proto: https\r\nX-Request-Id: edge-17\r\n\r\n";
    send(proxy.address, vec![request.into()]).await.unwrap();
    let record = proxy.record().await;
    assert_eq!(record.client.ip, "198.51.100.1");
    assert_eq!(record.client_request_id.as_deref(), Some("edge-17"));
    let head = origin.only().head.to_ascii_lowercase();
    assert!(head.contains("x-forwarded-for: 1.2.3.4, 198.51.100.1, 127.0.0.1\r\n"), "{head}");
    assert!(head.contains("x-forwarded-proto: https\r\n"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_may_not_come_in_get_403() {
    let (origin, proxy) = with(|settings| {
        settings.clients =
            Clients { deny: vec!["127.0.0.1/32".parse().unwrap()], ..Clients::default() };
    })
    .await;
    assert_eq!(get(proxy.address, "/").await.status, 403);
    let record = proxy.record().await;
    assert_eq!((record.decision, record.source), (Decision::Block, Source::Ip));
    assert_eq!(origin.state().connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trickled_head_is_cut() {
    let (_origin, proxy) = with(|settings| {
        settings.timeouts.header = Duration::from_millis(300);
    })
    .await;
    let began = Instant::now();
    let mut client = Client::connect(proxy.address).await;
    let mut writer = client.writer.take().unwrap();
    let trickle = tokio::spawn(async move {
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
            use tokio::io::AsyncWriteExt;
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(client.read(false).await.unwrap().status, 408);
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    let record = proxy.record().await;
    assert_eq!(record.matches[0].rule_id, "limit-time");
    assert_eq!((record.source, record.request.method.as_str()), (Source::Size, "GET"));
    trickle.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_without_a_record() {
    let (_origin, proxy) = with(|settings| {
        settings.timeouts.header = Duration::from_millis(200);
        settings.timeouts.keepalive = Duration::from_millis(200);
    })
    .await;
    let mut never_used = Client::connect(proxy.address).await;
    assert!(never_used.is_closed().await);
    let mut used = Client::connect(proxy.address).await;
    used.exchange(vec![b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()]).await.unwrap();
    assert!(used.is_closed().await);
    proxy.records(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_body_is_cut() {
    let (origin, proxy) = with(|settings| {
        settings.timeouts.body_gap = Duration::from_millis(200);
    })
    .await;
    // Within the hold, and beyond it.
    for (length, sent) in [(1000, 10), (300_000, 200_000)] {
        let mut request = post_with_length("/", &benign(length));
        request[1].truncate(sent);
        assert_eq!(send(proxy.address, request).await.unwrap().status, 408, "{length}");
    }
    for record in proxy.records(2).await {
        assert_eq!(record.matches[0].rule_id, "limit-time");
        assert_eq!((record.status, record.source), (Some(408), Source::Size));
    }
    assert!(origin.state().requests.iter().all(|seen| !seen.complete));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_below_the_least_rate_is_cut() {
    let (_origin, proxy) = with(|settings| {
        settings.timeouts.body_gap = Duration::from_millis(1200);
        settings.timeouts.body_min_rate = 1_000_000;
    })
    .await;
    let mut client = Client::connect(proxy.address).await;
    client.write(&post_with_length("/", &benign(1000))[0].clone()).await;
    let mut writer = client.writer.take().unwrap();
    let trickle = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert_eq!(client.read(false).await.unwrap().status, 408);
    trickle.abort();
    assert_eq!(proxy.record().await.matches[0].rule_id, "limit-time");
}

#[tokio::test(flavor = "multi_thread")]
async fn expect_is_answered_after_the_head_rules() {
    let (origin, proxy) = unchanged().await;
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\
             Expect: 100-continue\r\n\r\n"
        )
    };
    let mut client = Client::connect(proxy.address).await;
    client.write(head("/").as_bytes()).await;
    let interim = client.read_raw(b"HTTP/1.1 100 Continue\r\n\r\n".len()).await;
    assert!(interim.starts_with(b"HTTP/1.1 100"), "{interim:?}");
    client.write(b"hello").await;
    assert_eq!(client.read(false).await.unwrap().status, 200);
    assert!(!origin.only().head.to_ascii_lowercase().contains("expect"));

    let mut client = Client::connect(proxy.address).await;
    client.write(head("/?<script>").as_bytes()).await;
    let answer = client.read_raw(b"HTTP/1.1 403".len()).await;
    assert_eq!(answer, b"HTTP/1.1 403");
}

#[tokio::test(flavor = "multi_thread")]
async fn upgrades_follow_the_route() {
    let handshake = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let (origin, proxy) = unchanged().await;
    assert_eq!(send(proxy.address, vec![handshake.into()]).await.unwrap().status, 403);
    assert_eq!(proxy.record().await.matches[0].rule_id, "protocol-upgrade");
    assert_eq!(origin.state().connections, 0);

    let (_origin, proxy) = with(|settings| route(settings).head.websocket = true).await;
    let mut client = Client::connect(proxy.address).await;
    // The first frame comes with the handshake, the second later.
    let eager = [handshake.as_bytes(), b"one"].concat();
    assert_eq!(client.exchange(vec![eager]).await.unwrap().status, 101);
    assert_eq!(client.read_raw(3).await, b"one");
    client.write(b"two").await;
    assert_eq!(client.read_raw(3).await, b"two");
    drop(client);
    let record = proxy.record().await;
    assert_eq!((record.status, record.coverage.stop), (Some(101), Some(Stop::Upgraded)));

    let (origin, proxy) = unchanged().await;
    let h2c = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
               HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
    assert_eq!(send(proxy.address, vec![h2c.into()]).await.unwrap().status, 200);
    assert!(!origin.only().head.to_ascii_lowercase().contains("upgrade"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_origin_are_ours_to_answer() {
    // A port where nobody listens.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_origin, proxy) = with(|settings| {
        route(settings).upstream = Arc::new(Upstream::plain("app", vec![nobody]));
    })
    .await;
    assert_eq!(get(proxy.address, "/").await.status, 502);
    let record = proxy.record().await;
    assert_eq!((record.decision, record.source), (Decision::Pass, Source::Proxy));

    let (_origin, proxy) = with(|settings| {
        let upstream = Arc::get_mut(&mut route(settings).upstream).unwrap();
        upstream.read = Duration::from_millis(200);
    })
    .await;
    assert_eq!(get(proxy.address, "/never").await.status, 504);
    assert_eq!(proxy.record().await.source, Source::Proxy);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_is_tried_when_one_is_down() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let origin = Origin::start().await;
    let mut settings = settings(origin.address, Mode::Block);
    route(&mut settings).upstream = Arc::new(Upstream::plain("app", vec![nobody, origin.address]));
    let proxy = Proxy::with(settings);
    for _ in 0..2 {
        let body = benign(100_000);
        let response = send(proxy.address, post_with_length("/", &body)).await.unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(origin.state().requests.pop().unwrap().body, body);
    }
    proxy.records(2).await;
}

/// A kept connection that the origin closes at the wrong moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_repeated_only_while_nothing_of_its_body_was_sent() {
    let (origin, proxy) = unchanged().await;
    assert_eq!(get(proxy.address, "/").await.status, 200);
    // What is recorded is done: its connection is kept for the next.
    proxy.has_recorded(1).await;
    assert_eq!(get(proxy.address, "/hangup-once").await.status, 200);
    proxy.has_recorded(2).await;
    let mut put = post_with_length("/hangup", &benign(1000));
    put[0] = String::from_utf8(put[0].clone()).unwrap().replace("POST", "PUT").into_bytes();
    assert_eq!(send(proxy.address, put).await.unwrap().status, 502);
    let record = proxy.records(3).await.pop().unwrap();
    assert_eq!((record.coverage.body_seen, record.source), (1000, Source::Proxy));
    let asked =
        |path: &str| origin.state().requests.iter().filter(|seen| seen.head.contains(path)).count();
    assert_eq!((asked(" /hangup-once "), asked(" /hangup ")), (2, 1));
    assert_eq!(origin.state().connections, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_allowed_get_503() {
    let (_origin, proxy) = with(|settings| settings.in_flight = 1).await;
    let address = proxy.address;
    let slow = tokio::spawn(async move { get(address, "/slow").await.status });
    tokio::time::sleep(Duration::from_millis(150)).await;
    let refused = get(proxy.address, "/").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(slow.await.unwrap(), 200);
    assert_eq!(get(proxy.address, "/").await.status, 200);
    let mut sources: Vec<_> =
        proxy.records(3).await.iter().map(|record| (record.status, record.source)).collect();
    sources.sort_by_key(|(status, _)| *status);
    assert_eq!(sources[2], (Some(503), Source::Proxy));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_route_there_is_404() {
    let (origin, proxy) = with(|settings| settings.routes.clear()).await;
    assert_eq!(get(proxy.address, "/").await.status, 404);
    assert_eq!(proxy.record().await.source, Source::Waf);
    assert_eq!(origin.state().connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_answered_without_a_body() {
    let (_origin, proxy) = unchanged().await;
    let mut client = Client::connect(proxy.address).await;
    for (path, status) in [("/?<script>", 403), ("/", 200), ("/?<script>", 403)] {
        client.write(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await;
        let response = client.read(true).await.unwrap();
        assert_eq!(response.status, status);
        assert_ne!(response.header("content-length"), Some("0"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn response_rules_turn_a_leak_into_403() {
    let (_origin, proxy) = unchanged().await;
    let response = get(proxy.address, "/leak").await;
    assert_eq!(response.status, 403);
    assert!(!response.head.contains("x-leak"));
    let record = proxy.record().await;
    assert_eq!((record.status, record.source), (Some(403), Source::Waf));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_are_recorded_once() {
    let (origin, proxy) = unchanged().await;
    // Within the head, within the held body, within the streamed body, before the answer.
    let half_head = b"GET / HTTP/1.1\r\nHos".to_vec();
    let mut held = post_with_length("/", &benign(1000));
    held[1].truncate(10);
    let mut streamed = post_with_length("/", &benign(300_000));
    streamed[1].truncate(200_000);
    let waiting = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    for (index, request) in
        [half_head, held.concat(), streamed.concat(), waiting].iter().enumerate()
    {
        let mut client = Client::connect(proxy.address).await;
        client.write(request).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(client);
        let record = proxy.records(index + 1).await.pop().unwrap();
        assert_eq!((record.status, record.decision), (None, Decision::Pass), "{index}");
        if index < 3 {
            assert_eq!(record.coverage.stop, Some(Stop::ClientAbort), "{index}");
        }
    }
    assert!(origin.state().requests.iter().all(|seen| seen.body.len() < 300_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_client_gets_a_body_that_ends_with_the_connection() {
    let (_origin, proxy) = unchanged().await;
    let response = send(proxy.address, vec![b"GET /chunked HTTP/1.0\r\nHost: a\r\n\r\n".to_vec()])
        .await
        .unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"ok"[..]));
    assert_eq!(response.header("transfer-encoding"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let (origin, proxy) = with(|settings| {
        let route = route(settings);
        let mut policy = route.policy.settings().clone();
        policy.limits.body = Some(1000);
        route.policy = crate::harness::policy(policy);
    })
    .await;
    let mut announced = post_with_length("/", &benign(2000));
    announced.pop();
    assert_eq!(send(proxy.address, announced).await.unwrap().status, 413);
    let surprising = post_chunked("/", &benign(2000), 100);
    assert_eq!(send(proxy.address, surprising).await.unwrap().status, 413);
    let fitting = post_chunked("/", &benign(1000), 100);
    assert_eq!(send(proxy.address, fitting).await.unwrap().status, 200);
    assert_eq!(origin.state().connections, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_requests_end_and_takes_no_longer() {
    let (_origin, proxy) = unchanged().await;
    let mut resting = Client::connect(proxy.address).await;
    resting.exchange(vec![b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()]).await.unwrap();
    let address = proxy.address;
    let slow = tokio::spawn(async move { get(address, "/slow").await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    let stopping = tokio::task::spawn_blocking(move || proxy.stop());
    let answer = slow.await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    let took = stopping.await.unwrap();
    assert!(took > Duration::from_millis(200) && took < Duration::from_secs(2), "{took:?}");
    assert!(resting.is_closed().await);
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    use waf_proxy::server::Server;
    use waf_proxy::settings::Listener;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = Listener { address: taken.local_addr().unwrap(), tls: None };
    let error = tokio::task::spawn_blocking(move || Server::bind(&[listener], 1).err())
        .await
        .unwrap()
        .expect("bound twice");
    assert!(error.to_string().contains("cannot listen on 127.0.0.1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_in_the_url_never_reach_the_origin() {
    let (origin, proxy) = unchanged().await;
    let target = String::from_utf8_lossy(ATTACK);
    assert_eq!(get(proxy.address, &format!("/?q={target}")).await.status, 403);
    let escaped = get(proxy.address, "/<b>\"x\"").await;
    assert_eq!(escaped.status, 200);
    assert!(origin.only().head.starts_with("GET /%3Cb%3E%22x%22 HTTP/1.1\r\n"));
    // The record shows what came, not what the origin got.
    let records = proxy.records(2).await;
    assert!(records.iter().any(|record| record.request.path == "/<b>\"x\""), "{records:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_origin_answers_whatever_comes() {
    let demo = waf_proxy::demo::start().unwrap();
    let proxy = Proxy::with(settings(demo, Mode::Block));
    for request in [
        vec![b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()],
        post_with_length("/", &benign(300_000)),
        post_chunked("/", &benign(300_000), 5000),
    ] {
        let answer = send(proxy.address, request).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(String::from_utf8_lossy(&answer.body).contains("It works"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_has_its_own_methods_and_page() {
    let (_origin, proxy) = with(|settings| {
        let route = route(settings);
        route.head.methods = vec!["GET".into(), "PURGE".into()];
        route.block_page = Arc::new(BlockPage { reveal_rules: true, ..BlockPage::default() });
    })
    .await;
    let purge = send(proxy.address, vec![b"PURGE / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()]).await;
    assert_eq!(purge.unwrap().status, 200);
    let refused = send(proxy.address, post_with_length("/", b"x")).await.unwrap();
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, PURGE")));
    let page = String::from_utf8(get(proxy.address, "/?<script>").await.body).unwrap();
    assert!(page.contains("test-script"), "{page}");
}
