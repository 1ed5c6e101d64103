//! `replay --ftw` and `replay --target`: suites and corpora, in process and against a proxy.

use std::net::TcpStream;
use std::process::Child;
use std::time::{Duration, Instant};

use super::harness::{Folder, free_port, pinpoint, rule, spawn};

/// One test that passes and one that fails, where a rule flags `zzz`.
const SUITE: &str = "rule_id: 1\ntests:\n\
    - test_id: 1\n  stages:\n  - input: {uri: '/?q=zzz', headers: {Host: a.example}}\n    \
      output: {status: 200, log: {expect_ids: [shop-a]}}\n\
    - test_id: 2\n  desc: It is not there\n  stages:\n  - input: {uri: '/?q=<&\"', headers: {Host: a.example}}\n    \
      output: {log: {expect_ids: [shop-a]}}\n";

const OVERRIDES: &str = "test_overrides:\n- rule_id: 1\n  test_ids: [2]\n  \
    reason: For a test\n  output: {log: {no_expect_ids: [shop-a]}}\n";

#[test]
fn expectations_that_fail_are_told_and_are_status_1() {
    let folder = Folder::new("ftw");
    let suite = folder.write("1.yaml", SUITE);
    let rule = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let junit = folder.path("junit.xml");
    let run = ["replay", "--ftw", "--rules", &rule, "--junit", &junit, &suite];
    let output = pinpoint(&run);
    assert_eq!(output.status, Some(1), "{output:?}");
    let text = &output.stdout;
    assert!(text.contains("2 tests, 2 requests: 1 passed, 1 failed; 0 overrides"), "{text}");
    assert!(text.contains(&format!("1-2 ({suite}:7)\n    It is not there\n")), "{text}");
    assert!(text.contains("  - shop-a was expected in the log, which has protocol-"), "{text}");
    let xml = folder.read("junit.xml");
    assert!(xml.contains("<testsuites tests=\"2\" failures=\"1\">"), "{xml}");
    assert!(xml.contains("<testcase classname=\"1\" name=\"1-1\"/>"), "{xml}");
    assert!(xml.contains("name=\"1-2\"><failure message=\"shop-a was expected"), "{xml}");
    let json = pinpoint(&[&run[..], &["--format", "json"]].concat()).json();
    assert_eq!((&json["passed"], &json["failed"]), (&1.into(), &1.into()));
    assert_eq!(json["failures"][0]["test"], "1-2");
    assert_eq!(json["files"][&suite]["failed"], 1);
}

#[test]
fn overrides_replace_expectations_and_must_be_of_the_suite() {
    let folder = Folder::new("ftw-overrides");
    let suite = folder.write("1.yaml", SUITE);
    let rule = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let with = |overrides: &str| {
        let overrides = folder.write("o.yaml", overrides);
        pinpoint(&["replay", "--ftw", "--rules", &rule, "--overrides", &overrides, &suite])
    };
    let output = with(OVERRIDES);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(output.stdout.contains("2 passed, 0 failed; 1 overrides"), "{}", output.stdout);
    let output = with(&OVERRIDES.replace("[2]", "[3]"));
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stderr.contains("the suite has no test 1-3"), "{}", output.stderr);
    let broken = folder.write("2.yaml", &SUITE.replace("stages", "stage"));
    let output = pinpoint(&["replay", "--ftw", "--rules", "none", &broken]);
    assert_eq!(output.status, Some(3), "{output:?}");
    assert!(output.stderr.contains("unknown key `stage`"), "{}", output.stderr);
}

#[test]
fn options_of_one_kind_of_replay_are_refused_in_another() {
    for options in [
        &["--overrides", "o.yaml"][..],
        &["--junit", "j.xml"],
        &["--log", "a.jsonl"],
        &["--rate", "5"],
        &["--ftw", "--target", "http://127.0.0.1:1"],
        &["--target", "http://127.0.0.1:1/path"],
        &["--target", "http://127.0.0.1:1", "--rules", "none"],
        &["--target", "http://127.0.0.1:1", "--rate", "0"],
    ] {
        let folder = Folder::new("ftw-options");
        let suite = folder.write("1.yaml", SUITE);
        let output = pinpoint(&[&["replay", &suite], options].concat());
        assert_eq!(output.status, Some(2), "{options:?}: {output:?}");
    }
}

