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

/// Differences told before a test gives up.
const TOLD: usize = 20;

#[test]
fn small_corpus() {
    let folder = common::root().join("corpus/data");
    for policy in policies() {
        let requests = waf_corpus::read(&folder).map(Result::unwrap);
        let cuts = |_| vec![Cut::Whole, Cut::Every(1), Cut::Random(7)];
        let (requests, matches) = compare(&policy, requests, cuts);
        assert!(requests > 60 && matches > 60, "{requests} requests, {matches} matches");
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
            let requests = waf_corpus::read(&file).map(Result::unwrap).step_by(step);
            let bytes = [Cut::Every(1), Cut::Random(7)];
            let (_, matches) = compare(policy, requests, |n| vec![Cut::Whole, bytes[n % 2]]);
            assert!(matches > 0, "{name}");
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

/// Numbers of requests and of matches in them, all without a difference.
fn compare(
    policy: &Arc<Policy>,
    requests: impl Iterator<Item = Request>,
    cuts: impl Fn(usize) -> Vec<Cut>,
) -> (usize, usize) {
    let mut engines = Engines::new(policy);
    let (mut count, mut matches) = (0, 0);
    let mut differences = Vec::new();
    for request in requests {
        let judged = engines.judge(&request);
        let cuts = if request.body.is_empty() { vec![Cut::Whole] } else { cuts(count) };
        for cut in cuts {
            differences.extend(engines.differences(&request, &judged, cut));
        }
        count += 1;
        matches += judged.matches.len();
        assert!(differences.len() < TOLD, "{}", differences.join("\n"));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    (count, matches)
}
