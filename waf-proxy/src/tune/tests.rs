//! What is proposed for what was seen, and for what comes next.

#![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

use serde_json::json;

use super::weighed::{Hit, Weighed};
use super::{Attack, Choice, Gathered, Wish, choose};

/// A record of a rule in some fields, each scoring 5.
fn line(client: usize, path: &str, fields: &[&str]) -> String {
    json!({
        "time": format!("2026-11-23T{:02}:00:00.000Z", client % 24),
        "decision": "would_block", "status": 200, "source": "origin",
        "client": {"ip": format!("203.0.113.{client}")},
        "request": {"method": "POST", "path": path},
        "score": {"inbound": 5 * fields.len(), "inbound_threshold": 5, "outbound": 0, "outbound_threshold": 4},
        "matches": [{
            "rule_id": "1001", "score": 5 * fields.len(), "phase": "request_body",
            "target": fields[0], "also": fields[1..],
        }],
    })
    .to_string()
}

/// The same with the characters of the values.
fn spelled(line: &str, alphabet: &str) -> String {
    line.replacen("\"also\"", &format!("\"alphabet\":{},\"also\"", json!(alphabet)), 1)
}

fn attack(number: usize, line: &str) -> Attack {
    let line: super::line::Line<'_> = serde_json::from_str(line).unwrap();
    let (weighed, alphabets) = Weighed::of(&line.matches, &line.score);
    let path = Some(line.request.path.as_ref().into());
    Attack { number, id: "a".into(), path, weighed, alphabets }
}

fn gathered(lines: impl Iterator<Item = String>) -> Gathered {
    let mut log = Gathered::new();
    lines.for_each(|line| log.add_line(line.as_bytes()));
    assert_eq!(log.counts.unreadable, 0);
    log
}

fn proposed(log: &Gathered) -> Vec<Choice> {
    choose(log, &[], &Wish::default())
}

/// Whether a match of the rule in another field goes.
fn takes(choices: &[Choice], target: &str, path: &str) -> bool {
    let (rule, target) = ("1001".into(), target.into());
    let hit = Hit { rule, target, outbound: false, blocks: false, score: 5 };
    choices.iter().any(|choice| choice.candidate.takes(&hit, Some(path)))
}

#[test]
fn a_rule_that_matches_here_and_there_will_match_elsewhere() {
    // Every client another field on another path.
    let lines = (0..40).map(|n| line(n, &format!("/page{n}"), &[&format!("ARGS_POST:field{n}")]));
    let choices = proposed(&gathered(lines));
    assert_eq!(choices.len(), 1, "{choices:?}");
    assert_eq!(*choices[0].candidate.targets, ["ARGS_POST".into()]);
    assert!(takes(&choices, "ARGS_POST:another", "/elsewhere"));
    // A target, never the whole rule.
    assert!(!takes(&choices, "ARGS_GET:field1", "/page1"));
}

#[test]
fn a_rule_that_matches_one_field_on_one_path_stays_elsewhere() {
    let choices = proposed(&gathered((0..40).map(|n| line(n, "/edit", &["ARGS_POST:text"]))));
    assert_eq!(choices.len(), 1, "{choices:?}");
    assert!(takes(&choices, "ARGS_POST:text", "/edit"));
    assert!(!takes(&choices, "ARGS_POST:title", "/edit"));
    assert!(!takes(&choices, "ARGS_POST:text", "/elsewhere"));
}

#[test]
fn many_fields_of_one_path_are_no_reason_for_other_paths() {
    let lines = (0..40).map(|n| line(n, "/edit", &[&format!("ARGS_POST:field{n}")]));
    let choices = proposed(&gathered(lines));
    assert!(takes(&choices, "ARGS_POST:another", "/edit"));
    assert!(!takes(&choices, "ARGS_POST:field1", "/elsewhere"));
}

#[test]
fn a_field_that_a_record_could_not_name_is_no_reason_for_the_whole_rule() {
    let named = (0..40).map(|n| line(n, &format!("/page{n}"), &[&format!("ARGS_POST:field{n}")]));
    // Where a record had no room for the name of a field, it stands for the request.
    let unnamed = (0..6).map(|n| line(n, "/page1", &["REQUEST", "ARGS_POST:field1"]));
    let choices = proposed(&gathered(named.chain(unnamed)));
    assert!(takes(&choices, "ARGS_POST:another", "/elsewhere"), "{choices:?}");
    assert!(choices.iter().all(|choice| !choice.candidate.targets.is_empty()), "{choices:?}");
}

#[test]
fn what_a_site_does_everywhere_is_excluded_on_every_path() {
    let everywhere = |finding: &str, paths: usize| {
        let line = |n: usize| line(n, &format!("/page{}", n % paths), &["REQUEST"]);
        let lines = (0..40).map(|n| line(n).replace("\"1001\"", &format!("\"{finding}\"")));
        let choices = proposed(&gathered(lines));
        let paths: Vec<_> = choices.iter().map(|one| one.candidate.path.clone()).collect();
        assert!(choices.iter().all(|one| one.candidate.targets.is_empty()), "{choices:?}");
        paths
    };
    assert_eq!(everywhere("protocol-upgrade", 20), [None]);
    // Two paths are two paths, what is malformed stays an exception, and a rule has fields.
    assert!(!everywhere("protocol-upgrade", 2).contains(&None));
    assert!(!everywhere("parse-json", 20).contains(&None));
    assert!(!everywhere("limit-fields", 20).contains(&None));
    assert!(!everywhere("1001", 20).contains(&None));
}

