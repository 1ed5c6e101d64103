//! What the YAML front end makes of rules and exclusions that are right, and that it stands any
//! text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use waf_core::field::Collection;
use waf_core::finding::Finding;
use waf_core::rule::{
    Action, ExclusionScope, Expression, Operator, Phase, Place, Rule, RuleMode, Selector, Severity,
    TargetKind, Transformation, Variable,
};
use waf_core::source::{Report, Source};
use waf_core::yaml::{self, RuleContext};

fn rule(text: &str) -> Rule {
    rule_of("sqli", text)
}

fn rule_of(class: &str, text: &str) -> Rule {
    let source = Source::new("rule.yaml", text);
    yaml::rule(&source, class, &RuleContext::default())
        .unwrap_or_else(|all| panic!("{}", join(&all)))
}

fn join(reports: &[Report]) -> String {
    reports.iter().map(Report::to_string).collect::<Vec<_>>().join("\n\n")
}

const EVERY_KEY: &str = r#"
id: test-every-key
name: Every key
why: "It shows: every key."
references: [CWE-89, CVE-2021-44228, "https://example.org/a"]
severity: warning
score: 7
action: block
mode: detect
paranoia: 3
phase: response_headers
tags: [one, one, two/three]
targets: [ARGS, "!ARGS:/^_ga/", "&REQUEST_COOKIES", "ARGS_POST:$.a[*]['b.c']"]
transform: [url_decode_uni, lowercase]
match:
  same_value: true
  all:
    - {rx: 'a\d'}
    - any: [{pm: [x, "y: z"]}, {targets: [REQUEST_METHOD], transform: [], streq: ""}]
    - not: {ip_match: [10.0.0.0/8, "::1"]}
    - {ge: 3}
    - {validate_byte_range: "1-8,255"}
    - {detect_sqli: true}
tests:
  attack: ["a1", {json: {a: [1, null]}}, {multipart: {name: n, content: c}}]
  benign: [{header: "A: b"}]
"#;

#[test]
fn every_key_is_read() {
    let rule = rule(EVERY_KEY);
    assert_eq!(rule.id.as_str(), "test-every-key");
    assert_eq!((rule.name.as_str(), rule.why.as_str()), ("Every key", "It shows: every key."));
    assert_eq!(rule.references.len(), 3);
    assert_eq!((rule.severity, rule.score), (Severity::Warning, 7));
    assert_eq!((rule.action, rule.mode, rule.paranoia), (Action::Block, RuleMode::Detect, 3));
    assert_eq!((rule.phase, rule.class.as_str()), (Phase::ResponseHeaders, "sqli"));
    assert_eq!(rule.tags, ["one", "two/three", "attack-sqli"]);
    assert!(rule.same_value);
    assert_eq!(rule.span.line(), 2, "the line of the id");
    let places: Vec<_> = rule.attacks.iter().map(|example| example.place).collect();
    assert_eq!(places, [None, Some(Place::Json), Some(Place::Multipart)]);
    assert_eq!(rule.benign[0].value, Value::from("A: b"));
}

#[test]
fn conditions_inherit_or_have_their_own() {
    let rule = rule(EVERY_KEY);
    let Expression::All(parts) = &rule.expression else { panic!("{:?}", rule.expression) };
    let Expression::Condition(first) = &parts[0] else { panic!("{:?}", parts[0]) };
    assert_eq!(first.operator, Operator::Rx(r"a\d".into()));
    assert_eq!(first.transformations, [Transformation::UrlDecodeUni, Transformation::Lowercase]);
    let kinds: Vec<_> = first.targets.iter().map(|target| target.kind).collect();
    use TargetKind::{Count, Exclude, Include};
    assert_eq!(kinds, [Include, Exclude, Count, Include]);
    assert_eq!(first.targets[1].selector, Selector::Regex("^_ga".into()));
    assert_eq!(first.targets[3].selector, Selector::Path("$.a[*]['b.c']".into()));
    let conditions = rule.expression.conditions();
    let own = conditions[2];
    assert_eq!(own.operator, Operator::Streq(String::new()));
    assert_eq!(own.targets[0].variable, Variable::One(Collection::RequestMethod));
    assert_eq!(own.targets.len(), 1);
    assert!(own.transformations.is_empty());
    assert!(matches!(&parts[2], Expression::Not(_)));
}

#[test]
fn a_rule_may_leave_much_out() {
    let text = r#"{id: abc, name: n, why: w, references: [CWE-1], severity: error,
        targets: [REQUEST_HEADERS], match: {contains: x},
        tests: {attack: ["x"], benign: ["y"]}}"#;
    let rule = rule(text);
    assert_eq!((rule.score, rule.action, rule.mode), (4, Action::Score, RuleMode::Block));
    assert_eq!((rule.paranoia, rule.phase), (1, Phase::RequestHeaders));
    assert!(!rule.same_value);
    assert_eq!(rule.tags, ["attack-sqli"]);
}

#[test]
fn files_of_other_editors_are_read() {
    let text = format!("\u{feff}{}", EVERY_KEY.trim_start().replace('\n', "\r\n"));
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("other-editor.yaml");
    fs::write(&file, &text).unwrap();
    let rule = rule(&yaml::read_file(&file).unwrap().text);
    assert_eq!(rule.id.as_str(), "test-every-key");
    let span = &rule.expression.conditions()[0].span;
    assert_eq!(&span.source.text[span.start..span.end], r"'a\d'");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("latin1.yaml");
    fs::write(&file, b"id: caf\xe9\n").unwrap();
    let report = yaml::read_file(&file).unwrap_err().to_string();
    assert!(report.contains("latin1.yaml") && report.contains("byte 8"), "{report}");
    let report = yaml::read_file(Path::new("no/such.yaml")).unwrap_err().to_string();
    assert!(report.contains("no/such.yaml"), "{report}");
}

