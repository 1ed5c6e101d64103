//! What is decided, on rules written for it: the order of names and values, exclusions, counts,
//! the place of a verdict, paranoia, full tables.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::sync::Arc;

use common::bodies::{self, FORM, JSON, PLAIN};
use common::compare::Engines;
use waf_core::compile::compile;
use waf_core::parse::head::RequestHead;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{Decision, DecisionRecord, Mode};
use waf_core::rule::Exclusion;
use waf_core::source::Source;
use waf_corpus::{Cut, Request};

const CUTS: [Cut; 4] = [Cut::Whole, Cut::Every(1), Cut::Every(7), Cut::Random(3)];

/// A rule; `more` holds its targets, `match` and whatever else.
fn rule(id: &str, more: &str) -> String {
    format!(
        "id: {id}\nname: A test\nwhy: It is one.\nreferences: [CWE-1]\nseverity: critical\n{more}\n\
         tests: {{attack: [\"x\"], benign: [\"y\"]}}\n"
    )
}

fn policy(rules: &[String], settings: PolicySettings) -> Arc<Policy> {
    let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
    common::policy(common::rules(&texts), settings)
}

fn exclusions(text: &str) -> Vec<Exclusion> {
    let source = Source::new("exclusions/test.yaml", text);
    waf_core::yaml::exclusions(&source).unwrap_or_else(|reports| panic!("{reports:#?}"))
}

/// The record of a request, which must be the same at every cut and agree with the reference.
fn record(policy: &Arc<Policy>, request: &Request) -> DecisionRecord {
    let mut engines = Engines::new(policy);
    let judged = engines.judge(request);
    let mut records = Vec::new();
    for cut in CUTS {
        let differences = engines.differences(request, &judged, cut);
        assert!(differences.is_empty(), "{}", differences.join("\n"));
        let mut record = engines.record(request, cut);
        record.timing_us.inspect = 0;
        records.push(record);
    }
    let first = records.remove(0);
    for (record, cut) in records.iter().zip(&CUTS[1..]) {
        assert_eq!(*record, first, "{cut:?}");
    }
    first
}

