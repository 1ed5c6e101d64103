//! Responses: their bodies as a stream, beside a request that may still be coming.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use waf_core::Scratch;
use waf_core::compile::compile;
use waf_core::parse::head::RequestHead;
use waf_core::parse::response::ResponseHead;
use waf_core::policy::{Policy, PolicySettings, ResponseBody};
use waf_core::record::{Decision, DecisionRecord, InexactRecord, Masking, Mode, Stop};
use waf_core::source::Source;
use waf_core::transaction::{About, Transaction};
use waf_core::yaml::{RuleContext, rule};

const HOLD: u64 = 2_048;

type Encode = fn(&[u8]) -> Vec<u8>;

/// `LEAK` blocks; of `part` and `more` both are needed, at the default threshold of 4.
const RULES: [(&str, &str, &str); 4] = [
    (
        "leak",
        "critical",
        "targets: [RESPONSE_BODY]\ntransform: [lowercase]\nmatch: {contains: secret}",
    ),
    ("part", "notice", "targets: [RESPONSE_BODY]\nmatch: {contains: part}"),
    ("more", "notice", "targets: [RESPONSE_BODY]\nmatch: {contains: more}"),
    (
        "script",
        "critical",
        "targets: [REQUEST_BODY, REQUEST_URI_RAW]\nmatch: {contains: \"<script>\"}",
    ),
];
const LEAK: &str = "SECRET";

fn policy(mode: Mode, body: ResponseBody) -> Arc<Policy> {
    let rules = RULES.map(|(id, severity, more)| {
        let text = format!(
            "id: test-{id}\nname: A test\nwhy: It is one.\nreferences: [CWE-1]\n\
             severity: {severity}\n{more}\ntests: {{attack: [\"x\"], benign: [\"y\"]}}\n"
        );
        let source = Source::new("test.yaml", text);
        rule(&source, "test", &RuleContext::default()).unwrap_or_else(|r| panic!("{r:?}"))
    });
    let mut settings = PolicySettings { mode, ..PolicySettings::default() };
    settings.response.body = body;
    settings.limits.hold = HOLD;
    settings.limits.field_window = 1_024;
    settings.limits.inflate_ratio = u64::MAX;
    let compiled = compile(rules.to_vec(), vec![settings]).unwrap_or_else(|r| panic!("{r:?}"));
    Arc::clone(&compiled.policies[0])
}

fn request(method: &str) -> RequestHead {
    let headers = [("host", "a"), ("content-type", "text/plain"), ("transfer-encoding", "chunked")];
    let headers =
        headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    RequestHead::from_parts(method, "/", "HTTP/1.1", headers.to_vec())
}

fn response(status: u16, headers: &[(&str, &str)]) -> ResponseHead {
    let pair = |(name, value): &(&str, &str)| (name.as_bytes().into(), value.as_bytes().into());
    ResponseHead { status, headers: headers.iter().map(pair).collect() }
}

fn html(coding: &str) -> ResponseHead {
    response(200, &[("content-type", "text/html"), ("content-encoding", coding)])
}

/// A transaction whose request has passed, and its scratch.
fn begun(policy: &Arc<Policy>, method: &str) -> (Transaction, Scratch) {
    let mut scratch = Scratch::default();
    let mut transaction = Transaction::new(Arc::clone(policy));
    assert_eq!(transaction.request_head(request(method), "::1", &[], &mut scratch), None);
    (transaction, scratch)
}

fn record(transaction: &Transaction) -> DecisionRecord {
    let mut record = transaction.record(&About {
        time: String::new(),
        request_id: "1",
        client_request_id: None,
        route: "default",
        client_ip: "::1",
        status: None,
        intended_status: None,
        source: None,
        decision: None,
        audit_headers: &[],
        masking: &Masking::default(),
        total_us: 0,
        body_total: None,
    });
    record.timing_us.inspect = 0;
    record
}

