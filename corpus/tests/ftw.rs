//! The reader and runner of regression suites, over test files of our own in `data/ftw`: every key
//! of both schemas, every rule by which an input becomes a request, every expectation met and
//! missed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop"
)]

mod common;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use waf_core::policy::PolicySettings;
use waf_core::record::Mode;
use waf_core::source::Source;
use waf_corpus::follow::Follower;
use waf_corpus::ftw::{InProcess, Overrides, Results, Schema, Suite, run};
use waf_corpus::{Cut, Request};

fn data(name: &str) -> PathBuf {
    common::root().join("corpus/tests/data/ftw").join(name)
}

fn suite(name: &str) -> Suite {
    Suite::read(&[data(name)]).unwrap_or_else(|reports| panic!("{}", reports[0]))
}

/// What go-ftw sends for `shape.yaml`, by its `ftwhttp/request.go`; test by test, stage by stage.
const SHAPES: &[(&str, &[&[u8]])] = &[
    ("1-1", &[b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"]),
    ("1-2", &[b"GET /a?b=c HTTP/1.0\r\nA: x\r\nC: \r\na: z\r\nb: 7\r\nConnection: close\r\n\r\n"]),
    ("1-3", &[b"GET / HTTP/1.1\r\nZ: 1\r\nA: 2\r\nZ: 3\r\nConnection: close\r\n\r\n"]),
    (
        "1-4",
        &[b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Connection: close\r\nContent-Length: 24\r\n\r\na+b=c+d%3D%C3%A9&x&=~-_."],
    ),
    (
        "1-5",
        &[b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Connection: close\r\nContent-Length: 7\r\n\r\na=%41 b"],
    ),
    (
        "1-6",
        &[b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Connection: close\r\nContent-Length: 7\r\n\r\na=1+1 b"],
    ),
    (
        "1-7",
        &[b"POST / HTTP/1.1\r\ncontent-type: Application/X-WWW-Form-Urlencoded\r\n\
            Connection: close\r\nContent-Length: 9\r\n\r\na=%3Cb%3E"],
    ),
    (
        "1-8",
        &[b"POST / HTTP/1.1\r\n\
            Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\
            Connection: close\r\nContent-Length: 5\r\n\r\na=<b>"],
    ),
    (
        "1-9",
        &[b"POST / HTTP/1.1\r\nContent-Type: Multipart/Form-Data; boundary=b\r\n\
            Connection: close\r\nContent-Length: 21\r\n\r\n--b\r\nA: b\r\r\n\r\n--b--\r\n"],
    ),
    (
        "1-10",
        &[b"POST / HTTP/1.1\r\nContent-Type: multipart/form-data\r\n\
            Connection: close\r\nContent-Length: 3\r\n\r\na\nb"],
    ),
    ("1-11", &[b"POST / HTTP/1.1\r\n\r\na b"]),
    ("1-12", &[b"POST / HTTP/1.1\r\nContent-Type: multipart/form-data;b\r\n\r\na\r\nb"]),
    (
        "1-13",
        &[b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nconnection: keep-alive\r\n\
            content-length: 99\r\n\r\na b"],
    ),
    (
        "1-14",
        &[
            b"DELETE / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            b"XPUTX / HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            b"XPOST / HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"DELETEX / HTTP/1.1\r\nConnection: close\r\n\r\n",
        ],
    ),
    (
        "1-15",
        &[b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\
            Connection: close\r\nContent-Length: 7\r\n\r\n<11111>"],
    ),
    ("1-16", &[b"GET /\n\0\xff"]),
    (
        "1-17",
        &[b"POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\
            Connection: close\r\nContent-Length: 4\r\n\r\n\0\xff\n\r"],
    ),
];

/// What ftw sends for `shape3.yaml`, by its `ftw/ruleset.py`.
const OLDER_SHAPES: &[(&str, &[&[u8]])] = &[
    (
        "2-1",
        &[b"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n\
            Content-Length: 14\r\n\r\n--b\r\n\r\n--b--\r\n"],
    ),
    ("2-2", &[b"POST / HTTP/1.1\r\n\r\na b"]),
    ("2-3", &[b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"]),
    (
        "2-4",
        &[b"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n\
            Content-Length: 10\r\n\r\n--b\r\nA: b\n"],
    ),
    (
        "2-5",
        &[b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Content-Length: 18\r\n\r\na=%3C1+2%25z&d+e=f"],
    ),
    (
        "2-6",
        &[
            b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
              Content-Length: 3\r\n\r\n<a>",
            b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
              Content-Length: 8\r\n\r\na=<1>%20",
        ],
    ),
    ("2-7", &[b"POST / HTTP/1.1\r\n\r\n"]),
];

#[test]
fn inputs_become_the_bytes_that_the_suites_own_client_sends() {
    for (name, shapes) in [("shape.yaml", SHAPES), ("shape3.yaml", OLDER_SHAPES)] {
        let suite = suite(name);
        assert_eq!(suite.tests.len(), shapes.len());
        for (test, (id, expected)) in suite.tests.iter().zip(shapes) {
            assert_eq!(test.id, *id);
            let sent: Vec<_> =
                test.stages.iter().map(|stage| stage.request.escape_ascii().to_string()).collect();
            let expected: Vec<_> =
                expected.iter().map(|bytes| bytes.escape_ascii().to_string()).collect();
            assert_eq!(sent, expected, "{id}: {}", test.description);
        }
    }
}

#[test]
fn a_suite_knows_its_schema_and_where_its_tests_stand() {
    assert_eq!(suite("shape.yaml").schema(), Some(Schema::V4));
    let older = suite("shape3.yaml");
    assert_eq!(older.schema(), Some(Schema::V3));
    assert_eq!((older.tests[0].rule.as_str(), older.tests[0].line), ("2", 4));
    let all = Suite::read(&[data("")]).unwrap();
    assert_eq!((all.files, all.schema()), (4, Some(Schema::V4)));
}

#[test]
fn what_is_not_understood_is_refused_at_its_place() {
    let stage = |input: &str, output: &str| {
        format!("rule_id: 1\ntests:\n- stages:\n  - input: {input}\n    output: {output}\n")
    };
    let input = |input| (stage(input, "{status: 200}"), 4);
    let output = |output| (stage("{}", output), 5);
    let cases = [
        (("rule_id: 1\nrules: []\n".to_owned(), 2), "unknown key `rules`"),
        (("meta: {by: me}\n".to_owned(), 1), "unknown key `by`"),
        (("rule_id: 1\ntests:\n- id: 1\n  stages: []\n".to_owned(), 3), "unknown key `id`"),
        (("rule_id: 1\ntests:\n- stages: []\n".to_owned(), 3), "a stage at least"),
        (("rule_id: 1\ntests:\n- stages: [{input: {}}]\n".to_owned(), 3), "`input` and `output`"),
        (("tests:\n- stages: [{input: {}, output: {status: 200}}]\n".to_owned(), 2), "`rule_id`"),
        (input("{verb: GET}"), "unknown key `verb`"),
        (input("{response: {}}"), "unknown key `response`"),
        (input("{data: '{{ now }}'}"), "the function `now` is not known"),
        (input("{data: [1]}"), "a line is text"),
        (input("{data: {}}"), "text or lines"),
        (input("{encoded_request: '*'}"), "not base64"),
        (input("{data: a, encoded_request: YQ==}"), "exclude each other"),
        (input("{follow_redirect: true}"), "not followed"),
        (input("{save_cookie: true}"), "not kept"),
        (input("{version: 1.1}"), "text or a whole number"),
        (output("{}"), "nothing is expected"),
        (output("{log: {}}"), "nothing is expected"),
        (output("{status: 99}"), "from 100 to 599"),
        (output("{status: [200, x]}"), "from 100 to 599"),
        (output("{log: {expect_id: 1}}"), "unknown key `expect_id`"),
        (output("{log: {match_regex: '('}}"), "this is no pattern"),
        (output("{log: {match_regex: '(?=a)'}}"), "this is no pattern"),
        (output("{isolated: true, log: {expect_ids: [1, 2]}}"), "exactly one id"),
    ];
    let folder = std::env::temp_dir().join(format!("ftw-refused-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("wrong.yaml");
    for ((text, line), why) in cases {
        std::fs::write(&file, &text).unwrap();
        let reports = Suite::read(std::slice::from_ref(&file)).unwrap_err();
        let told = reports[0].to_string();
        assert!(
            told.contains(why) && told.contains(&format!("wrong.yaml:{line}:")),
            "{text}{told}"
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

const RULES: [&str; 3] = [
    "id: demo-script\nname: Script element\nwhy: A test.\nreferences: [CWE-79]\nseverity: critical\n\
     targets: [ARGS]\nmatch: {contains: \"<script\"}\n\
     tests: {attack: [\"<script>\"], benign: [scripts]}\n",
    "id: demo-word\nname: A word\nwhy: A test.\nreferences: [CWE-1]\nseverity: notice\n\
     targets: [ARGS]\nmatch: {contains: word}\ntests: {attack: [words], benign: [wor]}\n",
    "id: demo-leak\nname: A leak\nwhy: A test.\nreferences: [CWE-1]\nseverity: notice\n\
     targets: [\"RESPONSE_HEADERS:X-Secret\"]\nmatch: {contains: leak}\n\
     tests: {attack: [leaks], benign: [lea]}\n",
];

/// A suite through the engine in detection-only mode, with our protocol findings.
fn results(suite: &Suite, cut: Cut, jobs: usize) -> Results {
    let mut rules = common::builtin_rules();
    rules.retain(|rule| rule.class == "protocol");
    rules.extend(common::rules(&RULES));
    let settings = PolicySettings { mode: Mode::Detect, ..PolicySettings::default() };
    let policy = common::policy(rules, settings);
    run(suite, jobs, || Ok(InProcess::new(&policy)), |_| cut).unwrap()
}

#[test]
fn tests_pass_however_bodies_are_cut() {
    let suite = suite("pass.yaml");
    for cut in [Cut::Whole, Cut::Every(1), Cut::Random(3)] {
        let results = results(&suite, cut, 2);
        let failed: Vec<_> = results.failed().collect();
        assert!(failed.is_empty(), "{cut:?}: {failed:#?}");
        assert_eq!(results.outcomes.len(), suite.tests.len());
    }
}

#[test]
fn tests_fail_for_the_reason_that_they_say() {
    let suite = suite("fail.yaml");
    let results = results(&suite, Cut::Whole, 1);
    for (test, outcome) in suite.tests.iter().zip(&results.outcomes) {
        assert_eq!(outcome.failures, [test.description.as_str()], "{}", test.id);
    }
    let count = results.by_file(&suite).into_values().next().unwrap();
    assert_eq!((count.passed, count.failed), (0, 10));
}

#[test]
fn a_record_is_found_by_its_id_however_the_log_is_written() {
    let mut runner = common::runner(&common::policy(Vec::new(), PolicySettings::default()));
    let mut line = |id: &str| {
        let request = Request { id: id.to_owned(), ..Request::default() };
        serde_json::to_string(&runner.run(&request, Cut::Whole)).unwrap() + "\n"
    };
    let (old, first, second) = (line("old"), line("first"), line("second"));
    let path = std::env::temp_dir().join(format!("ftw-follow-{}.jsonl", std::process::id()));
    let mut log = File::create(&path).unwrap();
    log.write_all(old.as_bytes()).unwrap();
    let follower = Follower::open(&path, Duration::from_millis(300)).unwrap();
    assert!(follower.record("old").is_err(), "it was there before");
    let (start, end) = second.split_at(40);
    log.write_all((first + start).as_bytes()).unwrap();
    let writer = thread::spawn({
        let end = end.to_owned();
        move || {
            thread::sleep(Duration::from_millis(50));
            log.write_all(end.as_bytes()).unwrap();
        }
    });
    assert_eq!(follower.record("second").unwrap().request_id, "second");
    assert_eq!(follower.record("first").unwrap().request_id, "first");
    let told = follower.record("third").unwrap_err().to_string();
    assert!(told.contains("no record of third"), "{told}");
    writer.join().unwrap();
    std::fs::remove_file(&path).unwrap();
}

fn overrides(text: &str) -> Overrides {
    Overrides::parse(&Source::new("o.yaml", text)).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn overrides_replace_expectations() {
    let mut suite = suite("fail.yaml");
    let given = overrides(
        "version: v0.0.0\nmeta: {engine: x, platform: y, annotations: [{a: b}]}\ntest_overrides:\n\
         - {rule_id: demo-script, test_ids: [3, 4], reason: r, output: {status: 200}}\n\
         - {rule_id: demo-script, test_ids: [10], stage_ids: [1], reason: r, retry_once: true, \
         output: {log: {no_expect_ids: [demo-script]}}}\n",
    );
    given.apply(&mut suite).unwrap();
    assert_eq!(given.len(), 2);
    let results = results(&suite, Cut::Whole, 1);
    let passed = results.outcomes.iter().filter(|outcome| outcome.passed());
    let passed: Vec<_> = passed.map(|outcome| suite.tests[outcome.test].id.as_str()).collect();
    assert_eq!(passed, ["demo-script-3", "demo-script-4", "demo-script-10"]);
}

#[test]
fn an_override_without_test_ids_is_about_every_test_of_the_rule() {
    let mut suite = suite("fail.yaml");
    let text = "test_overrides: [{rule_id: demo-script, reason: r, output: {status: 999}}]";
    assert!(Overrides::parse(&Source::new("o.yaml", text)).is_err(), "999 is no status");
    overrides(&text.replace("999", "599")).apply(&mut suite).unwrap();
    assert!(suite.tests.iter().all(|test| test.stages[0].expected.status == [599]));
}

#[test]
fn overrides_of_what_is_not_there_are_errors() {
    let told = |written: &str| {
        let text = format!("test_overrides:\n- {{rule_id: demo-script, {written}}}\n");
        match Overrides::parse(&Source::new("o.yaml", text)) {
            Ok(overrides) => overrides.apply(&mut suite("fail.yaml")).unwrap_err()[0].to_string(),
            Err(report) => report.to_string(),
        }
    };
    let output = "reason: r, output: {status: 200}";
    let unknown = told(&format!("test_ids: [1, 99], {output}"));
    assert!(
        unknown.contains("no test demo-script-99") && unknown.contains("o.yaml:2:"),
        "{unknown}"
    );
    assert!(told(&format!("test_ids: [1], stage_ids: [1], {output}")).contains("no such stage"));
    assert!(told("reason: ' ', output: {status: 200}").contains("why it is needed"));
    assert!(told("output: {status: 200}").contains("`reason` is missing"));
    assert!(told("reason: r, output: {}").contains("nothing is expected"));
    assert!(told(&format!("test: 1, {output}")).contains("unknown key `test`"));
}
