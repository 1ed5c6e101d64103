//! Rules that are loaded again and again take no more memory. One test, so that nothing else runs in
//! the process while it measures.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use waf_core::policy::PolicySettings;

const MB: usize = 1 << 20;

/// The tables of a dozen clusters are reserved, and hardly touched: what an allocator gives again
/// must not be touched either.
#[test]
fn takes_no_more_memory() {
    let rules = common::builtin_rules();
    let rules: Vec<_> = rules.into_iter().filter(|it| it.id.as_str().starts_with("sqli")).collect();
    assert!(rules.len() > 20);
    let mut in_force = None;
    let mut resident = [0; 8];
    for now in &mut resident {
        let policy = common::policy(rules.clone(), PolicySettings::default());
        policy.ruleset().warm();
        in_force = Some(policy);
        *now = common::resident();
    }
    drop(in_force);
    let most = resident.iter().max().unwrap();
    assert!(most - resident[1] < 32 * MB, "{resident:?}");
}
