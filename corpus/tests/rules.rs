//! Every built-in rule against its own examples, with all the others loaded beside it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use waf_core::compile::compile;
use waf_corpus::examples;

#[test]
fn every_example_says_what_its_rule_does() {
    let rules = common::builtin_rules();
    let settings = examples::settings(&rules);
    let compiled = compile(rules, vec![settings]).unwrap_or_else(|r| panic!("{r:#?}"));
    let policy = &compiled.policies[0];
    let failures: Vec<String> =
        policy.ruleset().rules().flat_map(|rule| examples::failures(policy, rule)).collect();
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
}
