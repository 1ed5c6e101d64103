//! A whole request through the engine.

use std::cell::RefCell;
use std::path::Path;

use waf_core::compile::compile;
use waf_core::policy::PolicySettings;
use waf_core::record::{Decision, DecisionRecord, Masking, MaskingSettings, Mode};
use waf_core::source::Source;
use waf_core::yaml::{RuleContext, RuleSource, read_file, rules};
use waf_corpus::{Cut, Request, Runner};

use crate::{cuts, limits};

/// `data` as a raw HTTP/1.1 request, under limits that it reaches: its record is the same however
/// the body comes, and detection-only mode decides as blocking does.
pub fn check(data: &[u8]) {
    let request = Request::from_raw(data, &limits::small());
    RUNNERS.with_borrow_mut(|[block, detect]| {
        let blocked = same_record(block, &request);
        let detected = same_record(detect, &request);
        assert_same_decision(&blocked, &detected);
    });
}

thread_local! {
    static RUNNERS: RefCell<[Runner; 2]> = RefCell::new(runners());
}

fn same_record(runner: &mut Runner, request: &Request) -> DecisionRecord {
    let mut record = |cut| {
        let mut record = runner.run(request, cut);
        record.timing_us.inspect = 0;
        record
    };
    let whole = record(Cut::Whole);
    for cut in cuts::others(&request.body) {
        assert_eq!(record(cut), whole, "left: {cut:?}, right: whole");
    }
    whole
}

/// Up to the verdict both modes see the same; what cannot be forwarded is refused in both.
fn assert_same_decision(block: &DecisionRecord, detect: &DecisionRecord) {
    let told = |record: &DecisionRecord| record.decision != Decision::Pass;
    assert_eq!(told(block), told(detect), "{:?} {:?}", block.decision, detect.decision);
    assert_eq!(block.verdict_offset, detect.verdict_offset);
    let ids = |record: &DecisionRecord| {
        let before = record.matches.iter().filter(|found| !found.after_verdict);
        before.map(|found| (found.rule_id.clone(), found.target.clone())).collect::<Vec<_>>()
    };
    assert_eq!(ids(block), ids(detect));
}

fn runners() -> [Runner; 2] {
    let rules = rules(&sources(), &RuleContext::default()).expect("the rules are fine");
    let settings = [Mode::Block, Mode::Detect].map(|mode| PolicySettings {
        mode,
        limits: limits::small(),
        ..PolicySettings::default()
    });
    let compiled = compile(rules, settings.to_vec()).expect("the rules compile");
    let shown = MaskingSettings { query_values: false, ..MaskingSettings::default() };
    let runner = |number: usize| {
        let masking = Masking::new(&shown).expect("the default masking is fine");
        Runner::new(compiled.policies[number].clone(), masking)
    };
    [runner(0), runner(1)]
}

/// A few rules of each kind, and ours about findings.
fn sources() -> Vec<RuleSource> {
    let embedded = RULES.iter().map(|(name, text)| RuleSource {
        source: Source::new(format!("rules/fuzz/{name}.yaml"), *text),
        class: "fuzz".to_owned(),
        builtin: false,
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/protocol");
    let files = std::fs::read_dir(&folder).expect("the folder of findings");
    let findings = files.map(|file| RuleSource {
        source: read_file(&file.expect("a file").path()).expect("a rule file"),
        class: "protocol".to_owned(),
        builtin: true,
    });
    embedded.chain(findings).collect()
}

macro_rules! embedded {
    ($( $name:literal ),* $(,)?) => {
        &[$( ($name, include_str!(concat!("../rules/", $name, ".yaml"))) ),*]
    };
}

const RULES: &[(&str, &str)] = embedded![
    "anchored",
    "boundary",
    "decoded",
    "long",
    "negated",
    "path",
    "phrases",
    "raw",
    "same-value",
    "sqli",
    "upload",
];