fn ids(record: &DecisionRecord) -> Vec<&str> {
    let mut ids: Vec<&str> = record.matches.iter().map(|m| m.rule_id.as_str()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn names_and_values_match_in_any_order() {
    let rules =
        [rule("both", "targets: [ARGS_NAMES, ARGS]\nmatch: {all: [{rx: '^k'}, {rx: '^hit'}]}")];
    let policy = policy(&rules, PolicySettings::default());
    for body in ["k1=hit&x=y", "x=hit&k2=y", "x=y&k1=hit", "hit=k"] {
        let record = record(&policy, &bodies::post(body, FORM, body));
        assert_eq!((ids(&record), record.score.inbound), (vec!["both"], 5), "{body}");
    }
    assert!(record(&policy, &bodies::post("none", FORM, "x=hit&y=hit")).matches.is_empty());
}

const EVIL: &str = "targets: [ARGS]\nmatch: {contains: evil}";

fn excluding(exclusion: &str) -> Arc<Policy> {
    let common = "reason: r, owner: o, expires: 2099-01-01";
    let text = format!("- {{{exclusion}, {common}}}\n");
    let settings = PolicySettings { exclusions: exclusions(&text), ..PolicySettings::default() };
    policy(&[rule("evil", EVIL)], settings)
}

#[test]
fn an_exclusion_takes_its_field_and_no_other() {
    let policy = excluding("rule: evil, targets: ['ARGS:Note']");
    for (body, caught) in [
        ("note=evil", false),
        ("NOTE=evil&a=b", false),
        ("note=evil&later=evil", true),
        ("first=evil&note=evil", true),
        ("notes=evil", true),
    ] {
        let record = record(&policy, &bodies::post(body, FORM, body));
        assert_eq!(!record.matches.is_empty(), caught, "{body}");
    }
}

fn get(target: &str) -> Request {
    let headers = vec![(b"Host".to_vec(), b"shop.example".to_vec())];
    let head = RequestHead::from_parts("GET", target, "HTTP/1.1", headers);
    Request { id: target.to_owned(), head, ..Request::default() }
}

/// The rule with exclusions of different characters, one for each path.
fn by_path(paths: &[&str]) -> Result<Arc<Policy>, String> {
    let exclusion = |(at, path): (usize, &&str)| {
        let characters = ["eilv", "eilv!", "eilv?"][at % 3];
        format!(
            "- {{rule: evil, targets: [ARGS], path: '{path}', characters: '{characters}', reason: r, \
             owner: o, expires: 2099-01-01}}\n"
        )
    };
    let text: String = paths.iter().enumerate().map(exclusion).collect();
    let settings = PolicySettings { exclusions: exclusions(&text), ..PolicySettings::default() };
    let compiled = compile(common::rules(&[&rule("evil", EVIL)]), vec![settings]);
    compiled.map(|all| Arc::clone(&all.policies[0])).map_err(|all| all[0].to_string())
}

#[test]
fn exclusions_with_characters_hold_each_on_its_path_and_any_of_those_that_meet() {
    // As many as a person reads, as long as few of them meet.
    let many: Vec<String> = (0..24).map(|n| format!("/{n}/*")).collect();
    let policy = by_path(&many.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    for (path, value, caught) in [
        ("/0/a", "evil", false),
        ("/0/a", "evil!", true),
        ("/1/a", "evil!", false),
        ("/1/a", "evil?", true),
        ("/2/a", "evil?", false),
        ("/24/a", "evil", true),
    ] {
        let request = get(&format!("{path}?q={value}"));
        assert_eq!(!record(&policy, &request).matches.is_empty(), caught, "{path} {value}");
    }
    let policy = by_path(&["/a/*", "/a/b", "/*"]).unwrap();
    for (value, caught) in [("evil", false), ("evil!", false), ("evil?", false), ("evil!?", true)] {
        let request = get(&format!("/a/b?q={value}"));
        assert_eq!(!record(&policy, &request).matches.is_empty(), caught, "{value}");
    }
    let refused = by_path(&["/a*", "/ab*", "/abc*", "/abcd*", "/abcde*", "/abcdef*"]).unwrap_err();
    assert!(
        refused.contains("too many exclusions with `characters` meet at rule `evil`"),
        "{refused}"
    );
}

#[test]
fn an_exclusion_counts_right_after_many_hits() {
    let policy = excluding("tag: attack-test, targets: ['ARGS:a']");
    let many = "a=evil&".repeat(3_000);
    assert!(record(&policy, &bodies::post("many", FORM, many.as_str())).matches.is_empty());
    let one = format!("{many}b=evil");
    assert_eq!(ids(&record(&policy, &bodies::post("one", FORM, one))), ["evil"]);
}

#[test]
fn json_paths_are_excluded_in_both_spellings() {
    for target in ["ARGS:json.items.array_0.name", "ARGS_POST:$.items[0].name"] {
        let policy = excluding(&format!("rule: evil, targets: ['{target}']"));
        for (body, caught) in [
            (r#"{"items":[{"name":"evil"}]}"#, false),
            (r#"{"items":[{"NAME":"evil"}]}"#, false),
            (r#"{"items":[{"name":"x"},{"name":"evil"}]}"#, true),
            (r#"{"items":[{"other":"evil"}]}"#, true),
        ] {
            let record = record(&policy, &bodies::post(body, JSON, body));
            assert_eq!(!record.matches.is_empty(), caught, "{target} {body}");
        }
    }
}

#[test]
fn an_exclusion_holds_while_the_value_has_its_characters() {
    let policy = excluding("rule: evil, targets: ['ARGS:a'], characters: 'a-z '");
    for (body, caught) in
        [("a=so+evil", false), ("a=evil%21", true), ("a=%21+evil", true), ("b=evil", true)]
    {
        let record = record(&policy, &bodies::post(body, FORM, body));
        assert_eq!(!record.matches.is_empty(), caught, "{body}");
    }
}

#[test]
fn a_not_matches_an_empty_value_and_no_absent_one() {
    let rules = [
        rule(
            "same",
            "targets: [ARGS]\nmatch: {same_value: true, all: [{rx: '^a*$'}, {not: {rx: a}}]}",
        ),
        rule("counted", "targets: ['&ARGS:X']\nmatch: {eq: 2}"),
        rule(
            "absent",
            "targets: [ARGS:k]\nmatch: {all: [{rx: '^'}, {not: {targets: [ARGS:no], rx: '^'}}]}",
        ),
    ];
    let policy = policy(&rules, PolicySettings::default());
    let found = |body: &str| {
        let mut request = bodies::post(body, FORM, body);
        request.head.target = b"/p?x=a".to_vec();
        ids(&record(&policy, &request)).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found("x=1&y=b"), ["counted"]);
    assert_eq!(found("y="), ["same"]);
    assert_eq!(found("k=z"), ["absent"]);
    assert!(found("k=z&no=").iter().eq(&["same"]));
    assert!(found("y=b").is_empty());
}

#[test]
fn the_verdict_stands_at_the_match_that_reaches_the_threshold() {
    let rules = [
        rule("three", "score: 3\ntargets: [REQUEST_BODY]\nmatch: {contains: first}"),
        rule("two", "score: 2\ntargets: [REQUEST_BODY]\nmatch: {contains: second}"),
    ];
    let (first, second) = (4_000, 6_000);
    let mut body = vec![b'.'; 10_000];
    body[first..first + 5].copy_from_slice(b"first");
    body[second..second + 6].copy_from_slice(b"second");
    let request = bodies::post("late", PLAIN, body);
    for (mode, decision) in [(Mode::Block, Decision::Block), (Mode::Detect, Decision::WouldBlock)] {
        let mut settings = PolicySettings { mode, ..PolicySettings::default() };
        settings.limits.hold = 2_048;
        let record = record(&policy(&rules, settings), &request);
        assert_eq!(record.verdict_offset, Some(second as u64 + 6), "{mode:?}");
        assert_eq!((record.decision, record.score.inbound), (decision, 5));
        assert_eq!(ids(&record), ["three", "two"]);
    }
}

#[test]
fn a_hit_is_found_wherever_the_hold_ends_in_it() {
    const HOLD: usize = 600;
    let rules = [rule("evil", "targets: [ARGS, REQUEST_BODY]\nmatch: {rx: 'ev[i]l+x'}")];
    let mut settings = PolicySettings::default();
    settings.limits.hold = HOLD as u64;
    let policy = policy(&rules, settings);
    let mut runner = common::runner(&policy);
    for length in [HOLD - 1, HOLD, HOLD + 1] {
        for at in [HOLD - 12, HOLD - 7, HOLD - 6] {
            let mut body = vec![b'a'; length];
            body[1] = b'=';
            body[at..at + 5].copy_from_slice(b"evilx");
            let request = bodies::post("edge", FORM, body);
            let whole = runner.run(&request, Cut::Whole);
            assert_eq!(ids(&whole), ["evil"]);
            assert!(whole.coverage.inexact.is_empty());
            for cut in at - 2..at + 8 {
                let record = runner.run(&request, Cut::Every(cut));
                assert_eq!(record.verdict_offset, whole.verdict_offset, "{length} {at} {cut}");
                assert_eq!(record.matches, whole.matches);
            }
        }
    }
}

#[test]
fn a_level_that_is_not_asked_for_is_not_looked_for() {
    let rules = [
        rule("one", "targets: [ARGS]\nmatch: {contains: evil}"),
        rule("four", "paranoia: 4\ntargets: [ARGS]\nmatch: {contains: evil}"),
    ];
    let at = |paranoia, detection_paranoia| {
        let settings = PolicySettings { paranoia, detection_paranoia, ..PolicySettings::default() };
        let record = record(&policy(&rules, settings), &bodies::post("x", FORM, "a=evil"));
        let matches = record.matches.iter().map(|m| (m.rule_id.clone(), m.counted));
        (matches.collect::<Vec<_>>(), record.score.inbound)
    };
    assert_eq!(at(1, 1), (vec![("one".into(), true)], 5));
    assert_eq!(at(1, 4), (vec![("one".into(), true), ("four".into(), false)], 5));
    assert_eq!(at(4, 4), (vec![("one".into(), true), ("four".into(), true)], 10));
}

/// More distinct facts than the table holds: the same records however the body is cut.
#[test]
fn a_full_table_is_the_same_at_every_cut() {
    let mut rules: Vec<String> = (0..1_100)
        .map(|n| {
            rule(
                &format!("word-{n}"),
                &format!("score: 0\ntargets: [ARGS]\nmatch: {{contains: w{n}w}}"),
            )
        })
        .collect();
    rules.push(
        "id: limit-tables\nname: A full table\nwhy: It hides.\nreferences: [CWE-1]\n\
         severity: critical\naction: block\nmatch: {finding: limit-tables}\n"
            .to_owned(),
    );
    let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
    let (last, words) = texts.split_last().unwrap();
    let mut parsed = common::rules(words);
    let source = Source::new("rules/protocol/limit-tables.yaml", *last);
    let context = waf_core::yaml::RuleContext::default();
    parsed.push(waf_core::yaml::rule(&source, "protocol", &context).unwrap());
    let mut settings = PolicySettings::default();
    settings.limits.record_matches = 2_000;
    let policy = common::policy(parsed, settings);
    let body: String = (0..1_100).rev().map(|n| format!("w{n}w")).collect();
    let request = bodies::post("full", FORM, format!("a={body}"));
    let mut runner = common::runner(&policy);
    let whole = runner.run(&request, Cut::Whole);
    assert!(ids(&whole).contains(&"limit-tables"));
    assert_eq!(whole.decision, Decision::Block);
    for cut in &CUTS[1..] {
        let record = runner.run(&request, *cut);
        assert_eq!(ids(&record), ids(&whole), "{cut:?}");
        assert_eq!(record.verdict_offset, whole.verdict_offset);
    }
}