#[test]
fn what_one_client_sent_is_not_named() {
    let of_many = (0..40).map(|n| line(n, "/edit", &["ARGS_POST:text"]));
    let of_one = (0..30).map(|_| line(7, "/edit", &["ARGS_POST:odd"]));
    let choices = proposed(&gathered(of_many.chain(of_one)));
    assert!(takes(&choices, "ARGS_POST:text", "/edit"));
    assert!(!takes(&choices, "ARGS_POST:odd", "/edit"), "{choices:?}");
}

#[test]
fn all_fields_that_a_rule_counted_are_excluded() {
    let fields = ["ARGS_POST:text", "ARGS_POST:title"];
    let log = gathered((0..40).map(|n| line(n, "/edit", &fields)));
    let choices = proposed(&log);
    assert_eq!(choices.last().unwrap().passing, 40, "{choices:?}");
    assert!(fields.iter().all(|field| takes(&choices, field, "/edit")));
}

#[test]
fn attacks_in_other_fields_keep_an_exclusion_narrow() {
    let lines = || (0..40).map(|n| line(n, "/edit", &["ARGS_POST:text", "ARGS_POST:title"]));
    let more = (0..6).map(|n| line(n, "/edit", &[&format!("ARGS_POST:field{}", n / 2)]));
    let log = gathered(lines().chain(more));
    let other = |number: usize| attack(number, &line(number, "/edit", &["ARGS_POST:id"]));
    let attacks: Vec<Attack> = (0..100).map(other).collect();
    let choices = choose(&log, &attacks, &Wish::default());
    assert!(takes(&choices, "ARGS_POST:text", "/edit"));
    assert!(!takes(&choices, "ARGS_POST:id", "/edit"), "{choices:?}");
}

/// The characters that are proposed for forty records of one field, of these characters in turn.
fn characters(alphabets: &[&str], attacks: &[Attack]) -> Option<String> {
    let lines = (0..40).zip(alphabets.iter().cycle());
    let lines = lines.map(|(n, one)| spelled(&line(n, "/edit", &["ARGS_POST:text"]), one));
    let choices = choose(&gathered(lines), attacks, &Wish::default());
    assert_eq!(choices.len(), 1, "{choices:?}");
    assert_eq!(choices[0].passing, 40);
    choices[0].candidate.characters.map(|characters| characters.to_string())
}

#[test]
fn an_exclusion_is_narrowed_to_the_characters_that_its_records_have() {
    let known = ["a-z '", "A-Za-z\\x09\\x0a\\x0d "];
    let all = Some("A-Za-z\\x09\\x0a\\x0d '".to_owned());
    assert_eq!(characters(&known, &[]), all);
    // With attacks it is where that keeps one of them out.
    let with = |own: &[&str]| {
        let of = |one: &&str| spelled(&line(0, "/edit", &["ARGS_POST:text"]), one);
        let others = (0..99).map(|n| line(n, "/edit", &["ARGS_POST:id"]));
        let attacks: Vec<Attack> =
            own.iter().map(of).chain(others).map(|line| attack(0, &line)).collect();
        characters(&known, &attacks)
    };
    assert_eq!(with(&["a-z'("]), all);
    assert_eq!(with(&["a-z'"]), None);
    assert_eq!(with(&["a-z'", "0-9"]), all);
}

#[test]
fn a_record_that_does_not_tell_its_characters_may_have_any() {
    let known = (0..40).map(|n| spelled(&line(n, "/edit", &["ARGS_POST:text"]), "a-z"));
    let log = gathered(known.chain([line(41, "/edit", &["ARGS_POST:text"])]));
    assert_eq!(proposed(&log)[0].candidate.characters, None);
}

#[test]
fn no_more_exclusions_of_a_rule_have_characters_than_may_meet() {
    let line = |n: usize| {
        let path = format!("/{}/edit", ["a", "b", "c", "d", "e", "f", "g", "h"][n % 8]);
        spelled(&line(n, &path, &["ARGS_POST:text"]), "a-z")
    };
    // What holds on every path would let these in.
    let other = |n: usize| spelled(&self::line(n, "/", &["ARGS_POST:text"]), "a-z");
    let mut attacks: Vec<Attack> = (0..30).map(|n| attack(n, &other(n))).collect();
    attacks.extend((0..8).map(|n| attack(n, &line(n).replacen("a-z", "a-z(", 1))));
    let choices = choose(&gathered((0..240).map(line)), &attacks, &Wish::default());
    assert_eq!(choices.len(), 8, "{choices:?}");
    let narrow = choices.iter().filter(|choice| choice.candidate.characters.is_some()).count();
    assert_eq!(narrow, super::limits::NARROW);
}
