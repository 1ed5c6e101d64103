//! Where a body is cut changes nothing: the same records, under and over the hold and the window,
//! in both modes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::sync::Arc;

use common::bodies;
use common::compare::Engines;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{Decision, DecisionRecord, Mode};
use waf_corpus::{Cut, Request};

const CUTS: [Cut; 6] = [
    Cut::Every(1),
    Cut::Every(7),
    Cut::Every(1_000),
    Cut::Random(1),
    Cut::Random(2),
    Cut::Random(3),
];

const HOLD: u64 = 2_048;
const WINDOW: usize = 1_024;

/// Small bounds, so that small bodies stream.
fn policy(mode: Mode) -> Arc<Policy> {
    let rules = common::builtin_rules();
    let mut settings = PolicySettings { mode, ..PolicySettings::default() };
    settings.limits.hold = HOLD;
    settings.limits.field_window = WINDOW;
    settings.limits.record_matches = rules.len();
    common::policy(rules, settings)
}

/// Values around the window and the hold, with an attack at their beginning, end, or on an edge.
fn long_requests() -> Vec<Request> {
    let attack = "1' union select 2,3-- <script>alert(1)</script>";
    let mut requests = Vec::new();
    for length in [WINDOW - 1, WINDOW, WINDOW + 1, HOLD as usize, 3 * HOLD as usize, 40_000] {
        let padding = "word ".repeat(length / 5 + 1);
        for at in [0, length / 2, length.saturating_sub(attack.len()), length] {
            let (before, after) = padding[..length].split_at(at.min(length));
            let value = format!("{before}{attack}{after}");
            requests.extend(bodies::of_every_type(&format!("{length} at {at}"), &value));
        }
        requests.extend(bodies::of_every_type(&format!("{length} plain"), &padding[..length]));
    }
    requests
}

fn small_requests() -> Vec<Request> {
    let folder = common::root().join("corpus/data");
    waf_corpus::read(&folder).map(Result::unwrap).filter(|r| !r.body.is_empty()).collect()
}

/// All but the time it took.
fn comparable(mut record: DecisionRecord) -> DecisionRecord {
    record.timing_us.inspect = 0;
    record
}

/// The lines in which two records differ.
fn difference(one: &DecisionRecord, other: &DecisionRecord) -> String {
    let text = |record: &DecisionRecord| {
        let mut record = record.clone();
        record.matches.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
        serde_json::to_string_pretty(&record).unwrap()
    };
    let (one, other) = (text(one), text(other));
    let pairs = one.lines().zip(other.lines()).filter(|(a, b)| a != b);
    pairs.take(20).map(|(a, b)| format!("{a}   whole: {b}\n")).collect()
}

fn same_at_every_cut(mode: Mode, requests: &[Request], cuts: &[Cut]) -> usize {
    let mut engines = Engines::new(&policy(mode));
    let mut early = 0;
    for request in requests {
        let whole = comparable(engines.record(request, Cut::Whole));
        let offset = whole.verdict_offset.unwrap_or(0);
        early += usize::from(offset > HOLD && offset < request.body.len() as u64);
        for &cut in cuts {
            let record = comparable(engines.record(request, cut));
            let id = &request.id;
            assert!(record == whole, "{id} {mode:?} {cut:?}\n{}", difference(&record, &whole));
        }
    }
    early
}

#[test]
fn small_bodies_in_block_mode() {
    same_at_every_cut(Mode::Block, &small_requests(), &CUTS);
}

#[test]
fn small_bodies_in_detect_mode() {
    same_at_every_cut(Mode::Detect, &small_requests(), &CUTS);
}

#[test]
fn long_bodies_in_block_mode() {
    let early = same_at_every_cut(Mode::Block, &long_requests(), &CUTS);
    assert!(early >= 10, "only {early} verdicts between the hold and the end");
}

#[test]
fn long_bodies_in_detect_mode() {
    same_at_every_cut(Mode::Detect, &long_requests(), &CUTS);
}

/// Detection-only differs in one thing: the request goes on.
#[test]
fn modes_agree_up_to_the_verdict() {
    let (mut block, mut detect) =
        (Engines::new(&policy(Mode::Block)), Engines::new(&policy(Mode::Detect)));
    for request in small_requests().iter().chain(&long_requests()) {
        let (block, detect) =
            (block.record(request, Cut::Random(4)), detect.record(request, Cut::Random(5)));
        let id = &request.id;
        assert_eq!(block.verdict_offset, detect.verdict_offset, "{id}");
        assert_eq!(block.score, detect.score, "{id}");
        let mut of_detect = detect.matches;
        of_detect.retain(|known| !known.after_verdict);
        assert_eq!(block.matches, of_detect, "{id}");
        let refused = block.decision == Decision::Block;
        assert_eq!(refused, detect.decision != Decision::Pass, "{id}");
    }
}

/// What streams is found like what is kept whole, but for what the record names as inexact.
#[test]
fn streams_agree_with_the_reference() {
    let mut engines = Engines::new(&policy(Mode::Detect));
    let mut differences = Vec::new();
    for request in small_requests().iter().chain(&long_requests()) {
        let judged = engines.judge(request);
        differences.extend(engines.differences(request, &judged, Cut::Random(6)));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
