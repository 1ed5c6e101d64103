//! The engine against the reference engine: the same rules, scores, fields and bytes, however the
//! body is cut.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use common::compare::Engines;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::Mode;
use waf_corpus::{Cut, Request};

const CUTS: [Cut; 3] = [Cut::Whole, Cut::Every(1), Cut::Random(7)];

/// Differences told before a test gives up.
const TOLD: usize = 20;

#[test]
fn small_corpus() {
    let folder = common::root().join("corpus/data");
    for policy in policies() {
        let requests = waf_corpus::read(&folder).map(Result::unwrap);
        assert!(compare(&policy, requests) >= 50);
    }
}

#[test]
fn development_corpora_sample() {
    development(20);
}

#[test]
#[ignore = "takes minutes"]
fn development_corpora() {
    development(1);
}

/// Every so many-th request of each corpus; nothing where there are none.
fn development(step: usize) {
    let folder = std::env::var_os("PINPOINT_CORPORA")
        .map_or_else(|| common::root().join("../shared/corpora"), PathBuf::from);
    let policy = &policies()[1];
    for name in ["dev-attack.jsonl.gz", "dev-benign.jsonl.gz"] {
        let file = folder.join(name);
        if file.exists() {
            compare(policy, waf_corpus::read(&file).map(Result::unwrap).step_by(step));
        }
    }
}

/// As in production, and with everything looked for and nothing ending the look.
fn policies() -> [Arc<Policy>; 2] {
    let rules = common::builtin_rules();
    let mut blocking = PolicySettings::default();
    blocking.limits.record_matches = rules.len();
    let mut looking = waf_corpus::examples::settings(&rules);
    looking.mode = Mode::Detect;
    [common::policy(rules.clone(), blocking), common::policy(rules, looking)]
}

fn compare(policy: &Arc<Policy>, requests: impl Iterator<Item = Request>) -> usize {
    let mut engines = Engines::new(policy);
    let mut differences = Vec::new();
    let mut count = 0;
    for request in requests {
        count += 1;
        let judged = engines.judge(&request);
        let cuts = if request.body.is_empty() { &CUTS[..1] } else { &CUTS };
        for &cut in cuts {
            differences.extend(engines.differences(&request, &judged, cut));
        }
        assert!(differences.len() < TOLD, "{}", differences.join("\n"));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    count
}
