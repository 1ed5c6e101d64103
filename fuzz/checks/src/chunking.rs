//! A whole request through the engine.

use std::cell::RefCell;

use waf_core::record::{Decision, DecisionRecord, Mode};
use waf_corpus::{Cut, Request, Runner};

use crate::{cuts, engine, limits};

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
    static RUNNERS: RefCell<[Runner; 2]> = {
        let modes = [Mode::Block, Mode::Detect];
        RefCell::new(engine::policies(modes, &limits::small()).map(engine::runner))
    };
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
