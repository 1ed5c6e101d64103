//! What one request costs, as numbers that do not depend on how busy the machine is: allocations,
//! and under callgrind instructions.
//!
//!     cargo run --release -p pinpoint-benches --example cost
//!     valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*measured*' \
//!         --dump-after='*measured*' target/release/examples/cost once
//!
//! With `once` nothing is timed; callgrind writes a file for each request, in order.

use std::alloc::System;
use std::time::Instant;

use pinpoint_benches::{PIECE, inputs, rules};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use waf_core::policy::PolicySettings;
use waf_corpus::{Cut, Request, Runner};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Runs before the one that counts: tables and buffers are then as large as they get.
const WARM: usize = 3;

fn main() {
    let once = std::env::args().any(|argument| argument == "once");
    let begun = Instant::now();
    let mut runner = rules::runner(PolicySettings::default());
    println!("rules loaded in {:.3} s", begun.elapsed().as_secs_f64());
    println!("{:<16} {:>12} {:>12} {:>10}", "request", "allocations", "bytes", "best us");
    for (name, request) in inputs::requests() {
        (0..WARM).for_each(|_| run(&mut runner, &request));
        let region = Region::new(ALLOCATOR);
        measured(&mut runner, &request);
        let change = region.change();
        let runs = if once { 0 } else { 20 };
        let best = (0..runs).map(|_| time(&mut runner, &request)).fold(f64::MAX, f64::min);
        let (count, bytes) = (change.allocations + change.reallocations, change.bytes_allocated);
        println!("{name:<16} {count:>12} {bytes:>12} {best:>10.1}");
    }
}

/// The one run that callgrind collects.
#[inline(never)]
fn measured(runner: &mut Runner, request: &Request) {
    run(runner, request);
}

fn time(runner: &mut Runner, request: &Request) -> f64 {
    let begun = Instant::now();
    run(runner, request);
    begun.elapsed().as_secs_f64() * 1e6
}

fn run(runner: &mut Runner, request: &Request) {
    runner.run(request, Cut::Every(PIECE));
}
