//! Bodies much larger than any buffer pass whole, inspected to their end, at constant memory.
//!
//! The sizes are of the content before compression. `PINPOINT_LARGE_BYTES` sets another. All at
//! a gigabyte: `cargo test --release -p waf-proxy --test proxy large -- --ignored --nocapture`.

use std::time::Instant;

use crate::harness::bodies::{Counter, Kind, upload};
use crate::harness::process::Process;

const MIB: u64 = 1 << 20;

/// What a large body may take more than a small one.
const GROWTH: u64 = 4 * MIB;

/// More than all buffers and tables together.
const SIZE: u64 = 64 * MIB;

/// Many times all buffers of a request, for what becomes so many fields that a megabyte takes a
/// second without optimisation.
const SLOW_SIZE: u64 = 4 * MIB;

/// What the environment says, or else this.
fn size_or(default: u64) -> u64 {
    std::env::var("PINPOINT_LARGE_BYTES").map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("PINPOINT_LARGE_BYTES is a number, not {text}"))
    })
}

/// Uploads twice a little, then much, and compares.
fn at_constant_memory(kind: Kind, size: u64) {
    let origin = Counter::start();
    let proxy = Process::start(origin.address);
    for count in 1..=2 {
        arrives(&origin, &proxy, kind, MIB, count);
    }
    let small = proxy.peak();
    let began = Instant::now();
    arrives(&origin, &proxy, kind, size, 3);
    let (seconds, large) = (began.elapsed().as_secs_f64(), proxy.peak());
    println!(
        "{kind:?}: {size} bytes in {seconds:.1} s, {:.1} MB/s; peak {} KiB, of 1 MiB {} KiB; after {} KiB",
        size as f64 / 1e6 / seconds,
        large / 1024,
        small / 1024,
        proxy.resident() / 1024
    );
    assert!(large <= small + GROWTH, "{kind:?}: {large} bytes, {small} for 1 MiB");
}

/// Every byte reaches the origin, and was seen.
fn arrives(origin: &Counter, proxy: &Process, kind: Kind, size: u64, count: usize) {
    let (sent, status) = upload(proxy.address, kind, size);
    assert_eq!(status, 200, "{kind:?}");
    assert_eq!(origin.received(), sent, "{kind:?}");
    let record = proxy.record(count);
    let coverage = &record["coverage"];
    assert_eq!(coverage["body_seen"], sent.bytes, "{kind:?}: {record}");
    assert!(coverage["stop"].is_null(), "{kind:?}: {record}");
}

#[test]
fn raw_bytes() {
    at_constant_memory(Kind::Raw, size_or(SLOW_SIZE));
}

#[test]
fn compressed_bytes() {
    at_constant_memory(Kind::Gzip, size_or(SLOW_SIZE));
}

#[test]
fn a_json_string() {
    at_constant_memory(Kind::JsonString, size_or(SIZE));
}

#[test]
fn json_numbers() {
    at_constant_memory(Kind::JsonNumbers, size_or(SLOW_SIZE));
}

#[test]
fn a_file_in_a_form() {
    at_constant_memory(Kind::MultipartFile, size_or(SIZE));
}

#[test]
fn a_field_of_a_form() {
    at_constant_memory(Kind::FormField, size_or(SIZE));
}

#[test]
#[ignore = "it takes minutes"]
fn a_gigabyte_of_each() {
    for kind in [
        Kind::Raw,
        Kind::Gzip,
        Kind::JsonString,
        Kind::JsonNumbers,
        Kind::MultipartFile,
        Kind::FormField,
    ] {
        at_constant_memory(kind, size_or(1_000_000_000));
    }
}
