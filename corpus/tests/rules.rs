//! Every built-in rule against its own examples, with all the others loaded beside it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::sync::Arc;

use waf_core::policy::Policy;
use waf_corpus::examples;

/// Every built-in rule, whatever its level or mode.
fn policy() -> Arc<Policy> {
    let rules = common::builtin_rules();
    let settings = examples::settings(&rules);
    common::policy(rules, settings)
}

/// Ways to write each attack example otherwise.
const MUTATIONS: usize = 3;

#[test]
fn attack_examples_match_however_they_are_written() {
    let policy = policy();
    let rules = policy.ruleset().rules();
    let failures: Vec<String> =
        rules.flat_map(|rule| examples::mutation_failures(&policy, rule, MUTATIONS)).collect();
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_example_says_what_its_rule_does() {
    let policy = policy();
    let rules = policy.ruleset().rules();
    let failures: Vec<String> = rules.flat_map(|rule| examples::failures(&policy, rule)).collect();
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn no_example_stands_in_two_rules() {
    let mut known = std::collections::HashMap::new();
    let mut shared = Vec::new();
    let rules = common::builtin_rules();
    for rule in &rules {
        let examples = rule.attacks.iter().chain(&rule.benign);
        let texts = examples.map(|example| format!("{:?} {}", example.place, example.value));
        for text in texts {
            if let Some(other) = known.insert(text.clone(), &rule.id) {
                shared.push(format!("{text}: {other} and {}", rule.id));
            }
        }
    }
    assert!(shared.is_empty(), "{}", shared.join("\n"));
}

/// Bytes of tables that the rules may take before the first request: a quarter more than they do.
/// Selectors of names that look for something anywhere multiply each other's states, and each new one
/// may double the memory and the time to load.
const TABLES: usize = 7 << 20;

#[test]
fn their_tables_stay_small() {
    let bytes = policy().ruleset().table_bytes();
    assert!(bytes < TABLES, "{bytes} bytes: share the selectors of names with other rules");
}
