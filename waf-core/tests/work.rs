//! What a byte may cost is what its field's rules ask of it, counted by hand.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

use waf_core::compile::compile;
use waf_core::policy::{PolicySettings, WorkBound};
use waf_core::source::Source;
use waf_core::yaml::{RuleContext, rule};

fn bound(rules: &[&str]) -> WorkBound {
    let read = |(number, more): (usize, &&str)| {
        let text = format!(
            "id: test-{number}\nname: A test\nwhy: It is one.\nreferences: [CWE-1]\n\
             severity: critical\n{more}\ntests: {{attack: [\"x\"], benign: [\"y\"]}}\n"
        );
        rule(&Source::new("test.yaml", text), "test", &RuleContext::default())
            .unwrap_or_else(|reports| panic!("{reports:?}"))
    };
    let rules = rules.iter().enumerate().map(read).collect();
    let compiled =
        compile(rules, vec![PolicySettings::default()]).unwrap_or_else(|r| panic!("{r:?}"));
    compiled.policies[0].work_bound()
}

#[test]
fn each_step_counts_as_often_as_it_sees_bytes() {
    for (rule, steps) in [
        ("targets: [ARGS]\nmatch: {rx: 'x[ab]y'}", 1),
        ("targets: [ARGS]\nmatch: {pm: [abc, def]}", 1),
        ("targets: [ARGS]\nmatch: {validate_utf8_encoding: true}", 1),
        // Rewritten once, and what two bytes are made of is looked at.
        ("targets: [ARGS]\ntransform: [hex_encode]\nmatch: {rx: '6[12]'}", 1 + 2),
        ("targets: [ARGS]\ntransform: [hex_encode, hex_encode]\nmatch: {rx: '6[12]'}", 1 + 2 + 4),
        ("targets: [ARGS]\ntransform: [utf8_to_unicode]\nmatch: {rx: 'u[0-9]'}", 1 + 4),
    ] {
        let bound = bound(&[rule]);
        assert_eq!(bound.steps, steps, "{rule}");
        assert!(bound.steps_off_tables >= steps, "{bound:?} for {rule}");
    }
}

#[test]
fn the_field_of_which_most_is_asked_counts() {
    let one = "targets: [\"ARGS:a\"]\nmatch: {rx: 'x[ab]y'}";
    let other = "targets: [\"ARGS:b\"]\ntransform: [hex_encode]\nmatch: {rx: '6[12]'}";
    let both = "targets: [ARGS]\nmatch: {pm: [abc, def]}";
    assert_eq!(bound(&[one, other]).steps, 3);
    assert_eq!(bound(&[one, other, both]).steps, 4);
    // Each of the pattern's bytes is a state of its automaton.
    assert!(bound(&["targets: [ARGS]\nmatch: {rx: 'x[ab]{40}y'}"]).steps_off_tables > 40);
}
