//! The engine as a whole, on small rule sets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

use std::sync::Arc;

use waf_core::Scratch;
use waf_core::compile::compile;
use waf_core::parse::head::RequestHead;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{DecisionRecord, Masking, MaskingSettings};
use waf_core::source::Source;
use waf_core::transaction::{About, Transaction};
use waf_core::yaml::{RuleContext, rule};

fn policy(rules: &[&str], settings: PolicySettings) -> Arc<Policy> {
    let rules = rules.iter().enumerate().map(|(number, text)| {
        let source = Source::new(format!("rules/test/{number}.yaml"), *text);
        rule(&source, "test", &RuleContext::default())
            .unwrap_or_else(|reports| panic!("{reports:?}"))
    });
    let compiled = compile(rules.collect(), vec![settings]).unwrap_or_else(|r| panic!("{r:?}"));
    Arc::clone(&compiled.policies[0])
}

fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> RequestHead {
    let headers = headers.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()));
    RequestHead::from_parts(method, target, "HTTP/1.1", headers.collect())
}

fn run(policy: &Arc<Policy>, head: &RequestHead, pieces: &[&[u8]]) -> DecisionRecord {
    let mut scratch = Scratch::default();
    let mut transaction = Transaction::new(Arc::clone(policy));
    let mut refusal = transaction.request_head(head.clone(), "127.0.0.1", &[], &mut scratch);
    for piece in pieces {
        if refusal.is_some() {
            break;
        }
        refusal = transaction.request_body(piece, &mut scratch).refusal;
    }
    if refusal.is_none() {
        refusal = transaction.request_end(&mut scratch).refusal;
    }
    let settings = MaskingSettings { query_values: false, ..MaskingSettings::default() };
    let mut record = transaction.record(&About {
        time: String::new(),
        request_id: "1",
        client_request_id: None,
        route: "default",
        client_ip: "127.0.0.1",
        status: refusal.map(|refusal| refusal.status),
        intended_status: None,
        source: None,
        decision: None,
        audit_headers: &[],
        masking: &Masking::new(&settings).unwrap(),
        total_us: 0,
        body_total: None,
    });
    record.timing_us.inspect = 0;
    record
}

const UNION: &str = r#"
id: union-select
name: SQL UNION SELECT
why: It appends a query.
references: [CWE-89]
severity: critical
targets: [ARGS]
transform: [url_decode_uni, replace_comments, compress_whitespace, lowercase]
match: {rx: '\bunion (?:all |distinct )?select\b'}
tests: {attack: ["1 union select 1"], benign: ["the union selects"]}
"#;

#[test]
fn a_match_names_rule_field_and_bytes() {
    let policy = policy(&[UNION], PolicySettings::default());
    let record = run(&policy, &head("GET", "/a?q=1+UNION/**/SELECT+2", &[]), &[]);
    assert_eq!(record.status, Some(403));
    let found = &record.matches[0];
    assert_eq!((found.rule_id.as_str(), found.target.as_str()), ("union-select", "ARGS_GET:q"));
    assert_eq!((found.offset, found.length), (Some(2), Some(12)));
    assert_eq!(found.excerpt, "union select");
    assert_eq!(found.decode, ["query", "replace_comments", "lowercase"]);
    assert_eq!(record.score.inbound, 5);
}

#[test]
fn a_match_tells_of_which_characters_its_value_consists() {
    let policy = policy(&[UNION], PolicySettings::default());
    let alphabet = |target: &str| {
        let record = run(&policy, &head("GET", target, &[]), &[]);
        record.matches[0].alphabet.map(|alphabet| alphabet.to_string())
    };
    // Of the value as exclusions look at it: before its transformations, and all of it.
    let told = alphabet("/a?q=union/**/SELECT+(%C3%A9)");
    assert_eq!(told.as_deref(), Some(r"A-Za-z\x80-\xbf\xc2-\xf4 ()*/"));
    assert_eq!(alphabet("/a?q=union%2520select").as_deref(), Some("a-z0-9%"));
    // What is hidden tells nothing.
    assert_eq!(alphabet("/a?password=union+select"), None);
    // Nor what was not at hand as a whole.
    let form = head("POST", "/", &[("Content-Type", "application/x-www-form-urlencoded")]);
    let long = format!("q=union select {}", "a".repeat(200_000));
    let record = run(&policy, &form, &[long.as_bytes()]);
    assert_eq!((record.matches.len(), record.matches[0].alphabet), (1, None));
}

#[test]
fn a_json_value_is_named_by_its_path() {
    let policy = policy(&[UNION], PolicySettings::default());
    let head = head("POST", "/", &[("Content-Type", "application/json")]);
    let body = br#"{"user":{"name":"0 \u0055nion select 1"}}"#;
    let whole = run(&policy, &head, &[body]);
    assert_eq!(whole.matches[0].target, "ARGS_POST:$.user.name");
    assert_eq!(whole.matches[0].at, Some(17));
    assert_eq!(whole.verdict_offset, Some(body.len() as u64));
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(run(&policy, &head, &bytes), whole);
}
