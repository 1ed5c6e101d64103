//! SecLang rule sets: the engine against the reference engine, which runs rule after rule over value
//! after value. The same rules with the same messages, the same scores, the same decision, at every
//! paranoia level and however the body is cut.
//!
//! The rule sets are those of this machine ([`common::crs`]); the requests those of the repository
//! and a sample of the development corpora, where they are at hand.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::path::PathBuf;

use common::crs::Crs;
use waf_core::policy::PolicySettings;
use waf_core::record::{Decision, DecisionRecord};
use waf_corpus::reference::{Outcome, Reference, Told};
use waf_corpus::{Cut, Request};

/// Differences told before a test gives up.
const TOLD: usize = 20;

#[test]
fn small_corpus() {
    for crs in Crs::all() {
        let requests = || {
            let folder = common::root().join("corpus/data");
            waf_corpus::read(&folder).map(Result::unwrap)
        };
        for level in [1, 4] {
            let tally = compare(&crs, level, requests());
            assert!(tally.requests > 60 && tally.told > 60, "{} {level}: {tally:?}", crs.name);
        }
    }
}

#[test]
fn development_corpora_sample() {
    development(400);
}

#[test]
#[ignore = "takes an hour"]
fn development_corpora() {
    let step = std::env::var("STEP").map_or(1, |step| step.parse().unwrap());
    development(step);
}

/// Every so many-th request of each corpus; nothing where there are none.
fn development(step: usize) {
    let folder = std::env::var_os("PINPOINT_CORPORA")
        .map_or_else(|| common::root().join("../shared/corpora"), PathBuf::from);
    for crs in Crs::all() {
        for level in 1..=4 {
            for name in ["dev-attack.jsonl.gz", "dev-benign.jsonl.gz"] {
                let file = folder.join(name);
                if file.exists() {
                    let requests = waf_corpus::read(&file).map(Result::unwrap).step_by(step);
                    let tally = compare(&crs, level, requests);
                    eprintln!("{} level {level} {name}: {tally:?}", crs.name);
                    assert!(tally.told > 0, "{name}");
                }
            }
        }
    }
}

/// What was compared.
#[derive(Debug, Default)]
struct Tally {
    requests: usize,
    blocked: usize,
    /// Matches of rules.
    told: usize,
    /// Requests with a value that was not exact, of which only the decision is compared.
    inexact: usize,
}

/// Compares the engines over requests, each whole and in random pieces; no difference is left.
fn compare(crs: &Crs, level: u8, requests: impl Iterator<Item = Request>) -> Tally {
    let mut settings = PolicySettings::default();
    settings.limits.record_matches = 1_000;
    let policy = crs.policy(level, "", settings);
    let mut runner = common::runner(&policy);
    let reference = Reference::new(policy);
    let mut tally = Tally::default();
    let mut differences = Vec::new();
    for request in requests {
        let judged = reference.judge(&request);
        tally.requests += 1;
        tally.told += judged.told.len();
        tally.blocked += usize::from(judged.decision == Decision::Block);
        for cut in [Cut::Whole, Cut::Random(tally.requests as u64)] {
            if cut != Cut::Whole && request.body.is_empty() {
                continue;
            }
            let record = runner.run(&request, cut);
            tally.inexact += usize::from(!record.coverage.inexact.is_empty());
            let found = differ(&record, &judged);
            let told = |what| format!("{} level {level} {} {cut:?}: {what}", crs.name, request.id);
            differences.extend(found.into_iter().map(told));
        }
        assert!(differences.len() < TOLD, "{}", differences.join("\n"));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    tally
}

/// How a record differs from what it should be.
fn differ(record: &DecisionRecord, judged: &Outcome) -> Vec<String> {
    let mut differences = Vec::new();
    if record.decision != judged.decision {
        differences.push(format!("{:?} and not {:?}", record.decision, judged.decision));
    }
    if !record.coverage.inexact.is_empty() {
        return differences;
    }
    let ours = told(record);
    let mut theirs = judged.told.clone();
    theirs.sort();
    for told in ours.iter().filter(|told| !theirs.contains(told)) {
        differences.push(format!("only the engine tells {told:?}"));
    }
    for told in theirs.iter().filter(|told| !ours.contains(told)) {
        differences.push(format!("only the reference tells {told:?}"));
    }
    if differences.is_empty() && ours.len() != theirs.len() {
        differences.push(format!("{} matches and not {}", ours.len(), theirs.len()));
    }
    let held = (i64::from(record.score.inbound), i64::from(record.score.inbound_threshold));
    // A finding that blocks has a score of its own.
    if judged.matches.is_empty() && judged.held.is_some_and(|judged| judged != held) {
        differences.push(format!("score {held:?} and not {:?}", judged.held));
    }
    if let Some(status) = judged.status
        && record.decision == Decision::Block
        && record.status != Some(status)
    {
        differences.push(format!("status {:?} and not {status}", record.status));
    }
    differences
}

/// The SecLang rules of a record, in an order that both have.
fn told(record: &DecisionRecord) -> Vec<Told> {
    let of = |bookkeeping: bool| {
        let list = if bookkeeping { &record.bookkeeping } else { &record.matches };
        list.iter().map(move |known| Told {
            id: known.rule_id.clone(),
            message: known.message.clone(),
            data: known.data.clone(),
            bookkeeping,
            after_verdict: known.after_verdict,
            score: i64::from(known.score),
        })
    };
    let mut told: Vec<Told> = of(false).chain(of(true)).collect();
    told.sort();
    told
}
