//! What one request costs, as numbers that do not depend on how busy the machine is: allocations,
//! and under callgrind instructions.
//!
//! ```sh
//! cargo run --release -p pinpoint-benches --bin cost                    # allocations, times
//! cargo run --release -p pinpoint-benches --bin cost -- gate            # instructions, compared
//! cargo run --release -p pinpoint-benches --bin cost -- gate --update   # … and kept
//! ```
//!
//! With `once` nothing is timed: it is what callgrind runs.

use std::alloc::System;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use pinpoint_benches::crs::Crs;
use pinpoint_benches::engine::detecting;
use pinpoint_benches::instructions::{self, Kept};
use pinpoint_benches::{PIECE, inputs, rules, workload};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use waf_core::policy::PolicySettings;
use waf_core::record::Masking;
use waf_corpus::{Cut, Request, Runner};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Runs before the one that counts: tables and buffers are then as large as they get.
const WARM: usize = 3;

/// Requests of a kind, of which the last one has values that were not seen before.
const NEW_AFTER: usize = 40;

/// Where counts are kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.tsv");

/// Debian's Core Rule Set, of version 3: what every machine can install.
const DEBIAN: &str = "/usr/share/modsecurity-crs";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        [] => allocations(),
        ["once"] => once(),
        ["gate"] => gate(false),
        ["gate", "--update"] => gate(true),
        _ => Err("usage: cost [once | gate [--update]]".to_owned()),
    };
    match result {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

/// A rule set, and the requests that it gets.
fn cases() -> Result<Vec<(String, Runner)>, String> {
    let mut cases = vec![("builtin".to_owned(), rules::runner(PolicySettings::default()))];
    if Path::new(DEBIAN).is_dir() {
        // Its rules see `union … select` in our prose: a block would end the work early.
        let policy = Crs::new(Path::new(DEBIAN))?.policy(1, detecting())?;
        // Another release of the package is another case.
        let hash = policy.ruleset().hash().trim_start_matches("sha256:")[..8].to_owned();
        cases.push((format!("CRS 3 ({hash})"), Runner::new(policy, Masking::default())));
    }
    Ok(cases)
}

fn allocations() -> Result<ExitCode, String> {
    println!("{:<36} {:>12} {:>12} {:>10}", "request", "allocations", "bytes", "best us");
    for (rules, mut runner) in cases()? {
        for (name, request) in inputs::requests() {
            (0..WARM).for_each(|_| run(&mut runner, &request));
            let region = Region::new(ALLOCATOR);
            run(&mut runner, &request);
            let change = region.change();
            let best = (0..20).map(|_| time(&mut runner, &request)).fold(f64::MAX, f64::min);
            let count = change.allocations + change.reallocations;
            let name = format!("{rules} {name}");
            println!("{name:<36} {count:>12} {:>12} {best:>10.1}", change.bytes_allocated);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A request whose instructions are counted.
struct Counted {
    name: &'static str,
    /// What comes before it: tables and buffers grow as large as they get.
    before: Vec<Request>,
    request: Request,
}

impl Counted {
    fn before(&self) -> impl Iterator<Item = (&'static str, &Request)> {
        self.before.iter().map(|request| (self.name, request))
    }
}

/// Requests that are known, and some whose values were never seen.
fn counted() -> Vec<Counted> {
    let again = |(name, request): (&'static str, Request)| {
        let before = vec![request.clone(); WARM + 1];
        Counted { name, before, request }
    };
    let mut counted: Vec<Counted> = inputs::counted().into_iter().map(again).collect();
    for workload in workload::all() {
        let name = match workload.name {
            "form 1 KB" => "form 1 KB, new values",
            "JSON 10 KB" => "json 10 KB, new values",
            _ => continue,
        };
        let mut before = workload.requests;
        before.truncate(NEW_AFTER);
        counted.extend(before.pop().map(|request| Counted { name, before, request }));
    }
    counted
}

fn once() -> Result<ExitCode, String> {
    println!("features {}", features());
    let mut cases = cases()?;
    let counted = counted();
    for (rules, runner) in &mut cases {
        for (name, request) in counted.iter().flat_map(Counted::before) {
            let coverage = runner.run(request, Cut::Every(PIECE)).coverage;
            if coverage.stop.is_some() || coverage.body_seen != request.body.len() as u64 {
                return Err(format!("{rules} {name} is not inspected to its end: {coverage:?}"));
            }
        }
    }
    instructions::begin()?;
    for (rules, runner) in &mut cases {
        for Counted { name, request, .. } in &counted {
            println!("{rules} {name}");
            measured(runner, request);
            instructions::dump()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn gate(update: bool) -> Result<ExitCode, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let kept = Path::new(KEPT);
    if update {
        let (features, counts) = instructions::count(&program)?;
        let key = instructions::key(&features);
        let kept_now = Kept::read(kept)?.with(&key, &counts);
        kept_now.write(kept).map_err(|error| error.to_string())?;
        println!("{} counts kept for\n  {key}", counts.len());
        return Ok(ExitCode::SUCCESS);
    }
    let verdict = instructions::gate(&program, kept)?;
    println!("{}", verdict.table.markdown());
    verdict.notes.iter().for_each(|note| println!("{note}"));
    if !verdict.grown {
        return Ok(ExitCode::SUCCESS);
    }
    println!("a request became more than 3 % dearer; if that is meant: cost gate --update");
    Ok(ExitCode::FAILURE)
}

/// The features of the processor by which libraries choose their code.
#[cfg(target_arch = "x86_64")]
fn features() -> String {
    macro_rules! seen {
        ($($name:tt),*) => {
            [$(($name, std::arch::is_x86_feature_detected!($name))),*]
        };
    }
    let all = seen!(
        "ssse3", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "bmi1", "bmi2", "sha", "avx512f"
    );
    let names = all.iter().filter(|(_, seen)| *seen).map(|(name, _)| *name);
    names.collect::<Vec<_>>().join(",")
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> String {
    "unknown".to_owned()
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