/// The record of a response in pieces, and the bytes that were let go on.
fn run<'a>(
    policy: &Arc<Policy>,
    head: &ResponseHead,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (DecisionRecord, u64) {
    let (mut transaction, mut scratch) = begun(policy, "GET");
    assert_eq!(transaction.request_end(&mut scratch).refusal, None);
    assert_eq!(transaction.response_head(head, &mut scratch), None);
    let (mut given, mut gone) = (0, 0);
    for piece in pieces {
        given += piece.len() as u64;
        let progress = transaction.response_body(piece, &mut scratch);
        assert!(progress.forward <= given && progress.forward >= gone);
        gone = progress.forward;
        if progress.refusal.is_some() {
            return (record(&transaction), gone);
        }
    }
    if transaction.response_end(&mut scratch).is_none() {
        gone = given;
    }
    (record(&transaction), gone)
}

fn ids(record: &DecisionRecord) -> Vec<&str> {
    record.matches.iter().map(|found| found.rule_id.as_str()).collect()
}

/// A page with text at a place.
fn page(length: usize, text: &str, at: usize) -> Vec<u8> {
    let mut page: Vec<u8> = (0..length).map(|i| b"ab dfgh\n"[(i * 7 + i / 97) % 8]).collect();
    page.splice(at..at + text.len(), text.bytes());
    page
}

fn gzip(page: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(page).unwrap();
    encoder.finish().unwrap()
}

fn deflate(page: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(page).unwrap();
    encoder.finish().unwrap()
}

fn brotli(page: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    brotli::BrotliCompress(&mut &page[..], &mut output, &Default::default()).unwrap();
    output
}

