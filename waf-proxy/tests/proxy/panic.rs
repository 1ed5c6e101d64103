//! A bug of ours: the request that meets it is answered and recorded, the next ones do not notice.

use waf_core::record::{Decision, Mode, Source, Stop};
use waf_proxy::settings::OnError;

use crate::harness::http1::{post_with_length, send};
use crate::harness::{Origin, Proxy, settings};

/// The stand-in for the engine panics on it.
const PANIC: &[u8] = b"x PANIC-IN-ENGINE y";

#[tokio::test(flavor = "multi_thread")]
async fn a_bug_in_the_engine_is_answered_with_503() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    let response = send(proxy.address, post_with_length("/", PANIC)).await.unwrap();
    assert_eq!(response.status, 503);
    let record = proxy.record().await;
    assert_eq!((record.decision, record.source), (Decision::Block, Source::Waf));
    assert_eq!(record.coverage.stop, Some(Stop::Error));
    assert_eq!(record.matches[0].rule_id, "engine-error");
    assert_eq!(origin.state().connections, 0);
    assert_eq!(send(proxy.address, post_with_length("/", b"fine")).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn or_it_passes_where_the_operator_says_so() {
    let origin = Origin::start().await;
    let mut settings = settings(origin.address, Mode::Block);
    settings.on_error = OnError::Pass;
    let proxy = Proxy::with(settings);
    let body = [PANIC, &crate::harness::benign(200_000)].concat();
    assert_eq!(send(proxy.address, post_with_length("/", &body)).await.unwrap().status, 200);
    assert!(origin.only().body == body);
    let record = proxy.record().await;
    assert_eq!((record.decision, record.source), (Decision::Pass, Source::Origin));
    assert_eq!(record.coverage.stop, Some(Stop::Error));
}
