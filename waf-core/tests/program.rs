//! SecLang rules at work: what the order of targets, actions, captures and chains must come to.
//!
//! Expected values are those of ModSecurity 2.9 (observed where the test says so), else they follow
//! from its documented semantics.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use waf_core::Scratch;
use waf_core::compile::compile;
use waf_core::limits::Limits;
use waf_core::parse::head::RequestHead;
use waf_core::policy::{Policy, PolicySettings};
use waf_core::record::{Decision, DecisionRecord, Masking, MaskingSettings, Mode, Stop};
use waf_core::seclang::{Files, load};
use waf_core::transaction::{About, Transaction};

/// One file in memory.
struct Memory(&'static str);

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        match path.to_str() {
            Some("rules.conf") => Ok(self.0.as_bytes().to_vec()),
            _ => Err("there is none".to_owned()),
        }
    }

    fn find(&self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Ok(vec![pattern.to_owned()])
    }
}

fn policy_with(rules: &'static str, mut settings: PolicySettings) -> Arc<Policy> {
    let loaded = load(&Memory(rules), &[PathBuf::from("rules.conf")]);
    let loaded = loaded.unwrap_or_else(|reports| panic!("{reports:?}"));
    settings.program = loaded.settings;
    let compiled = compile(loaded.rules, vec![settings]).unwrap_or_else(|r| panic!("{r:?}"));
    Arc::clone(&compiled.policies[0])
}

fn policy(rules: &'static str) -> Arc<Policy> {
    policy_with(rules, PolicySettings::default())
}

struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn get(target: &str) -> Request {
    Request { method: "GET", target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
}

fn post(content_type: &str, body: impl Into<Vec<u8>>) -> Request {
    let headers = vec![("Content-Type", content_type.to_owned())];
    Request { method: "POST", target: "/".to_owned(), headers, body: body.into() }
}

fn form(body: impl Into<Vec<u8>>) -> Request {
    post("application/x-www-form-urlencoded", body)
}

fn run_cut(policy: &Arc<Policy>, request: &Request, piece: usize) -> DecisionRecord {
    let mut scratch = Scratch::default();
    let mut transaction = Transaction::new(Arc::clone(policy));
    let mut headers = vec![(b"Host".to_vec(), b"shop.example".to_vec())];
    let own = request.headers.iter();
    headers.extend(own.map(|(name, value)| (name.as_bytes().to_vec(), value.clone().into_bytes())));
    let head =
        RequestHead::from_parts(request.method, request.target.as_str(), "HTTP/1.1", headers)
            .with_body(!request.body.is_empty());
    let mut refusal = transaction.request_head(head, "203.0.113.7", &[], &mut scratch);
    for piece in request.body.chunks(piece.max(1)) {
        if refusal.is_none() {
            refusal = transaction.request_body(piece, &mut scratch).refusal;
        }
    }
    if refusal.is_none() {
        refusal = transaction.request_end(&mut scratch).refusal;
    }
    transaction.finish();
    let settings = MaskingSettings { query_values: false, ..MaskingSettings::default() };
    let mut record = transaction.record(&About {
        time: String::new(),
        request_id: "1",
        client_request_id: None,
        route: "default",
        client_ip: "203.0.113.7",
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

fn run(policy: &Arc<Policy>, request: &Request) -> DecisionRecord {
    let whole = run_cut(policy, request, usize::MAX);
    for piece in [1, 7] {
        // Long bodies in single bytes take long and show nothing that sevens do not.
        if request.body.len() < 10_000 || piece == 7 {
            assert_eq!(run_cut(policy, request, piece), whole, "in pieces of {piece}");
        }
    }
    whole
}

/// What rule 900, which looks at nothing, says at the very end.
fn said(rules: &'static str, request: &Request) -> String {
    data(&run(&policy(rules), request), "900")
}

fn data(record: &DecisionRecord, id: &str) -> String {
    let mut all = record.matches.iter().chain(&record.bookkeeping);
    let told = all.find(|known| known.rule_id == id);
    told.map_or_else(|| panic!("rule {id} tells nothing: {record:?}"), |told| told.data.clone())
}

/// The field that a rule's match shows, and those beside it.
fn fields_of(record: &DecisionRecord, id: &str) -> Option<(String, Vec<String>)> {
    let known = record.matches.iter().find(|known| known.rule_id == id)?;
    Some((known.target.clone(), known.also.clone()))
}

fn ids(record: &DecisionRecord) -> Vec<&str> {
    let all = record.matches.iter().chain(&record.bookkeeping);
    all.map(|known| known.rule_id.as_str()).collect()
}

// 1. Observed on ModSecurity 2 and 3.
const JOINED: &str = r#"
SecRule ARGS:a "@rx x" "id:1,phase:2,pass,nolog,setvar:tx.head=+1,chain"
  SecRule MATCHED_VARS "@rx y" "setvar:tx.one=+1,chain"
    SecRule MATCHED_VARS "@rx z" "setvar:tx.two=+1,setvar:tx.all=1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.head}/%{tx.one}/%{tx.two}/%{tx.all}'"
"#;

#[test]
fn links_over_matched_vars_join_all_that_matched() {
    // The value stands in MATCHED_VARS twice for the second link: by the head and by the first.
    assert_eq!(said(JOINED, &get("/?a=xyz")), "1/1/2/1");
    assert_eq!(said(JOINED, &get("/?a=xy&a=xz")), "2/1/1/1");
    assert_eq!(said(JOINED, &get("/?a=xy&a=x")), "2/1//");
    assert_eq!(said(JOINED, &get("/?b=xyz")), "///");
}

// 2. Observed: ModSecurity 2 says 2, ModSecurity 3 says 1.
const MULTI: &str = r#"
SecRule ARGS:a "@rx b" "id:1,phase:2,pass,nolog,t:none,t:cmdLine,multiMatch,setvar:tx.n=+1"
SecRule ARGS:a "@rx b" "id:2,phase:2,pass,nolog,t:none,t:base64Decode,multiMatch,setvar:tx.m=+1"
SecRule ARGS:a "@rx b" "id:3,phase:2,pass,nolog,t:none,t:lowercase,multiMatch,setvar:tx.l=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.n}/%{tx.m}/%{tx.l}'"
"#;

#[test]
fn multi_match_asks_after_each_step_that_reports_a_change() {
    // `(` is no base64: nothing comes out, so no change is reported.
    assert_eq!(said(MULTI, &get("/?a=(b)")), "2/1/1");
    // `YmI=` is base64 of `bb`; as text it holds no b.
    assert_eq!(said(MULTI, &get("/?a=YmI%3D")), "/1/");
    assert_eq!(said(MULTI, &get("/?a=bB")), "2/1/2");
}

// 3. Observed.
const NAMES_FIRST: &str = r#"
SecRule ARGS_NAMES|ARGS "@rx k" "id:1,phase:2,pass,nolog,setvar:tx.n=+1,setvar:'tx.last=%{MATCHED_VAR_NAME}=%{MATCHED_VAR}'"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.n}/%{tx.last}'"
"#;

#[test]
fn targets_are_looked_at_in_the_order_written_then_fields_in_theirs() {
    assert_eq!(said(NAMES_FIRST, &get("/?k1=ka&k2=kb")), "4/ARGS:k2=kb");
    assert_eq!(said(NAMES_FIRST, &form("k1=ka&k2=kb")), "4/ARGS:k2=kb");
    assert_eq!(said(NAMES_FIRST, &form("k2=kb&k1=ka")), "4/ARGS:k1=ka");
}

// 4. Observed.
const OVERLAPPING: &str = r#"
SecRule ARGS:a|ARGS_GET:a|ARGS "@rx x" "id:1,phase:2,pass,nolog,setvar:tx.n=+1"
SecRule ARGS|!ARGS:a|ARGS:a "@rx x" "id:2,phase:2,pass,nolog,setvar:tx.m=+1"
SecRule ARGS|!ARGS:a "@rx x" "id:3,phase:2,pass,nolog,setvar:tx.l=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.n}/%{tx.m}/%{tx.l}'"
"#;

#[test]
fn a_field_counts_under_every_target_and_exclusions_look_back() {
    assert_eq!(said(OVERLAPPING, &get("/?a=x")), "3/1/");
    assert_eq!(said(OVERLAPPING, &get("/?b=x")), "1/1/1");
}

const OTHERS: &str = r#"
SecRule ARGS "@rx x" "id:1,phase:2,pass,log,msg:'x',setvar:tx.n=+5"
SecRule REQUEST_METHOD "@rx ." "id:2,phase:2,pass,log,msg:'x',chain"
  SecRule ARGS_NAMES "@rx ^a" "setvar:tx.n=+5"
SecRule TX:n "@ge 5" "id:900,phase:2,deny,log,msg:'x'"
"#;

#[test]
fn a_record_tells_every_field_that_a_rule_counts() {
    let policy = policy(OTHERS);
    let told = |request: &Request| {
        let record = run(&policy, request);
        ["1", "2"].map(|id| fields_of(&record, id))
    };
    let fields = |shown: &str, also: &[&str]| {
        Some((shown.to_owned(), also.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()))
    };
    assert_eq!(told(&get("/?b=x")), [fields("ARGS_GET:b", &[]), None]);
    assert_eq!(told(&get("/?b=x&b=x")), [fields("ARGS_GET:b", &[]), None]);
    // Of a chain the fields of its last link: the rule would not match without them.
    assert_eq!(
        told(&get("/?a=x&b=y&c=x&ab=x")),
        [
            fields("ARGS_GET:ab", &["ARGS_GET:a", "ARGS_GET:c"]),
            fields("ARGS_GET_NAMES:ab", &["ARGS_GET_NAMES:a"])
        ]
    );
    // Ten in all.
    let many: String = (10..40).map(|n| format!("b{n}=x&")).collect();
    let [Some((shown, also)), _] = told(&get(&format!("/?{many}"))) else { panic!() };
    assert_eq!((shown.as_str(), also.len()), ("ARGS_GET:b39", 9));
    assert_eq!(also[0], "ARGS_GET:b10");
    // The characters of all of them; of one that is hidden nothing is told, nor of those beside it.
    let alphabet = |target: &str| {
        let record = run(&policy, &get(target));
        let known = record.matches.iter().find(|known| known.rule_id == "1").unwrap();
        known.alphabet.map(|alphabet| alphabet.to_string())
    };
    assert_eq!(alphabet("/?a=x1&b=x!&c=Y").as_deref(), Some("a-z0-9!"));
    assert_eq!(alphabet("/?a=x1&a=x(").as_deref(), Some("a-z0-9("));
    assert_eq!(alphabet("/?a=x1&token=x!"), None);
    assert_eq!(alphabet("/?token=x!&a=x1"), None);
}

const NOTED: &str = r#"
SecAction "id:7,phase:1,pass,nolog,setvar:'tx.list=/b1/ /b2/'"
SecRule ARGS_NAMES "@rx ^.*$" "id:1,phase:2,pass,log,capture,msg:'x',\
  setvar:'tx.name_1_%{tx.0}=/%{tx.0}/',chain"
  SecRule TX:/^name_1_/ "@within %{tx.list}" "setvar:tx.n=+5"
SecRule TX:n "@ge 5" "id:900,phase:2,deny,log,msg:'x'"
"#;

#[test]
fn a_record_tells_the_fields_whose_notes_matched_and_no_others() {
    let policy = policy(NOTED);
    let told = |path: &str| fields_of(&run(&policy, &get(path)), "1");
    assert_eq!(told("/?a=x&c=x"), None);
    assert_eq!(told("/?a=x&b1=x&c=x"), Some(("ARGS_GET_NAMES:b1".into(), Vec::new())));
    assert_eq!(
        told("/?a=x&b1=x&c=x&b2=x&d=x"),
        Some(("ARGS_GET_NAMES:b2".into(), vec!["ARGS_GET_NAMES:b1".to_owned()]))
    );
}

// 5. Observed on ModSecurity 2.
const LAST_CAPTURE: &str = r#"
SecRule ARGS "@rx ^(\w+)=(\w+)$" "id:1,phase:2,pass,nolog,capture,setvar:tx.n=+1,chain"
  SecRule TX:1 "@streq %{tx.2}" "setvar:tx.equal=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.n}/%{tx.equal}'"
"#;

#[test]
fn captures_are_those_of_the_last_value_that_matched() {
    assert_eq!(said(LAST_CAPTURE, &get("/?p=1%3D1&q=1%3D2")), "2/");
    assert_eq!(said(LAST_CAPTURE, &get("/?p=1%3D2&q=1%3D1")), "2/1");
}

const KEPT_CAPTURE: &str = r#"
SecRule ARGS:a "@rx b(c)" "id:1,phase:2,pass,nolog,capture"
SecRule ARGS:a "@contains d" "id:2,phase:2,pass,nolog,capture,setvar:'tx.seen=%{tx.0}/%{tx.1}'"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.seen}'"
"#;

/// `msre_op_contains_execute` of ModSecurity 2 knows no captures: those of before stay.
#[test]
fn what_is_no_regex_or_list_captures_nothing() {
    assert_eq!(said(KEPT_CAPTURE, &get("/?a=abcd")), "bc/c");
}

// 6.
const REMOVED: &str = r#"
SecRule ARGS:switch "@streq on" "id:1,phase:2,pass,nolog,ctl:ruleRemoveTargetById=10-11;ARGS:PASS,ctl:ruleRemoveTargetByTag=web;ARGS:pass"
SecRule ARGS "@rx x" "id:10,phase:2,pass,nolog,setvar:tx.n=+1"
SecRule REQUEST_METHOD "@rx ." "id:11,phase:2,pass,nolog,chain"
  SecRule ARGS "@rx x" "setvar:tx.link=+1"
SecRule ARGS "@rx x" "id:12,phase:2,pass,nolog,tag:'web',setvar:tx.tag=+1"
SecRule ARGS "@rx x" "id:13,phase:2,pass,nolog,setvar:tx.other=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.n}/%{tx.link}/%{tx.tag}/%{tx.other}'"
"#;

#[test]
fn targets_are_taken_away_by_a_later_argument_in_any_case_and_from_links() {
    assert_eq!(said(REMOVED, &form("pass=x&b=x")), "2/2/2/2");
    assert_eq!(said(REMOVED, &form("pass=x&b=x&switch=on")), "1/1/1/2");
    assert_eq!(said(REMOVED, &form("pass=x&switch=on")), "///1");
}

#[test]
fn targets_are_taken_away_after_ten_thousand_hits() {
    let mut body = "pass=x&b=x&".repeat(5_000);
    body.push_str("switch=on");
    let limits = Limits { fields: 100_000, ..Limits::default() };
    let policy = policy_with(REMOVED, PolicySettings { limits, ..PolicySettings::default() });
    assert_eq!(data(&run(&policy, &form(body)), "900"), "5000/5000/5000/10000");
}

// 7.
const ABSENT: &str = r#"
SecRule ARGS:a "!@rx x" "id:1,phase:2,pass,nolog,setvar:tx.negated=1"
SecRule ARGS:a "@rx (b)?c" "id:2,phase:2,pass,nolog,capture,setvar:'tx.group=[%{tx.1}]'"
SecRule &ARGS:a "@eq 2" "id:3,phase:2,pass,nolog,setvar:tx.two=1"
SecRule &ARGS:a "!@eq 0" "id:4,phase:2,pass,nolog,setvar:tx.some=1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.negated}/%{tx.group}/%{tx.two}/%{tx.some}'"
"#;

#[test]
fn absent_is_not_empty() {
    assert_eq!(said(ABSENT, &get("/")), "///");
    assert_eq!(said(ABSENT, &get("/?a=")), "1///1");
    assert_eq!(said(ABSENT, &get("/?a=xc")), "/[]//1");
    let mut both = form("a=x");
    both.target = "/?a=x".to_owned();
    assert_eq!(said(ABSENT, &both), "//1/1");
}

// A group before one that took part is there and empty, one behind is not (`pcre_exec`'s count).
const GROUPS: &str = r#"
SecRule ARGS:a "@rx ^(x)?(y)?(z)?" "id:1,phase:2,pass,nolog,capture,setvar:tx.all=1"
SecRule TX:1 "@streq " "id:2,phase:2,pass,nolog,setvar:tx.first=1"
SecRule TX:3 "@streq " "id:3,phase:2,pass,nolog,setvar:tx.third=1"
SecRule &TX:1 "@eq 1" "id:4,phase:2,pass,nolog,setvar:tx.counted=1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.all}/%{tx.first}/%{tx.third}/%{tx.counted}'"
"#;

#[test]
fn groups_that_took_no_part_are_empty_up_to_the_last_that_did() {
    assert_eq!(said(GROUPS, &get("/?a=y")), "1/1//1");
    assert_eq!(said(GROUPS, &get("/?a=xyz")), "1///1");
    assert_eq!(said(GROUPS, &get("/?a=")), "1///");
}

// As `ModSecurity` 2 logs it: "Operator GT matched 300 at ARGS."
const COUNTED: &str = r#"
SecRule &ARGS "@gt 1" "id:1,phase:2,pass,log,msg:'x',logdata:'%{MATCHED_VAR_NAME}=%{MATCHED_VAR}'"
SecAction "id:2,phase:2,pass,nolog,setvar:tx.one=1,setvar:tx.other=1"
SecRule TX:/one|other/|!TX:other "@eq 1" "id:3,phase:2,pass,nolog,setvar:tx.seen=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.seen}'"
"#;

#[test]
fn a_count_goes_by_its_variable_and_one_variable_is_taken_away_alone() {
    let record = run(&policy(COUNTED), &get("/?a=1&b=2"));
    assert_eq!(data(&record, "1"), "ARGS=2");
    assert_eq!(data(&record, "900"), "1");
}

// 8.
const PHASES: &str = r#"
SecRule ARGS "@rx x" "id:1,phase:1,pass,nolog,setvar:tx.early=+1"
SecRule ARGS "@rx x" "id:2,phase:2,pass,nolog,setvar:tx.late=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.early}/%{tx.late}'"
"#;

#[test]
fn the_first_phase_does_not_see_the_body() {
    let mut both = form("a=x&b=x");
    both.target = "/?a=x".to_owned();
    assert_eq!(said(PHASES, &both), "1/3");
}

// 9.
const BODY: &str = r#"
SecRule REQBODY_PROCESSOR "!@rx (?:URLENCODED|MULTIPART|XML|JSON)" "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
SecRule REQUEST_BODY "@rx ." "id:2,phase:2,pass,nolog,setvar:tx.body=%{REQBODY_PROCESSOR}+%{MATCHED_VAR}"
SecRule ARGS "@rx ." "id:3,phase:2,pass,nolog,setvar:tx.args=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.body}/%{tx.args}'"
"#;

#[test]
fn the_parser_says_what_request_body_holds() {
    assert_eq!(said(BODY, &form("a=1")), "URLENCODED+a=1/1");
    assert_eq!(said(BODY, &post("text/plain", "a=1")), "+a=1/");
    // Observed on 2.9.7: only `multipart/form-data` has a parser there.
    assert_eq!(said(BODY, &post("multipart/related; boundary=b", "--b--")), "+--b--/");
    assert_eq!(said(BODY, &post("multipart/form-data; boundary=b", "--b--")), "/");
    assert_eq!(said(BODY, &post("application/json", r#"{"a":1}"#)), "/1");
    assert_eq!(said(BODY, &post("application/xml", "<a>1</a>")), "/");
}

const FORCED: &str = r#"
SecRule REQUEST_METHOD "@streq POST" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS "@rx ." "id:3,phase:2,pass,nolog,setvar:'tx.args=%{MATCHED_VAR_NAME}'"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.args}'"
"#;

#[test]
fn a_rule_of_the_first_phase_may_choose_the_parser() {
    assert_eq!(said(FORCED, &post("text/plain", r#"{"a":[{"b":1}]}"#)), "ARGS:json.a.array_0.b");
}

// 10.
const NEGATED_LINK: &str = r#"
SecRule ARGS:a "@rx x" "id:1,phase:2,pass,nolog,chain"
  SecRule MATCHED_VARS "!@rx end$" "setvar:tx.hit=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'[%{tx.hit}]'"
"#;

#[test]
fn what_a_negated_link_asks_may_stand_at_the_end_of_a_long_value() {
    let value = format!("a=x{}", "b".repeat(100_000));
    assert_eq!(said(NEGATED_LINK, &form(value.clone())), "[1]");
    assert_eq!(said(NEGATED_LINK, &form(value + "end")), "[]");
}

// 11.
const MANY: &str = r#"
SecRule ARGS "@rx <script" "id:1,phase:2,pass,nolog,setvar:tx.score=+5"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.score}'"
"#;

#[test]
fn many_hits_are_counted_in_closed_form() {
    let limits = Limits { fields: 1_000_000, ..Limits::default() };
    let policy = policy_with(MANY, PolicySettings { limits, ..PolicySettings::default() });
    let body = "a=<script>&".repeat(100_000);
    assert_eq!(data(&run(&policy, &form(body)), "900"), "500000");
}

// 12.
const SUM: &str = r#"
SecAction "id:1,phase:1,pass,nolog,setvar:tx.limit=5,setvar:tx.two=2"
SecRule ARGS "@rx fi[r]st" "id:2,phase:2,block,log,msg:'First',setvar:tx.level=+3"
SecRule ARGS "@rx sec[o]nd" "id:3,phase:2,block,log,msg:'Second',setvar:tx.level=+%{tx.two}"
SecAction "id:4,phase:2,pass,nolog,setvar:tx.sum=0"
SecRule TX:limit "@ge 1" "id:5,phase:2,pass,nolog,setvar:tx.sum=+%{tx.level}"
SecRule TX:sum "@ge %{tx.limit}" "id:6,phase:2,deny,status:406,log,msg:'Sum %{tx.sum}'"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.sum}'"
"#;

/// With a hold this short, and values whole up to as much.
fn held(rules: &'static str, hold: u64, mode: Mode) -> Arc<Policy> {
    let limits = Limits { hold, field_window: hold as usize, ..Limits::default() };
    policy_with(rules, PolicySettings { mode, limits, ..PolicySettings::default() })
}

/// A body with texts at places.
fn with_texts(length: usize, texts: &[(usize, &str)]) -> Vec<u8> {
    let mut body = vec![b'.'; length];
    for (at, text) in texts {
        body[*at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    body
}

#[test]
fn a_verdict_falls_at_the_byte_that_makes_it_certain() {
    // One long field that goes by as a stream, and many short ones that are whole.
    let stream = with_texts(10_000, &[(4_000, "first"), (6_000, "second")]);
    let fields = with_texts(10_000, &[(3_990, "&a=first&b="), (5_990, "&c=second&d=")]);
    // Of a whole value the end makes it certain, which the `&` tells.
    for (body, kind, target, place) in [
        (stream, "text/plain", "REQUEST_BODY", 6_006),
        (fields, "application/x-www-form-urlencoded", "ARGS", 6_000),
    ] {
        // `REQUEST_BODY` is not set without a parser, unless a rule asks for it.
        let forced = SUM.replace("SecRule ARGS ", &format!("SecRule {target} "))
            + "SecAction \"id:7,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On\"\n";
        let forced: &'static str = Box::leak(forced.into_boxed_str());
        let request = post(kind, body);
        let blocked = run(&held(forced, 2_048, Mode::Block), &request);
        let watched = run(&held(forced, 2_048, Mode::Detect), &request);
        let told = |record: &DecisionRecord| {
            let early = |known: &&waf_core::record::MatchRecord| !known.after_verdict;
            let all = record.matches.iter().chain(&record.bookkeeping).filter(early);
            all.map(|it| (it.rule_id.clone(), it.score, it.message.clone())).collect::<Vec<_>>()
        };
        assert_eq!(blocked.verdict_offset, Some(place), "{kind}");
        assert_eq!((blocked.status, blocked.decision.name()), (Some(406), "block"));
        assert_eq!((blocked.score.inbound, blocked.score.inbound_threshold), (5, 5));
        let expected = [("2", 3, "First"), ("3", 2, "Second"), ("6", 0, "Sum 5")];
        let expected = expected.map(|(id, score, text)| (id.to_owned(), score, text.to_owned()));
        assert_eq!(told(&blocked), expected, "{kind}");
        assert_eq!(blocked.coverage.stop, Some(Stop::Verdict));
        assert_eq!(watched.verdict_offset, Some(place), "{kind}");
        assert_eq!((watched.status, watched.decision.name()), (None, "would_block"));
        assert_eq!(told(&watched), expected, "{kind}");
        assert_eq!(watched.coverage.stop, None);
    }
}

/// These rules see no form in a body of unknown type, so it is not looked into for them.
#[test]
fn of_a_guessed_form_nothing_is_inexact() {
    let policy = held(SUM, 2_048, Mode::Detect);
    let body = with_texts(6_000, &[(0, "a="), (3_000, "first")]);
    let inexact = |kind: &str| {
        let record = run(&policy, &post(kind, body.clone()));
        let is_inexact = record.coverage.inexact.iter().any(|value| value.field == "ARGS_POST:a");
        (is_inexact, record.matches.len())
    };
    assert_eq!(inexact("application/x-www-form-urlencoded"), (true, 1));
    assert_eq!(inexact("text/plain"), (false, 0));
}

#[test]
fn within_the_hold_all_is_heard_and_at_its_end_decided() {
    let body = |at: usize| {
        let body = with_texts(6_000, &[(100, "&a=first&b="), (at, "&c=second&d=")]);
        form(body)
    };
    let policy = held(SUM, 2_048, Mode::Block);
    assert_eq!(run(&policy, &body(1_000)).verdict_offset, Some(2_048));
    assert_eq!(run(&policy, &body(2_100)).verdict_offset, Some(2_110));
    // A body that is held whole is decided at its end.
    let short = form(with_texts(2_000, &[(100, "&a=first&b="), (1_000, "&c=second&d=")]));
    assert_eq!(run(&policy, &short).verdict_offset, Some(2_000));
}

#[test]
fn a_rule_that_refuses_by_itself_needs_no_sum() {
    const RULES: &str = r#"
SecRule ARGS "@rx ev[i]l" "id:1,phase:2,deny,log,msg:'x'"
"#;
    let body = with_texts(6_000, &[(3_000, "&a=evil&b=")]);
    let record = run(&held(RULES, 2_048, Mode::Block), &form(body));
    assert_eq!((record.verdict_offset, record.status), (Some(3_008), Some(403)));
}

/// What stands in the way of [`SUM`], a rule each; whether it is named.
const IN_THE_WAY: [(&str, bool); 8] = [
    ("SecRule ARGS:x \"@rx y\" \"id:8,phase:2,pass,nolog,setvar:tx.level=-3\"", true),
    ("SecRule ARGS:x \"@rx y\" \"id:8,phase:2,pass,nolog,setvar:tx.level=0\"", true),
    ("SecRule ARGS:x \"@rx y\" \"id:8,phase:2,pass,nolog,skipAfter:END\"", true),
    ("SecRule ARGS:x \"@rx y\" \"id:8,phase:2,pass,nolog,ctl:ruleRemoveById=6\"", true),
    ("SecRule ARGS:x \"@rx y\" \"id:8,phase:2,allow,nolog\"", true),
    ("SecRule ARGS:x \"@rx y\" \"id:8,phase:2,pass,nolog,ctl:ruleEngine=Off\"", true),
    // These take away nothing that is counted.
    ("SecRule ARGS:x \"@rx y\" \"id:8,phase:2,pass,nolog,setvar:tx.other=-3\"", false),
    ("SecRule REQUEST_HEADERS:x \"@rx y\" \"id:8,phase:2,pass,nolog,skipAfter:END\"", false),
];

// 13, and what else can take a refusal back.
#[test]
fn what_can_take_a_refusal_back_is_heard_to_the_end_and_named() {
    let body = |end: &str| {
        let mut body = with_texts(10_000, &[(3_990, "&a=first&b="), (5_990, "&c=second&d=")]);
        body.extend_from_slice(end.as_bytes());
        form(body)
    };
    for (rule, named) in IN_THE_WAY {
        let text = SUM.replacen("SecAction \"id:4", &format!("{rule}\nSecAction \"id:4"), 1);
        let text: &'static str = Box::leak((text + "SecMarker END\n").into_boxed_str());
        let loaded = load(&Memory(text), &[PathBuf::from("rules.conf")]).unwrap();
        let compiled = compile(loaded.rules, vec![PolicySettings::default()]).unwrap();
        let warned = compiled.warnings.iter().any(|told| told.to_string().contains("rule `8`"));
        assert_eq!(warned, named, "{rule}: {:?}", compiled.warnings);
        let policy = held(text, 2_048, Mode::Block);
        let (passes, blocks) = (run(&policy, &body("&x=y")), run(&policy, &body("&x=z")));
        assert_eq!(blocks.status, Some(406), "{rule}");
        let (at, passed) = if named { (10_004, None) } else { (6_000, Some(406)) };
        assert_eq!(blocks.verdict_offset, Some(at), "{rule}");
        assert_eq!(passes.status, passed, "{rule}");
    }
    // A growing sum is no number yet.
    let exact = SUM.replace("@ge %{tx.limit}", "@eq 5");
    let exact: &'static str = Box::leak(exact.into_boxed_str());
    let policy = held(exact, 2_048, Mode::Block);
    assert_eq!(run(&policy, &body("&a=first")).status, None);
    let compiled = compile(
        load(&Memory(exact), &[PathBuf::from("rules.conf")]).unwrap().rules,
        vec![PolicySettings::default()],
    );
    let warned = compiled.unwrap().warnings;
    assert!(warned.iter().any(|told| told.to_string().contains("rule `6`")), "{warned:?}");
    assert_eq!(run(&policy, &body("&x=y")).verdict_offset, Some(10_004));
}

// 13.
const LOWERED: &str = r#"
SecRule ARGS:a "@rx x" "id:1,phase:2,pass,nolog,setvar:tx.score=+5"
SecRule ARGS:b "@rx y" "id:2,phase:2,pass,nolog,setvar:tx.score=-3"
SecRule TX:score "@ge 5" "id:3,phase:2,deny,status:403,log,msg:'x'"
"#;

#[test]
fn a_rule_that_lowers_the_score_is_heard_to_the_end() {
    let hold = 1_024;
    let limits = Limits { hold, ..Limits::default() };
    let policy = policy_with(LOWERED, PolicySettings { limits, ..PolicySettings::default() });
    let long = format!("a=x&c={}", "d".repeat(4_000));
    assert_eq!(run(&policy, &form(format!("{long}&b=y"))).status, None);
    assert_eq!(run(&policy, &form(long)).status, Some(403));
}

// 14.
const LEVELS: &str = r#"
SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=1"
SecRule REQUEST_HEADERS:X-Deep "@streq on" "id:2,phase:1,pass,nolog,setvar:tx.level=2"
SecRule TX:level "@lt 2" "id:3,phase:2,pass,nolog,skipAfter:END"
SecRule ARGS "@rx x" "id:4,phase:2,pass,log,msg:'deep'"
SecMarker END
"#;

#[test]
fn a_level_raised_on_the_way_brings_its_rules_in() {
    let policy = policy(LEVELS);
    assert_eq!(ids(&run(&policy, &get("/?a=x"))), [""; 0]);
    let mut deep = get("/?a=x");
    deep.headers.push(("X-Deep", "on".to_owned()));
    assert_eq!(ids(&run(&policy, &deep)), ["4"]);
}

// 15.
#[test]
fn a_hit_around_the_end_of_the_held_body_is_found_wherever_the_body_is_cut() {
    const RULES: &str = r#"
SecRule ARGS:a "@rx needle$" "id:1,phase:2,deny,log,msg:'x'"
"#;
    let limits = Limits { hold: 256, field_window: 256, ..Limits::default() };
    let policy = policy_with(RULES, PolicySettings { limits, ..PolicySettings::default() });
    for length in 250..262 {
        let body = format!("a={}needle", "b".repeat(length - 8));
        for piece in (length - 10)..length {
            let record = run_cut(&policy, &form(body.clone()), piece);
            assert_eq!(ids(&record), ["1"], "{length} bytes in pieces of {piece}");
        }
    }
}

// 16.
#[test]
fn transformations_go_on_behind_a_nul() {
    const RULES: &str = r#"
SecRule ARGS:a "@rx a cmd$" "id:1,phase:2,pass,log,msg:'x',t:none,t:cmdLine"
"#;
    assert_eq!(ids(&run(&policy(RULES), &get("/?a=%00a;c^md"))), ["1"]);
}

const THRESHOLD: &str = r#"
SecAction "id:1,phase:1,pass,nolog,setvar:tx.critical=5,setvar:tx.limit=5,setvar:tx.sum=0"
SecRule ARGS "@rx <script" "id:2,phase:2,block,log,msg:'Script',logdata:'%{TX.0} in %{MATCHED_VAR_NAME}',capture,severity:'CRITICAL',tag:'attack-xss',setvar:tx.level1=+%{tx.critical}"
SecRule ARGS "@rx union" "id:3,phase:2,block,log,msg:'SQL',severity:'WARNING',setvar:tx.level1=+3"
SecAction "id:4,phase:2,pass,nolog,setvar:tx.sum=+%{tx.level1}"
SecRule TX:sum "@ge %{tx.limit}" "id:5,phase:2,deny,log,msg:'Too much: %{tx.sum}'"
"#;

#[test]
fn the_cause_is_named_and_the_threshold_is_not() {
    let record = run(&policy(THRESHOLD), &form("q=1+<script>&r=union"));
    assert_eq!(record.status, Some(403));
    let matches: Vec<(&str, u32)> =
        record.matches.iter().map(|known| (known.rule_id.as_str(), known.score)).collect();
    assert_eq!(matches, [("2", 5), ("3", 3)]);
    assert_eq!((record.score.inbound, record.score.inbound_threshold), (8, 5));
    let first = &record.matches[0];
    assert_eq!(first.message, "Script");
    assert_eq!(first.data, "<script in ARGS:q");
    assert_eq!(
        (first.target.as_str(), first.offset, first.length),
        ("ARGS_POST:q", Some(2), Some(7))
    );
    assert_eq!(record.bookkeeping.len(), 1);
    assert_eq!(record.bookkeeping[0].message, "Too much: 8");
}

#[test]
fn below_the_threshold_the_score_is_told_and_nothing_refused() {
    let record = run(&policy(THRESHOLD), &form("r=union"));
    assert_eq!(record.status, None);
    assert_eq!((record.score.inbound, record.score.inbound_threshold), (3, 5));
}

#[test]
fn detection_only_differs_in_one_thing() {
    let settings = PolicySettings { mode: Mode::Detect, ..PolicySettings::default() };
    let detect = run(&policy_with(THRESHOLD, settings), &form("q=<script>"));
    let block = run(&policy(THRESHOLD), &form("q=<script>"));
    assert_eq!(detect.status, None);
    assert_eq!(detect.matches, block.matches);
    assert_eq!(detect.score, block.score);
    assert_eq!(detect.decision.name(), "would_block");
}

// What operators write around a rule set: files before and after it, at load and on the way.
const EXCLUDED: &str = r#"
SecRule REQUEST_FILENAME "@beginsWith /blog" "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=10-11,ctl:ruleRemoveTargetById=12;ARGS:text"
SecRule REQUEST_FILENAME "@beginsWith /tags" "id:2,phase:1,pass,nolog,ctl:ruleRemoveByTag=shop,ctl:ruleRemoveTargetByTag=other;ARGS"
SecRule ARGS "@rx x" "id:10,phase:2,pass,log,msg:'a',tag:'shop'"
SecRule ARGS "@rx x" "id:11,phase:2,pass,log,msg:'b',tag:'other'"
SecRule ARGS "@rx x" "id:12,phase:2,pass,log,msg:'c',tag:'more'"
SecRule ARGS "@rx x" "id:13,phase:2,pass,log,msg:'gone'"
SecRule ARGS "@rx x" "id:14,phase:2,pass,log,msg:'narrowed',tag:'narrow'"
SecRule ARGS "@rx x" "id:15,phase:2,pass,log,msg:'narrowed by message'"
SecRuleRemoveById 13
SecRuleUpdateTargetById 14 "!ARGS:/^wp_/,!ARGS:note"
SecRuleUpdateTargetByMsg "by message" "!ARGS:note"
"#;

#[test]
fn every_kind_of_exclusion_takes_away_just_what_it_names() {
    let policy = policy(EXCLUDED);
    let ids_of = |target: &str| {
        let record = run(&policy, &get(target));
        ids(&record).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids_of("/?q=x"), ["10", "11", "12", "14", "15"]);
    assert_eq!(ids_of("/?wp_a=x"), ["10", "11", "12", "15"]);
    assert_eq!(ids_of("/?NOTE=x"), ["10", "11", "12"]);
    assert_eq!(ids_of("/blog?q=x"), ["12", "14", "15"]);
    assert_eq!(ids_of("/blog?text=x"), ["14", "15"]);
    assert_eq!(ids_of("/tags?q=x"), ["12", "14", "15"]);
}

#[test]
fn exclusions_of_the_configuration_hold_for_seclang_rules_too() {
    use waf_core::rule::{Exclusion, ExclusionScope, Selector, Target, TargetKind, Variable};
    use waf_core::source::{Source, Span};
    let exclusion = Exclusion {
        scope: ExclusionScope::Range(10, 12),
        targets: vec![Target {
            kind: TargetKind::Include,
            variable: Variable::Args,
            selector: Selector::Name("comment".to_owned()),
        }],
        path: None,
        methods: Vec::new(),
        characters: None,
        reason: "a test".to_owned(),
        owner: "web".to_owned(),
        expires: waf_core::rule::Date::parse("2999-01-01").unwrap(),
        span: Span { source: Source::new("e.yaml", "-"), start: 0, end: 1 },
    };
    let settings = PolicySettings { exclusions: vec![exclusion], ..PolicySettings::default() };
    let policy = policy_with(EXCLUDED, settings);
    assert_eq!(ids(&run(&policy, &get("/?comment=x"))), ["14", "15"]);
    assert_eq!(ids(&run(&policy, &get("/?comments=x"))), ["10", "11", "12", "14", "15"]);
}

#[test]
fn a_file_after_the_rules_may_change_a_link_and_a_file_before_may_not_name_them() {
    // A rule of a set is told by MATCHED_VAR_NAME as the rule wrote it, whatever the collection.
    const RULES: &str = r#"
SecRule REQUEST_METHOD "@streq POST" "id:1,phase:2,pass,log,msg:'chain',chain"
  SecRule ARGS|REQUEST_COOKIES "@rx x" "t:none"
SecRuleUpdateTargetById 1 "!REQUEST_METHOD"
"#;
    assert_eq!(ids(&run(&policy(RULES), &form("a=x"))), [""; 0]);
}

#[test]
fn patterns_that_need_backtracking_are_listed_and_match() {
    const RULES: &str = r#"
SecRule ARGS:a "@rx (?i)^(\w+)=(?!\1$)" "id:1,phase:2,pass,log,msg:'x',capture,logdata:'%{TX.1}'"
"#;
    let loaded = load(&Memory(RULES), &[PathBuf::from("rules.conf")]).unwrap();
    let compiled = compile(loaded.rules, vec![PolicySettings::default()]).unwrap();
    let told: Vec<String> = compiled.warnings.iter().map(ToString::to_string).collect();
    assert!(
        told.iter().any(|told| told.contains("1 rules have patterns that need backtracking")),
        "{told:?}"
    );
    let policy = &compiled.policies[0];
    assert_eq!(ids(&run(policy, &get("/?a=ab%3Dab"))), [""; 0]);
    let record = run(policy, &get("/?a=ab%3Dcd"));
    assert_eq!((ids(&record), data(&record, "1")), (vec!["1"], "ab".to_owned()));
}

/// Arguments that are the same for every request are made at load. These are not.
#[test]
fn arguments_are_those_of_the_moment_at_which_a_value_is_asked() {
    // Each value raises what the next is held against.
    const GROWING: &str = r#"
SecAction "id:1,phase:1,pass,nolog,setvar:tx.n=1"
SecRule ARGS:a "@eq %{tx.n}" "id:2,phase:2,pass,nolog,setvar:tx.n=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.n}'"
"#;
    assert_eq!(said(GROWING, &get("/?a=1&a=2&a=2&a=3")), "4");
    // Whether the list grows depends on the request.
    const LISTS: &str = r#"
SecAction "id:1,phase:1,pass,nolog,setvar:'tx.list=/red/ /green/'"
SecRule ARGS:more "@streq yes" "id:2,phase:1,pass,nolog,setvar:'tx.list=%{tx.list} /blue/'"
SecRule ARGS:a "@within %{tx.list}" "id:3,phase:2,pass,nolog,setvar:tx.in=+1"
SecRule ARGS:a "@rx ^(.*)$" "id:4,phase:2,pass,nolog,capture,chain,setvar:'tx.a_%{tx.1}=/%{tx.1}/'"
  SecRule TX:/^A_/ "!@within %{tx.list}" "setvar:tx.out=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',logdata:'%{tx.in}/%{tx.out}'"
"#;
    assert_eq!(said(LISTS, &get("/?a=/red/&a=/blue/&a=green&a=ed/%20/g")), "3/3");
    assert_eq!(said(LISTS, &get("/?a=/red/&a=/blue/&a=green&more=yes")), "3/2");
    assert_eq!(said(LISTS, &get("/?a=pink&a=green")), "1/1");
}

/// A chain waits for its links, but what the first of them do is done.
#[test]
fn what_a_head_does_is_done_although_its_chain_cannot_match() {
    const CHAINS: &str = r#"
SecRule ARGS:a "@rx (x+)" "id:1,phase:2,pass,nolog,capture,chain"
  SecRule ARGS:b "@streq y" "setvar:tx.chained=1"
SecAction "id:2,phase:2,pass,nolog,setvar:'tx.kept=%{tx.1}'"
SecRule ARGS:a "@streq xx" "id:3,phase:2,pass,nolog,setvar:tx.seen=+1,chain"
  SecRule ARGS:c "!@streq z" "setvar:tx.also=1"
SecRule ARGS:a "@streq xx" "id:4,phase:2,pass,nolog,chain"
  SecRule &ARGS:b "@eq 0" "setvar:tx.without=1,chain"
    SecRule ARGS:c "@streq z" "setvar:tx.all=1"
SecAction "id:900,phase:5,pass,log,msg:'x',\
  logdata:'%{tx.chained}/%{tx.kept}/%{tx.seen}/%{tx.also}/%{tx.without}/%{tx.all}'"
"#;
    assert_eq!(said(CHAINS, &get("/?a=xx")), "/xx/1//1/");
    assert_eq!(said(CHAINS, &get("/?a=xx&c=z")), "/xx/1//1/1");
    assert_eq!(said(CHAINS, &get("/?a=xx&b=y&c=u")), "1/xx/1/1//");
    assert_eq!(said(CHAINS, &get("/?a=o&b=y&c=z")), "/////");
}

/// A rule that matches whenever it comes to it may have been taken away, and may end the phase.
#[test]
fn rules_that_always_match_can_be_taken_away_and_can_end_it_all() {
    const ENDS: &str = r#"
SecRule ARGS:off "@streq one" "id:1,phase:1,pass,nolog,ctl:ruleRemoveById=3"
SecAction "id:2,phase:1,pass,nolog,setvar:tx.level=1"
SecRule TX:level "@ge 1" "id:3,phase:2,pass,nolog,setvar:tx.sum=+%{tx.level}"
SecRule ARGS:off "@streq rest" "id:4,phase:2,pass,nolog,skipAfter:HERE"
SecRule TX:level "@ge 1" "id:5,phase:2,pass,nolog,ctl:ruleEngine=DetectionOnly,setvar:tx.sum=+4"
SecMarker HERE
SecRule ARGS:a "@streq x" "id:6,phase:2,deny,log,msg:'x',logdata:'%{tx.sum}'"
"#;
    let of = |target: &str| {
        let record = run(&policy(ENDS), &get(target));
        (data(&record, "6"), record.decision)
    };
    assert_eq!(of("/?a=x"), ("5".to_owned(), Decision::WouldBlock));
    assert_eq!(of("/?a=x&off=one"), ("4".to_owned(), Decision::WouldBlock));
    assert_eq!(of("/?a=x&off=rest"), ("1".to_owned(), Decision::Block));
}

/// A chain notes every value under a name of its own and asks all notes at once. What it comes to
/// is the same as if they were made, whoever looks at them.
#[test]
fn notes_are_as_good_as_made() {
    const ALONE: &str = r#"
SecAction "id:1,phase:1,pass,nolog,setvar:'tx.list=/if/ /expect/'"
SecRule ARGS_GET:b "@streq gone" "id:2,phase:1,pass,nolog,ctl:ruleRemoveTargetById=3;ARGS_GET:b"
SecRule ARGS_GET "@rx ^.*$" "id:3,phase:1,pass,nolog,capture,t:lowercase,\
  setvar:'tx.note_3_%{tx.0}=/%{tx.0}/',chain"
  SecRule TX:/^note_3_/ "@within %{tx.list}" "setvar:tx.hits=+1"
SecAction "id:4,phase:1,pass,nolog,setvar:'tx.last=%{tx.0}'"
SecRule TX:/sought/ "@rx ^/" "id:5,phase:1,pass,nolog,setvar:tx.seen=+1"
SecAction "id:900,phase:5,pass,log,msg:'x',\
  logdata:'%{tx.hits} %{tx.last} %{tx.seen} %{tx.around}'"
"#;
    // What it looks for may begin in the name and end in the value.
    const WATCHED: &str = concat!(
        r#"SecRule TX:/e_3_ab/ "@rx ^/" "id:6,phase:2,pass,nolog,setvar:tx.around=+1""#,
        "\n",
    );
    let watched: &'static str = format!("{WATCHED}{ALONE}").leak();
    for (target, alone, more) in [
        ("/", "  ", ""),
        ("/?a=Host&b=Cookie", " cookie ", ""),
        ("/?a=Host&b=gone", " host ", ""),
        ("/?a=IF&b=x", "1 x ", ""),
        ("/?a=if&b=EXPECT", "2 expect ", ""),
        ("/?a=if/+/expect", "1 if/ /expect ", ""),
        ("/?a=if/+/expect/", " if/ /expect/ ", ""),
        ("/?a=", "  ", ""),
        ("/?a=x&b=unSOUGHT-for", " unsought-for 1", ""),
        ("/?a=abc", " abc ", "1"),
    ] {
        assert_eq!(said(ALONE, &get(target)), format!("{alone} "), "{target}");
        assert_eq!(said(watched, &get(target)), format!("{alone} {more}"), "{target}");
    }
}
