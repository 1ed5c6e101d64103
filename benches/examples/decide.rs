//! What SecLang rules cost once a request is scanned, in instructions, under callgrind: a clean GET
//! of a browser (`get`), a form of 1 KB (`form`), 10 KB of JSON with 500 values (`json`). The files
//! of a rule set are named in the order in which they are loaded.
//!
//!     cargo build --release -p pinpoint-benches --example decide
//!     valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*run_phase*' \
//!         target/release/examples/decide get crs-setup.conf rules/*.conf
//!
//! Every request is run [`RUNS`] times; what callgrind counts is divided by that. With `time` before
//! the files it is run by turns with the rules' engine on and off, and told by how much the best of
//! many runs differ: what the rules took of the clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use waf_core::compile::compile;
use waf_core::policy::PolicySettings;
use waf_core::record::{Decision, Masking, MaskingSettings};
use waf_core::rule::Engine;
use waf_core::seclang::{Files, load};
use waf_corpus::{Cut, Request, Runner};

/// As many as make the first, which is cold, count for little.
const RUNS: usize = 1_000;

const HEADERS: &str = "Host: shop.example\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Cookie: session=0123456789abcdef; theme=dark\r\n\
    Connection: keep-alive\r\n";

/// A request without a body.
fn get() -> String {
    format!("GET /shop/items?page=2&sort=price HTTP/1.1\r\n{HEADERS}\r\n")
}

/// What a customer writes: 1 KB in ten fields.
fn form() -> String {
    let text = "The+chair+came+on+Friday.+One+leg+is+shorter+than+the+others%2C+please+help%21";
    let fields = ["name", "street", "town", "subject", "order", "text", "more", "when", "how"];
    let of = |name| format!("{name}={text}&");
    let body: String =
        fields.into_iter().map(of).chain(["page=2".to_owned(), "&x=".to_owned() + text]).collect();
    post("application/x-www-form-urlencoded", &body)
}

/// A list of a hundred things with five values each: 10 KB.
fn json() -> String {
    let thing = |number| {
        format!(
            "{{\"id\":{number},\"name\":\"oak chair\",\"price\":\"129.90\",\"size\":\"large\",\
             \"color\":\"light brown\"}}"
        )
    };
    let things: Vec<String> = (1000..1100).map(thing).collect();
    post("application/json", &format!("{{\"things\":[{}]}}", things.join(",\n")))
}

fn post(kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /shop/items HTTP/1.1\r\n{HEADERS}Content-Type: {kind}\r\nContent-Length: {length}\r\n\
         \r\n{body}"
    )
}

/// Files as they are named.
struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| error.to_string())
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(vec![pattern.to_owned()])
    }
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let raw = match arguments.next().as_deref().and_then(|kind| kind.to_str()) {
        Some("get") => get(),
        Some("form") => form(),
        Some("json") => json(),
        _ => {
            eprintln!("usage: decide get|form|json [time] FILE...");
            return;
        }
    };
    let mut files: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let is_timed = files.first().is_some_and(|first| first.as_os_str() == "time");
    files.drain(..usize::from(is_timed));
    let loaded = load(&Disk, &files).expect("the rules load");
    let on = PolicySettings { program: loaded.settings, ..PolicySettings::default() };
    let mut off = on.clone();
    off.program.engine = Engine::Off;
    let compiled = compile(loaded.rules, vec![on, off]).expect("the rules compile");
    let limits = &compiled.policies[0].settings().limits;
    let request = Request::from_raw(raw.as_bytes(), limits);
    let mut runners: Vec<Runner> = compiled
        .policies
        .iter()
        .map(|policy| {
            let masking = Masking::new(&MaskingSettings::default());
            Runner::new(Arc::clone(policy), masking.expect("the default masking is fine"))
        })
        .collect();
    let mut run = |which: usize| {
        let begun = Instant::now();
        let record = runners[which].run(&request, Cut::Whole);
        let took = begun.elapsed();
        assert_eq!(record.decision, Decision::Pass, "{:?}", record.matches);
        took
    };
    if !is_timed {
        (0..RUNS).for_each(|_| _ = run(0));
        println!("{RUNS} runs, {} bytes", raw.len());
        return;
    }
    let mut best = [Duration::MAX; 2];
    for _ in 0..RUNS * 100 {
        for (which, best) in best.iter_mut().enumerate() {
            *best = run(which).min(*best);
        }
    }
    let [on, off] = best;
    println!("{on:?} with the rules, {off:?} without: they take {:?}", on.saturating_sub(off));
}