#[test]
fn the_phase_is_the_latest_that_a_target_needs() {
    let phase = |targets: &str| {
        rule(&EVERY_KEY.replace("phase: response_headers", "").replace("[ARGS,", targets)).phase
    };
    assert_eq!(phase("[ARGS,"), Phase::RequestBody, "ARGS are query and body");
    assert_eq!(phase("[RESPONSE_STATUS,"), Phase::ResponseHeaders);
    assert_eq!(phase("[RESPONSE_BODY,"), Phase::ResponseBody);
}

#[test]
fn phrases_come_from_a_file() {
    let text = EVERY_KEY.replace(r"rx: 'a\d'", "pm_from_file: shells.data");
    let phrases = |source: &Source, name: &str| {
        assert_eq!((source.name.as_str(), name), ("rules/x.yaml", "shells.data"));
        Ok("# shells\nbash\n\n  zsh  \n".to_owned())
    };
    let context = RuleContext { phrases: &phrases, ..RuleContext::default() };
    let rule = yaml::rule(&Source::new("rules/x.yaml", text), "rce", &context).unwrap();
    let operator = &rule.expression.conditions()[0].operator;
    assert_eq!(*operator, Operator::Pm(vec!["bash".into(), "zsh".into()]));
}

#[test]
fn exclusions_are_read() {
    let text = "- {rule: 100200, whole_rule: true, reason: r, owner: o, expires: 2028-02-29}\n\
                - {rule: 100200-942199, targets: [ARGS], reason: r, owner: o, expires: 2030-01-01}\n\
                - {tag: attack-rce, targets: ['ARGS:json.a.array_0'], characters: 'a-c-',\n  \
                   path: /x/*, methods: [POST], reason: r, owner: o, expires: '2030-01-01'}\n";
    let all = yaml::exclusions(&Source::new("e.yaml", text))
        .unwrap_or_else(|all| panic!("{}", join(&all)));
    assert_eq!(all[0].scope, ExclusionScope::Rule("100200".into()));
    assert!(all[0].targets.is_empty());
    assert_eq!(all[1].scope, ExclusionScope::Range(100_200, 942_199));
    assert_eq!(all[1].span.line(), 2);
    assert_eq!(all[2].scope, ExclusionScope::Tag("attack-rce".into()));
    assert_eq!(all[2].targets[0].selector, Selector::Name("json.a.array_0".into()));
    assert!(all[2].path.as_ref().unwrap().matches(b"/x/y"));
    assert_eq!(all[2].characters.unwrap().iter().collect::<Vec<_>>(), b"-abc");
}

#[test]
fn the_examples_of_the_manual_are_right() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/README.md");
    let manual = fs::read_to_string(file).unwrap();
    let blocks = manual.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut rules = Vec::new();
    let mut exclusions = 0;
    for block in blocks {
        if block.starts_with('-') {
            exclusions += yaml::exclusions(&Source::new("README.md", block)).unwrap().len();
        } else {
            let protocol = block.starts_with("# class: protocol");
            rules.push(rule_of(if protocol { "protocol" } else { "sqli" }, block));
        }
    }
    assert_eq!((rules.len(), exclusions), (3, 1));
    let finding = &rules[2].expression.conditions()[0].operator;
    assert_eq!(*finding, Operator::Finding(Finding::ParseJson));
    assert_eq!(rules[2].phase, Phase::RequestBody);
}

/// Every path of a value, with the value there.
fn paths(value: &Value, path: &str, all: &mut Vec<(String, Value)>) {
    all.push((path.to_owned(), value.clone()));
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                paths(item, &format!("{path}[{index}]"), all);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                paths(item, &path, all);
            }
        }
        _ => {}
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[ -~é-ü]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The texts of rules that are wrong.
fn mistakes() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/diagnostics");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.map(|path| fs::read_to_string(path).unwrap()).collect()
}

fn stands(text: String) {
    let source: Arc<Source> = Source::new("any.yaml", text);
    if let Err(reports) = yaml::rule(&source, "sqli", &RuleContext::default()) {
        assert!(!reports.is_empty(), "an error without a word");
        join(&reports);
    }
    if let Err(reports) = yaml::exclusions(&source) {
        assert!(!reports.is_empty(), "an error without a word");
        join(&reports);
    }
}

proptest! {
    /// JSON is YAML, and JSON's own parser knows what stands in a stretch of it.
    #[test]
    fn places_are_those_of_another_parser(value in value(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let (read, located) = yaml::read_located::<Value>(&Source::new("j.yaml", text.unwrap())).unwrap();
        prop_assert_eq!(&read, &value);
        let mut all = Vec::new();
        paths(&value, "", &mut all);
        for (path, part) in all {
            let span = located.span(&path);
            let text = &span.source.text[span.start..span.end];
            prop_assert_eq!(serde_json::from_str::<Value>(text).ok(), Some(part), "{}: {}", path, text);
        }
    }

    /// A character away, doubled or replaced, anywhere in any of our mistakes.
    #[test]
    fn a_broken_rule_is_no_panic(case in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), with in "[\\PC\t\n\r]{0,3}", cut in 0usize..3) {
        let mistakes = mistakes();
        let mut chars: Vec<char> = case.get(&mistakes).chars().collect();
        let at = at.index(chars.len().max(1));
        let end = (at + cut).min(chars.len());
        chars.splice(at..end, with.chars());
        stands(chars.into_iter().collect());
    }

    #[test]
    fn any_text_is_no_panic(text in "[\\PC\\n:{}\\[\\], '\"&*!|>-]{0,80}") {
        stands(text);
    }
}
