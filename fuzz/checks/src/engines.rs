//! The engine against the reference engine.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use waf_core::limits::Limits;
use waf_core::record::Mode;
use waf_corpus::reference::Reference;
use waf_corpus::{Request, Runner};

use crate::{cuts, engine};

/// `data` as a raw HTTP/1.1 request: both engines find the same rules, the same score and the same
/// verdict, however the body comes. Limits are the default ones, within which both are exact.
pub fn check(data: &[u8]) {
    let request = Request::from_raw(data, &Limits::default());
    ENGINES.with_borrow_mut(|engines| {
        for (reference, runner) in engines {
            assert_agree(reference, runner, &request);
        }
    });
}

thread_local! {
    static ENGINES: RefCell<Vec<(Reference, Runner)>> = RefCell::new(engines());
}

fn engines() -> Vec<(Reference, Runner)> {
    let policies = engine::policies([Mode::Block, Mode::Detect], &Limits::default());
    let both = |policy| (Reference::new(Arc::clone(&policy)), engine::runner(policy));
    policies.into_iter().map(both).collect()
}

fn assert_agree(reference: &Reference, runner: &mut Runner, request: &Request) {
    let slow = reference.judge(request);
    let expected: BTreeSet<_> =
        slow.matches.iter().map(|m| (m.id.as_str(), m.counted, m.after_verdict)).collect();
    for cut in cuts::others(&request.body) {
        let record = runner.run(request, cut);
        assert_eq!(record.coverage.inexact, []);
        let found: BTreeSet<_> = record
            .matches
            .iter()
            .map(|m| (m.rule_id.as_str(), m.counted, m.after_verdict))
            .collect();
        assert_eq!(found, expected, "left: the engine, {cut:?}, right: the reference");
        assert_eq!((record.score.inbound, record.decision), (slow.score, slow.decision));
    }
}
