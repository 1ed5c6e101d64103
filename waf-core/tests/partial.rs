//! `on_partial`: what could not be inspected exactly is refused where the operator says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

use std::sync::Arc;

use waf_core::Scratch;
use waf_core::compile::compile;
use waf_core::parse::head::RequestHead;
use waf_core::policy::{OnPartial, Policy, PolicySettings};
use waf_core::record::{Decision, DecisionRecord, Masking, Mode, Stop};
use waf_core::source::Source;
use waf_core::transaction::{About, Transaction};
use waf_core::yaml::{RuleContext, rule};

const WINDOW: usize = 1_024;

/// The values of `a` need all of theirs; those of `b` can be looked at piece by piece.
const RULES: [&str; 2] = [
    "targets: [\"ARGS:a\"]\ntransform: [normalize_path]\nmatch: {contains: /etc/passwd}",
    "targets: [\"ARGS:b\"]\ntransform: [lowercase]\nmatch: {contains: evil}",
];

fn policy(change: impl FnOnce(&mut PolicySettings)) -> Arc<Policy> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/protocol/limit-partial.yaml");
    let ours = std::fs::read_to_string(path).unwrap();
    let texts = RULES.iter().enumerate().map(|(number, more)| {
        format!(
            "id: test-{number}\nname: A test\nwhy: It is one.\nreferences: [CWE-1]\n\
             severity: critical\n{more}\ntests: {{attack: [\"x\"], benign: [\"y\"]}}\n"
        )
    });
    let rules =
        texts.map(|text| ("test", text)).chain([("protocol", ours)]).map(|(class, text)| {
            rule(&Source::new("test.yaml", text), class, &RuleContext::default())
                .unwrap_or_else(|reports| panic!("{reports:?}"))
        });
    let mut settings = PolicySettings { on_partial: OnPartial::Block, ..PolicySettings::default() };
    settings.limits.field_window = WINDOW;
    settings.limits.hold = 2 * WINDOW as u64;
    change(&mut settings);
    let compiled = compile(rules.collect(), vec![settings]).unwrap_or_else(|r| panic!("{r:?}"));
    Arc::clone(&compiled.policies[0])
}

fn run(policy: &Arc<Policy>, coding: &str, body: &[u8], size: usize) -> DecisionRecord {
    let form = "application/x-www-form-urlencoded";
    let headers = [("content-type", form), ("content-encoding", coding)];
    let headers =
        headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    let head = RequestHead::from_parts("POST", "/", "HTTP/1.1", headers.to_vec());
    let mut scratch = Scratch::default();
    let mut transaction = Transaction::new(Arc::clone(policy));
    assert_eq!(transaction.request_head(head, "::1", &[], &mut scratch), None);
    let mut pieces = body.chunks(size);
    let mut refusal =
        pieces.find_map(|piece| transaction.request_body(piece, &mut scratch).refusal);
    refusal = refusal.or_else(|| transaction.request_end(&mut scratch).refusal);
    let mut record = transaction.record(&About {
        time: String::new(),
        request_id: "1",
        client_request_id: None,
        route: "default",
        client_ip: "::1",
        status: refusal.map(|refusal| refusal.status),
        intended_status: None,
        source: None,
        decision: None,
        audit_headers: &[],
        masking: &Masking::default(),
        total_us: 0,
        body_total: Some(body.len() as u64),
    });
    record.timing_us.inspect = 0;
    record
}

/// The record, the same at every cut.
fn record(policy: &Arc<Policy>, coding: &str, body: &[u8]) -> DecisionRecord {
    let whole = run(policy, coding, body, body.len());
    for size in [1, 7, 1_000] {
        assert_eq!(run(policy, coding, body, size), whole, "{size}");
    }
    whole
}

fn form(name: &str, length: usize) -> Vec<u8> {
    format!("c=1&{name}={}", "x".repeat(length)).into_bytes()
}

#[test]
fn a_value_over_the_window_is_refused_by_a_finding_of_its_own() {
    let policy = policy(|_| ());
    let fits = record(&policy, "identity", &form("a", WINDOW));
    assert_eq!((fits.decision, fits.matches.len()), (Decision::Pass, 0));
    for length in [WINDOW + 1, 5 * WINDOW] {
        let body = form("a", length);
        let refused = record(&policy, "identity", &body);
        assert_eq!((refused.decision, refused.status), (Decision::Block, Some(413)));
        assert_eq!(refused.matches[0].rule_id, "limit-partial");
        assert_eq!(refused.coverage.inexact[0].field, "ARGS_POST:a");
    }
}

/// The verdict falls at the byte behind the window, where the held body does not contain it.
#[test]
fn the_rest_of_such_a_value_is_not_awaited() {
    let policy = policy(|settings| settings.limits.hold = 100);
    let body = form("a", 5 * WINDOW);
    let refused = record(&policy, "identity", &body);
    assert_eq!(refused.verdict_offset, Some(("c=1&a=".len() + WINDOW + 1) as u64));
}

#[test]
fn a_value_that_is_exact_in_pieces_passes() {
    let policy = policy(|_| ());
    let passed = record(&policy, "identity", &form("b", 5 * WINDOW));
    assert_eq!(passed.decision, Decision::Pass);
    assert_eq!(passed.coverage.inexact[0].what, ["offset"]);
    let unasked = record(&policy, "identity", &form("z", 5 * WINDOW));
    assert_eq!((unasked.decision, unasked.coverage.inexact.len()), (Decision::Pass, 0));
}

#[test]
fn without_it_the_record_says_so() {
    let policy = policy(|settings| settings.on_partial = OnPartial::Pass);
    let passed = record(&policy, "identity", &form("a", 5 * WINDOW));
    assert_eq!((passed.decision, passed.matches.len()), (Decision::Pass, 0));
    assert_eq!(passed.coverage.inexact[0].what, ["normalize_path", "offset"]);
}

#[test]
fn detection_only_tells_and_goes_on() {
    let policy = policy(|settings| settings.mode = Mode::Detect);
    let told = record(&policy, "identity", &form("a", 5 * WINDOW));
    assert_eq!((told.decision, told.status), (Decision::WouldBlock, None));
    assert_eq!(told.coverage.body_seen, told.coverage.body_total.unwrap());
}

/// No rule of `limit-body` or `parse-encoding` is loaded here, as if they were off.
#[test]
fn bytes_that_nobody_reads_are_partial() {
    let bounded = policy(|settings| settings.limits.body = Some(100));
    let long = record(&bounded, "identity", &form("z", 200));
    assert_eq!(
        (long.decision, long.matches[0].rule_id.as_str()),
        (Decision::Block, "limit-partial")
    );
    let broken = record(&policy(|_| ()), "gzip", b"this is no gzip at all");
    assert_eq!((broken.decision, broken.status), (Decision::Block, Some(413)));
    let passes = policy(|settings| settings.on_partial = OnPartial::Pass);
    let passed = record(&passes, "gzip", b"this is no gzip at all");
    assert_eq!((passed.decision, passed.coverage.stop), (Decision::Pass, Some(Stop::Error)));
}