/// A proxy whose rule flags `zzz`, and an address for its origin.
struct Proxy {
    child: Child,
    folder: Folder,
    url: String,
    origin: String,
}

impl Proxy {
    fn start(name: &str, mode: &str) -> Self {
        let folder = Folder::new(name);
        let (port, admin) = (free_port(), free_port());
        let origin = format!("127.0.0.1:{}", free_port());
        folder.write("shop/a.yaml", &rule("shop-a", "critical"));
        let config = format!(
            "mode: {mode}\nlisteners: [{{address: \"127.0.0.1:{port}\"}}]\n\
             admin: {{address: \"127.0.0.1:{admin}\"}}\nrules: [shop]\n\
             upstreams: {{app: {{servers: [\"{origin}\"]}}}}\n\
             audit: {{log: all, file: audit.jsonl}}\nmasking: {{query_values: false}}\n"
        );
        let child = spawn(&["run", "-c", &folder.write("p.yaml", &config)]);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "it never started");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, folder, url: format!("http://127.0.0.1:{port}"), origin }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Whatever fails here does no harm to the next test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_suite_is_run_over_the_wire() {
    let proxy = Proxy::start("ftw-wire", "detect");
    let folder = &proxy.folder;
    let (suite, log) = (folder.write("t/1.yaml", SUITE), folder.path("audit.jsonl"));
    let overrides = folder.write("o.yaml", OVERRIDES);
    let run = [
        "replay",
        "--ftw",
        "--target",
        &proxy.url,
        "--log",
        &log,
        "--origin",
        &proxy.origin,
        "--chunk",
        "1",
        "--rate",
        "1000",
        &suite,
    ];
    let output = pinpoint(&run);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(output.stdout.contains("1-2 ("), "{}", output.stdout);
    let output = pinpoint(&[&run[..], &["--overrides", &overrides]].concat());
    assert_eq!(output.status, Some(0), "{output:?}");
    // The log of another proxy never has the record.
    let other = folder.write("other.jsonl", "");
    let wrong = run.map(|word| if word == log { other.as_str() } else { word });
    let output = pinpoint(&[&wrong[..], &["--patience", "0.5"]].concat());
    assert_eq!(output.status, Some(3), "{output:?}");
    assert!(output.stderr.contains("is `audit.log` set to `all`?"), "{}", output.stderr);
}

#[test]
fn a_corpus_is_sent_over_the_wire() {
    let proxy = Proxy::start("replay-wire", "block");
    let line = |label: &str, path: &str| {
        format!(
            "{{\"source\":\"s\",\"class\":\"c\",\"label\":\"{label}\",\"method\":\"GET\",\
             \"path\":\"{path}\",\"headers\":[[\"Host\",\"a.example\"]]}}\n"
        )
    };
    let lines = [line("attack", "/?q=zzz"), line("benign", "/?q=zzz"), line("benign", "/?q=z")];
    let corpus = proxy.folder.write("c.jsonl", &lines.concat());
    let run = ["replay", "--target", &proxy.url, "--format", "json", &corpus];
    let json = pinpoint(&run).json();
    assert_eq!(json["attack"]["all"]["caught"], 1);
    // No origin listens: the other one is answered with 502.
    assert_eq!(
        (&json["benign"]["all"]["total"], &json["benign"]["all"]["caught"]),
        (&2.into(), &1.into())
    );
    let json = pinpoint(&[&run[..], &["--blocked", "502"]].concat()).json();
    assert_eq!(
        (&json["attack"]["all"]["caught"], &json["benign"]["all"]["caught"]),
        (&0.into(), &1.into())
    );
    let nobody = format!("http://127.0.0.1:{}", free_port());
    assert_eq!(pinpoint(&["replay", "--target", &nobody, &corpus]).status, Some(3));
}
