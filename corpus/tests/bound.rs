//! A request never takes more memory than `pinpoint check` says. One test, so that nothing else runs
//! in the process while it measures.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::io::Write;
use std::sync::Arc;

use common::bodies::{FORM, JSON, MULTIPART, PLAIN, XML, post};
use flate2::Compression;
use flate2::write::GzEncoder;
use waf_core::Scratch;
use waf_core::parse::response::ResponseHead;
use waf_core::policy::{Policy, PolicySettings, ResponseBody};
use waf_core::record::Mode;
use waf_core::transaction::Transaction;

/// Requests of each kind at the same time: what an allocator rounds up to is small beside them.
const MANY: usize = 24;

/// What an allocator and the kernel may add to each: pages that are begun.
const ROUNDING: usize = 32 * 1024;

#[test]
fn no_request_takes_more_than_is_told() {
    let mut settings = PolicySettings { mode: Mode::Detect, ..PolicySettings::default() };
    settings.response.body = ResponseBody::Detect;
    let policy = common::policy(common::builtin_rules(), settings);
    let bound = policy.memory_bound();
    let mut kept = Vec::new();
    let mut worst = 0;
    for (name, kind, coding, body) in requests() {
        // The tables of the automata and the working memory of the thread are not the request's.
        drop(begun(&policy, kind, coding, &body));
        let many = if coding == "br" { MANY / 6 } else { MANY };
        let before = common::resident();
        kept.extend((0..many).map(|_| begun(&policy, kind, coding, &body)));
        let each = common::resident().saturating_sub(before) / many;
        let most = bound + if coding == "br" { policy.brotli_bound() } else { 0 };
        println!("{name}: {} KiB, {} KiB at most", each / 1024, most / 1024);
        assert!(each <= most + ROUNDING, "{name}: {each} bytes, {most} at most");
        worst = worst.max(if coding == "br" { 0 } else { each });
    }
    assert!(bound < 6 * worst, "{bound} bytes are told, and {worst} were taken at most");
}

/// A request whose body has not ended, and its response.
fn begun(policy: &Arc<Policy>, kind: &str, coding: &str, body: &[u8]) -> Transaction {
    let mut scratch = Scratch::default();
    let mut head = post("bound", kind, b"".as_slice()).head;
    head.headers.push((b"content-encoding".to_vec(), coding.into()));
    for number in 0..80 {
        let name = format!("x-{number}");
        head.headers.push((name.into_bytes(), vec![b'v'; 700]));
    }
    let mut transaction = Transaction::new(Arc::clone(policy));
    assert!(transaction.request_head(head, "127.0.0.1", &[], &mut scratch).is_none());
    for piece in body.chunks(10_000) {
        transaction.request_body(piece, &mut scratch);
    }
    let html = (b"content-type".to_vec(), b"text/html".to_vec());
    transaction.response_head(&ResponseHead { status: 200, headers: vec![html] }, &mut scratch);
    for piece in b"a page, ".repeat(20_000).chunks(10_000) {
        transaction.response_body(piece, &mut scratch);
    }
    transaction
}

/// What fills tables and windows: name, type, coding, body.
fn requests() -> Vec<(&'static str, &'static str, &'static str, Vec<u8>)> {
    let escaped = [b"{\"a\":\"x=".to_vec(), b"%61\\u0061".repeat(45_000)].concat();
    let keys: String = (0..6_000).map(|number| format!("\"key{number}\":{{\"a\":1}},")).collect();
    let deep: String = (0..60).map(|number| format!("{{\"{number}{}\":", "d".repeat(10))).collect();
    let file = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n";
    let file = [file.as_bytes(), &b"x: y\r\n".repeat(1_000), b"\r\n"].concat();
    let text = b"just words and more of them. ".repeat(14_000);
    let attacks = attacks().into_iter().flat_map(|text| {
        let escaped = text.bytes().flat_map(|byte| format!("%{byte:02x}").into_bytes());
        b"a=".iter().copied().chain(escaped).chain(*b"&").collect::<Vec<u8>>()
    });
    let coded = [b"{\"a\":\"".to_vec(), text.clone()].concat();
    vec![
        ("a body of unknown type", PLAIN, "identity", escaped),
        (
            "a long JSON string",
            JSON,
            "identity",
            [b"{\"a\":\"".to_vec(), b"\\u0061".repeat(70_000)].concat(),
        ),
        ("many JSON keys", JSON, "identity", format!("{deep}{{{keys}").into_bytes()),
        ("a long XML text", XML, "identity", [b"<a>".to_vec(), b"&#97;".repeat(70_000)].concat()),
        ("a file", MULTIPART, "identity", [file, text.clone()].concat()),
        (
            "a long field of a form",
            FORM,
            "identity",
            [b"a=".to_vec(), b"%61".repeat(150_000)].concat(),
        ),
        ("every attack", FORM, "identity", attacks.collect()),
        ("gzip", JSON, "gzip", gzip(&coded)),
        (
            "brotli",
            JSON,
            "br",
            brotli(&b"{\"a\":\"".iter().copied().chain(random()).collect::<Vec<_>>()),
        ),
    ]
}

/// The examples of the built-in rules.
fn attacks() -> Vec<String> {
    let rules = common::builtin_rules();
    let examples = rules.iter().flat_map(|rule| &rule.attacks);
    examples.filter_map(|example| example.value.as_str().map(str::to_owned)).collect()
}

/// Text that fills the window of a coder.
fn random() -> impl Iterator<Item = u8> {
    let mut state = 1_u64;
    (0..6 << 20).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b"abcdefgh"[(state % 8) as usize]
    })
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn brotli(text: &[u8]) -> Vec<u8> {
    let params = brotli::enc::BrotliEncoderParams { quality: 2, lgwin: 22, ..Default::default() };
    let mut output = Vec::new();
    brotli::BrotliCompress(&mut &text[..], &mut output, &params).unwrap();
    output
}
