//! The memory of a request does not grow with its body. One test, so that nothing else runs in
//! the process while it measures.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::io::Write;
use std::sync::Arc;

use common::bodies::{FORM, JSON, MULTIPART, PLAIN, post};
use flate2::Compression;
use flate2::write::GzEncoder;
use waf_core::Scratch;
use waf_core::parse::response::ResponseHead;
use waf_core::policy::{Policy, PolicySettings, ResponseBody};
use waf_core::record::{Masking, Mode};
use waf_core::transaction::{About, Transaction};

const MB: usize = 1 << 20;

/// What a body may add between its first megabytes and its end: far less than it has, and more than
/// an allocator keeps back.
const GROWTH: usize = 4 * MB;

/// A body: how it begins, what is repeated, its Content-Type and Content-Encoding.
struct Long {
    name: &'static str,
    content_type: &'static str,
    start: &'static [u8],
    again: &'static [u8],
    gzip: bool,
}

const BODIES: [Long; 7] = [
    long("raw", PLAIN, b"", b"just words, and more of them. "),
    long("JSON string", JSON, b"{\"a\":\"", b"just words \\u00e9 and more. "),
    long("JSON numbers", JSON, b"[", b"12345,"),
    long("file", MULTIPART, FILE, b"just words\r\n--and\r\nmore. "),
    long("form field", FORM, b"a=", b"just+words+%41nd+more. "),
    long("form fields", FORM, b"", b"a=<script>&"),
    Long { gzip: true, ..long("gzip", JSON, b"{\"a\":\"", b"just words and more. ") },
];

const FILE: &[u8] =
    b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\n";

const fn long(
    name: &'static str,
    content_type: &'static str,
    start: &'static [u8],
    again: &'static [u8],
) -> Long {
    Long { name, content_type, start, again, gzip: false }
}

const RULES: [&str; 4] = [
    "targets: [ARGS, ARGS_NAMES, REQUEST_BODY, FILES_TMP_CONTENT]\n\
     transform: [url_decode_uni, html_entity_decode, lowercase]\nmatch: {rx: '<script\\b'}",
    "targets: [ARGS, REQUEST_BODY]\ntransform: [compress_whitespace]\nmatch: {pm: [evil one]}",
    "targets: [ARGS]\ntransform: [normalize_path]\nmatch: {contains: /etc/passwd}",
    "targets: [RESPONSE_BODY]\ntransform: [html_entity_decode, lowercase]\nmatch: {rx: 'root:x:0'}",
];

fn policy() -> Arc<Policy> {
    let rules = RULES.iter().enumerate().map(|(number, more)| {
        format!(
            "id: test-{number}\nname: A test\nwhy: It is one.\nreferences: [CWE-1]\n\
             severity: critical\n{more}\ntests: {{attack: [\"x\"], benign: [\"y\"]}}\n"
        )
    });
    let texts: Vec<String> = rules.collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut settings = PolicySettings { mode: Mode::Detect, ..PolicySettings::default() };
    settings.limits.inflate_ratio = u64::MAX;
    settings.response.body = ResponseBody::Block;
    common::policy(common::rules(&texts), settings)
}

#[test]
fn does_not_grow_with_the_body() {
    let policy = policy();
    for body in &BODIES {
        measure(&policy, body, 12 * MB);
    }
    measure_response(&policy, 64 * MB);
    a_million_fields_score_like_one(&policy);
}

#[test]
#[ignore = "takes minutes"]
fn does_not_grow_to_a_gigabyte() {
    let policy = policy();
    for body in &BODIES {
        measure(&policy, body, 1024 * MB);
    }
}

/// Feeds a body, of which only one block ever is in memory.
fn measure(policy: &Arc<Policy>, body: &Long, total: usize) {
    let mut scratch = Scratch::default();
    let mut transaction = begin(policy, body, &mut scratch);
    let mut encoder = body.gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
    let block = body.again.repeat(64 * 1024 / body.again.len());
    let (mut sent, mut early) = (0, None);
    let mut feed = |bytes: &[u8], transaction: &mut Transaction| match &mut encoder {
        Some(encoder) => {
            encoder.write_all(bytes).unwrap();
            let coded = std::mem::take(encoder.get_mut());
            transaction.request_body(&coded, &mut scratch);
        }
        None => {
            transaction.request_body(bytes, &mut scratch);
        }
    };
    feed(body.start, &mut transaction);
    while sent < total {
        feed(&block, &mut transaction);
        sent += block.len();
        if sent >= 4 * MB && early.is_none() {
            early = Some(common::resident());
        }
    }
    let grown = common::resident().saturating_sub(early.unwrap());
    assert!(grown < GROWTH, "{}: {grown} bytes over {total}", body.name);
}

/// The same for a response, in block mode: a page that is streamed behind the verdict.
fn measure_response(policy: &Arc<Policy>, total: usize) {
    let mut scratch = Scratch::default();
    let plain = BODIES.iter().find(|body| body.name == "raw").unwrap();
    let mut transaction = begin(policy, plain, &mut scratch);
    transaction.request_end(&mut scratch);
    let html = (b"content-type".to_vec(), b"text/html".to_vec());
    let head = ResponseHead { status: 200, headers: vec![html] };
    assert!(transaction.response_head(&head, &mut scratch).is_none());
    assert!(transaction.reads_response_body());
    let block = b"<p>just words, and more of them. ".repeat(2_000);
    let (mut sent, mut early) = (0, None);
    while sent < total {
        let forward = transaction.response_body(&block, &mut scratch).forward;
        sent += block.len();
        // What may not go on yet has to be kept by whoever sends it.
        assert!(sent - usize::try_from(forward).unwrap() < MB, "{forward} of {sent}");
        if sent >= 4 * MB && early.is_none() {
            early = Some(common::resident());
        }
    }
    assert!(transaction.response_end(&mut scratch).is_none());
    let grown = common::resident().saturating_sub(early.unwrap());
    assert!(grown < GROWTH, "response: {grown} bytes over {total}");
}

fn begin(policy: &Arc<Policy>, body: &Long, scratch: &mut Scratch) -> Transaction {
    let mut head = post(body.name, body.content_type, b"x".as_slice()).head;
    if body.gzip {
        head.headers.push((b"Content-Encoding".to_vec(), b"gzip".to_vec()));
    }
    let mut transaction = Transaction::new(Arc::clone(policy));
    assert!(transaction.request_head(head, "127.0.0.1", &[], scratch).is_none());
    transaction
}

fn a_million_fields_score_like_one(policy: &Arc<Policy>) {
    let body = BODIES.iter().find(|body| body.name == "form fields").unwrap();
    let records = [1_000_usize, 1_024].map(|step| {
        let mut scratch = Scratch::default();
        let mut transaction = begin(policy, body, &mut scratch);
        let all = body.again.repeat(1_024_000);
        for piece in all.chunks(step * body.again.len()) {
            transaction.request_body(piece, &mut scratch);
        }
        transaction.request_end(&mut scratch);
        let mut record = transaction.record(&About {
            time: String::new(),
            request_id: "1",
            client_request_id: None,
            route: "default",
            client_ip: "127.0.0.1",
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
    });
    assert_eq!(records[0].score.inbound, 5);
    assert_eq!(records[0].matches[0].rule_id, "test-0");
    assert_eq!(records[0], records[1]);
}