/// Cuts of 1 to 900 bytes.
fn random_cut(body: &[u8], seed: u64) -> Vec<&[u8]> {
    let (mut state, mut rest, mut pieces) = (seed | 1, body, Vec::new());
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (piece, after) = rest.split_at((state % 900 + 1).min(rest.len() as u64) as usize);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Where a page of this length is refused for a text that ends at `end`: nothing is certain before
/// the held part ends.
fn verdict(length: usize, end: usize) -> u64 {
    (end as u64).max((length as u64).min(HOLD))
}

#[test]
fn where_a_body_is_cut_changes_nothing() {
    let codings: [(&str, Encode); 4] =
        [("identity", <[u8]>::to_vec), ("gzip", gzip), ("deflate", deflate), ("br", brotli)];
    for mode in [Mode::Block, Mode::Detect] {
        let policy = policy(mode, ResponseBody::Block);
        for length in [13, 1_000, 1_024, 1_025, 2_048, 2_049, 30_000] {
            for at in [0, length / 2, length - LEAK.len()] {
                let page = page(length, LEAK, at);
                for (coding, encode) in &codings {
                    let (body, head) = (encode(&page), html(coding));
                    let whole = run(&policy, &head, [body.as_slice()]).0;
                    assert_eq!(ids(&whole), ["test-leak"], "{length} {at} {coding}");
                    let offset = verdict(length, at + LEAK.len());
                    assert_eq!(whole.verdict_offset, Some(offset), "{length} {at} {coding}");
                    let cuts = [1, 7, 1_000].map(|size| body.chunks(size).collect::<Vec<_>>());
                    let random = (0..3).map(|seed| random_cut(&body, seed));
                    for cut in cuts.into_iter().chain(random) {
                        let pieces = run(&policy, &head, cut).0;
                        assert_eq!(pieces, whole, "{length} {at} {coding} {mode:?}");
                    }
                }
            }
        }
    }
}

/// Of a refused response only what lies before the leak goes on, and never its end.
#[test]
fn nothing_of_a_leak_goes_on() {
    let policy = policy(Mode::Block, ResponseBody::Block);
    for (length, at) in [(500, 10), (2_048, 2_000), (5_000, 10), (5_000, 3_000), (5_000, 4_994)] {
        let page = page(length, LEAK, at);
        for size in [1, 100, 1_460] {
            let (record, gone) = run(&policy, &html("identity"), page.chunks(size));
            assert_eq!(record.decision, Decision::Block);
            let held = (at + LEAK.len()) as u64 <= HOLD;
            assert!(gone < (at + LEAK.len()) as u64, "{length} {at}: {gone}");
            assert!(!held || gone == 0, "{length} {at}: {gone}");
        }
    }
}

#[test]
fn a_match_tells_the_place_in_the_decoded_body() {
    let policy = policy(Mode::Block, ResponseBody::Block);
    let body = gzip(&page(900, LEAK, 700));
    let (record, _) = run(&policy, &html("gzip"), [body.as_slice()]);
    let found = &record.matches[0];
    assert_eq!((found.phase.as_str(), found.target.as_str()), ("response_body", "RESPONSE_BODY"));
    assert_eq!((found.offset, found.length), (Some(700), Some(6)));
    assert_eq!(found.decode, ["gzip", "lowercase"]);
    assert_eq!((record.score.inbound, record.score.outbound), (0, 5));
    assert_eq!(record.coverage.response_seen, Some(body.len() as u64));
    assert_eq!(record.coverage.stop, None);
}

#[test]
fn scores_add_up_to_the_outbound_threshold() {
    let policy = policy(Mode::Block, ResponseBody::Block);
    let decision = |text: &str| {
        let (record, _) = run(&policy, &html("identity"), [text.as_bytes()]);
        (record.decision, record.score.outbound)
    };
    assert_eq!(decision("a part"), (Decision::Pass, 2));
    assert_eq!(decision("a part and more"), (Decision::Block, 4));
}

/// Watching refuses nothing; mode `detect` neither.
#[test]
fn a_watched_body_is_told_and_goes_on() {
    for (mode, body) in [(Mode::Block, ResponseBody::Detect), (Mode::Detect, ResponseBody::Block)] {
        let policy = policy(mode, body);
        for length in [100, 10_000] {
            let page = page(length, LEAK, 50);
            let (watched, gone) = run(&policy, &html("identity"), page.chunks(64));
            assert_eq!(watched.decision, Decision::WouldBlock);
            assert_eq!((watched.score.outbound, gone), (5, length as u64));
            assert_eq!(watched.verdict_offset, Some(verdict(length, 56)));
            assert_eq!(watched.coverage.response_seen, Some(length as u64));
        }
    }
}

#[test]
fn what_is_not_asked_for_is_not_read() {
    let leak = LEAK.as_bytes();
    let html = ("content-type", "text/html");
    let cases: [(ResponseBody, &str, ResponseHead); 6] = [
        (ResponseBody::Off, "GET", response(200, &[html])),
        (ResponseBody::Block, "GET", response(200, &[("content-type", "image/png")])),
        (ResponseBody::Block, "GET", response(200, &[])),
        (ResponseBody::Block, "HEAD", response(200, &[html])),
        (ResponseBody::Block, "GET", response(204, &[html])),
        (ResponseBody::Block, "GET", response(304, &[html])),
    ];
    for (body, method, head) in cases {
        let policy = policy(Mode::Block, body);
        let (mut transaction, mut scratch) = begun(&policy, method);
        transaction.request_end(&mut scratch);
        transaction.response_head(&head, &mut scratch);
        assert!(!transaction.reads_response_body());
        let progress = transaction.response_body(leak, &mut scratch);
        assert_eq!((progress.forward, progress.refusal), (leak.len() as u64, None));
        assert_eq!(transaction.response_end(&mut scratch), None);
        let record = record(&transaction);
        assert_eq!((record.decision, record.coverage.response_seen), (Decision::Pass, None));
        assert_eq!(record.coverage.inexact, []);
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let policy = policy(Mode::Block, ResponseBody::Block);
    let left = |head: &ResponseHead, body: &[u8]| {
        let (record, gone) = run(&policy, head, body.chunks(10));
        assert_eq!((record.decision, gone), (Decision::Pass, body.len() as u64));
        record.coverage.inexact
    };
    let told =
        |what: &str| vec![InexactRecord { field: "RESPONSE_BODY".into(), what: vec![what.into()] }];
    let html = ("content-type", "text/html");
    let range = response(206, &[html, ("content-range", "bytes 0-5/9")]);
    assert_eq!(left(&self::html("zstd"), LEAK.as_bytes()), told("content_encoding"));
    assert_eq!(left(&self::html("gzip, br"), LEAK.as_bytes()), told("content_encoding"));
    assert_eq!(left(&range, LEAK.as_bytes()), told("partial_content"));
    assert_eq!(left(&self::html("gzip"), LEAK.as_bytes()), told("parse-encoding"));
    let cut = gzip(&page(300, "", 0));
    assert_eq!(left(&self::html("gzip"), &cut[..cut.len() - 4]), told("parse-encoding"));
    assert_eq!(left(&self::html("gzip"), &gzip(&page(300, "", 0))), []);
}

/// What stands before a break of the coding is judged.
#[test]
fn a_broken_coding_hides_nothing_before_it() {
    let policy = policy(Mode::Block, ResponseBody::Block);
    let mut body = gzip(&page(300, LEAK, 20));
    body.extend_from_slice(b"what is no gzip");
    let whole = run(&policy, &html("gzip"), [body.as_slice()]).0;
    assert_eq!(whole.decision, Decision::Block);
    assert_eq!(whole.coverage.inexact[0].what, ["parse-encoding"]);
    let bytes = run(&policy, &html("gzip"), body.chunks(1)).0;
    assert_eq!((bytes.decision, bytes.verdict_offset), (whole.decision, whole.verdict_offset));
}

/// An origin may answer before it has read the request.
#[test]
fn an_early_answer_hides_nothing_of_the_request() {
    for response in [ResponseBody::Detect, ResponseBody::Block] {
        let policy = policy(Mode::Block, response);
        for leak in ["", LEAK] {
            if response == ResponseBody::Block && !leak.is_empty() {
                continue;
            }
            let (mut transaction, mut scratch) = begun(&policy, "POST");
            assert_eq!(transaction.request_body(b"a <scr", &mut scratch).refusal, None);
            assert_eq!(transaction.response_head(&html("identity"), &mut scratch), None);
            transaction.response_body(&page(500, leak, 9), &mut scratch);
            assert_eq!(transaction.response_end(&mut scratch), None);
            assert_eq!(transaction.request_body(b"ipt>", &mut scratch).refusal, None);
            let refusal = transaction.request_end(&mut scratch).refusal;
            assert_eq!(refusal.map(|refusal| refusal.status), Some(403), "{response:?} {leak}");
            let record = record(&transaction);
            assert!(ids(&record).contains(&"test-script"));
            assert_eq!(record.score.inbound, 5);
        }
    }
}

/// A refusal of the response ends the request that is still coming.
#[test]
fn a_refused_response_refuses_the_rest_of_the_request() {
    let policy = policy(Mode::Block, ResponseBody::Block);
    let (mut transaction, mut scratch) = begun(&policy, "POST");
    transaction.request_body(b"first", &mut scratch);
    transaction.response_head(&html("identity"), &mut scratch);
    transaction.response_body(LEAK.as_bytes(), &mut scratch);
    assert_eq!(transaction.response_end(&mut scratch).map(|r| r.status), Some(403));
    assert_eq!(transaction.request_body(b"second", &mut scratch).refusal.unwrap().status, 403);
    let record = record(&transaction);
    assert_eq!(record.coverage.body_seen, 5);
    assert_eq!(record.coverage.stop, Some(Stop::Verdict));
}
