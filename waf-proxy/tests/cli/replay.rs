use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use super::harness::{Folder, pinpoint, rule};

/// Two attacks, one of which the rule misses, and two benign requests, one of which it flags.
fn corpus(folder: &Folder) -> String {
    let line = |id: &str, label: &str, path: &str| {
        format!(
            r#"{{"id":"{id}","source":"test","class":"{}","label":"{label}","method":"GET","path":"{path}","version":"HTTP/1.1","headers":[["Host","a.example"]],"body_b64":""}}"#,
            if label == "attack" { "sqli" } else { "shop" }
        )
    };
    let lines = [
        line("1", "attack", "/?q=zzz"),
        line("2", "attack", "/?q=other"),
        line("3", "benign", "/?q=hello"),
        line("4", "benign", "/?q=zzz"),
    ];
    folder.write("c.jsonl", &(lines.join("\n") + "\n"))
}

#[test]
fn detected_missed_and_flagged_are_counted() {
    let folder = Folder::new("replay");
    let (corpus, rule) =
        (corpus(&folder), folder.write("shop/a.yaml", &rule("shop-a", "critical")));
    let output = pinpoint(&["replay", "--rules", &rule, &corpus]);
    assert_eq!(output.status, Some(0), "{output:?}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = output.stdout.lines().map(words).collect();
    assert!(lines.contains(&words("sqli 2 1 1 50.00%")), "{}", output.stdout);
    assert!(lines.contains(&words("shop 2 1 1 50.00%")), "{}", output.stdout);
    let json = pinpoint(&["replay", "--rules", &rule, "--format", "json", &corpus]).json();
    assert_eq!((&json["attack"]["all"]["caught"], &json["requests"]), (&1.into(), &4.into()));
}

#[test]
fn a_missed_gate_is_status_1() {
    let folder = Folder::new("gates");
    let (corpus, rule) =
        (corpus(&folder), folder.write("shop/a.yaml", &rule("shop-a", "critical")));
    let status = |gate: &str, value: &str| {
        pinpoint(&["replay", "--rules", &rule, gate, value, &corpus]).status
    };
    assert_eq!(status("--fail-under", "50"), Some(0));
    assert_eq!(status("--fail-under", "50.1"), Some(1));
    assert_eq!(status("--fail-over", "50"), Some(0));
    assert_eq!(status("--fail-over", "49.9"), Some(1));
}

#[test]
fn cutting_bodies_changes_nothing() {
    let folder = Folder::new("cutting");
    let (corpus, rule) =
        (corpus(&folder), folder.write("shop/a.yaml", &rule("shop-a", "critical")));
    let json = |chunk: &str| {
        let run = ["replay", "--rules", &rule, "--chunk", chunk, "--format", "json", &corpus];
        let mut json = pinpoint(&run).json();
        json["cost_us"] = Value::Null;
        json
    };
    assert_eq!(json("1"), json("1000000"));
    assert_eq!(json("random"), json("1000000"));
}

/// Answers requests without a body with 403 each, and counts the connections.
fn counting() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            thread::spawn(move || {
                let mut lines = BufReader::new(&stream).lines();
                while let Some(Ok(line)) = lines.next() {
                    if line.is_empty() {
                        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
                        (&stream).write_all(answer).unwrap();
                    }
                }
            });
        }
    });
    (url, count)
}

#[test]
fn a_target_is_asked_over_one_connection_a_job() {
    let folder = Folder::new("kept");
    let corpus = long(&folder, 20);
    for jobs in ["1", "3"] {
        let (url, count) = counting();
        let results = folder.path(&format!("kept{jobs}.jsonl"));
        let run = ["replay", "--target", &url, "--jobs", jobs, "--results", &results, &corpus];
        let output = pinpoint(&run);
        assert_eq!(output.status, Some(0), "{output:?}");
        let text = folder.read(&format!("kept{jobs}.jsonl"));
        assert_eq!(text.matches("\"status\":403").count(), 80, "{text}");
        let most: usize = jobs.parse().unwrap();
        assert!((1..=most).contains(&count.load(Ordering::SeqCst)), "{jobs}: {count:?}");
    }
}

/// The lines of a file of results, without what they cost.
fn results(text: &str) -> Vec<Value> {
    let result = |line: &str| {
        let mut result: Value = serde_json::from_str(line).unwrap();
        assert!(result["cost_us"].take().is_u64(), "{line}");
        result
    };
    text.lines().map(result).collect()
}

/// So many copies of the corpus, whose ids differ.
fn long(folder: &Folder, copies: usize) -> String {
    corpus(folder);
    let text = folder.read("c.jsonl");
    let copy = |n: usize| text.replace("\"id\":\"", &format!("\"id\":\"{n}-"));
    folder.write("long.jsonl", &(0..copies).map(copy).collect::<String>())
}

#[test]
fn results_are_flat_and_the_same_however_many_work() {
    let folder = Folder::new("results");
    let rule = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let corpus = long(&folder, 100);
    let run = |jobs: &str| {
        let path = folder.path(&format!("r{jobs}.jsonl"));
        let run = ["replay", "--rules", &rule, "--jobs", jobs, "--results", &path, &corpus];
        assert_eq!(pinpoint(&run).status, Some(0));
        results(&folder.read(&format!("r{jobs}.jsonl")))
    };
    let one = run("1");
    assert_eq!(one.len(), 400);
    assert_eq!(run("7"), one);
    let summary = one[0]["judge"].clone();
    assert!(summary.as_str().unwrap().contains("shop/a.yaml (1 rule)"), "{summary}");
    let hash = one[0]["ruleset"].clone();
    // The names and their types are a contract; only lists of words and numbers are not flat.
    let expected = serde_json::json!({
        "number": 0, "id": "0-1", "source": "test", "class": "sqli", "label": "attack",
        "method": "GET", "path": "/", "body_bytes": 0, "judge": summary, "ruleset": hash,
        "paranoia": 1, "verdict": "blocked", "status": null, "score": 5, "threshold": 5,
        "blocks_alone": false, "rules": ["shop-a"], "rule_scores": [5], "body_seen": 0,
        "stop": null, "inexact": [], "cost_us": null
    });
    assert_eq!(one[0], expected);
}

#[test]
fn an_interrupted_replay_goes_on_where_it_was() {
    let folder = Folder::new("resume");
    let shop = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let corpus = long(&folder, 50);
    let whole = folder.path("whole.jsonl");
    let json = |run: &[&str]| {
        let all = [&["replay", "--paranoia", "1,2", "--format", "json"], run].concat();
        let output = pinpoint(&all);
        assert_eq!(output.status, Some(0), "{output:?}");
        let mut json = output.json();
        for level in json["levels"].as_array_mut().unwrap() {
            level["cost_us"] = Value::Null;
        }
        json
    };
    let expected = json(&["--rules", &shop, "--results", &whole, &corpus]);
    let text = folder.read("whole.jsonl");
    assert_eq!(text.lines().count(), 400);
    // Within the first level, within the second, at the border, nothing, and everything; in the
    // middle of a line where there is one.
    for length in [text.len() / 3, text.len() / 3 * 2, text.len() / 2 + 1, 0, text.len()] {
        let path = folder.write("cut.jsonl", &text[..length]);
        assert_eq!(json(&["--rules", &shop, "--resume", &path, &corpus]), expected);
        let resumed = folder.read("cut.jsonl");
        assert_eq!(results(&resumed), results(&text), "{length}");
        // What was there is not run again.
        let kept = text[..length].rfind('\n').map_or(0, |at| at + 1);
        assert_eq!(resumed[..kept], text[..kept]);
    }
    let refused = |run: &[&str], why: &str| {
        let path = folder.write("cut.jsonl", &text[..text.len() / 3]);
        let output = pinpoint(&[&["replay", "--resume", &path], run].concat());
        assert!(matches!(output.status, Some(2 | 3)), "{output:?}");
        assert!(output.stderr.contains(why), "{why}: {}", output.stderr);
        // Nothing is lost.
        let kept = folder.read("cut.jsonl");
        assert!(kept.len() > 1_000 && text.starts_with(&kept));
    };
    let other = folder.write("shop/b.yaml", &rule("shop-b", "notice"));
    refused(&["--paranoia", "1,2", "--rules", &other, &corpus], "has results of");
    refused(&["--paranoia", "2", "--rules", &shop, &corpus], "has results of other requests");
    let short = folder.path("c.jsonl");
    refused(&["--paranoia", "1,2", "--rules", &shop, &short], "of other requests");
}

#[test]
fn a_baseline_tells_what_changed_request_by_request() {
    let folder = Folder::new("baseline");
    let corpus = corpus(&folder);
    let zzz = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let also = rule("shop-b", "notice").replace("zzz", "other");
    let also = folder.write("shop/b.yaml", &also.replace("[zz]", "[oth]"));
    let other = also_other(&folder);
    let was = folder.path("was.jsonl");
    let first = ["replay", "--rules", &zzz, "--rules", &also, "--results", &was, &corpus];
    assert_eq!(pinpoint(&first).status, Some(0));
    let now = folder.path("now.jsonl");
    let run = ["replay", "--rules", &other, "--name", "new", "--baseline", &was, "--results", &now];
    let output = pinpoint(&[&run[..], &[&corpus]].concat());
    assert_eq!(output.status, Some(0), "{output:?}");
    let (text, _cost) = output.stdout.split_once("\nin the engine: p50 ").unwrap();
    assert_eq!(text, CHANGES.replace("BASELINE", &was));
    let changes: Vec<_> = results(&folder.read("now.jsonl"))
        .iter()
        .map(|one| (one["change"].clone(), one["was_verdict"].clone(), one["was_score"].clone()))
        .collect();
    let expected = [
        ("newly_passed", "blocked", 5),
        ("newly_blocked", "passed", 2),
        ("none", "passed", 0),
        ("newly_passed", "blocked", 5),
    ];
    assert_eq!(changes, expected.map(|(a, b, c)| (a.into(), b.into(), c.into())));
    let gated = |baseline: &str| {
        let gate = ["replay", "--rules", &other, "--fail-on-change", "--baseline", baseline];
        pinpoint(&[&gate[..], &[&corpus]].concat()).status
    };
    assert_eq!((gated(&was), gated(&now)), (Some(1), Some(0)));
    let text = folder.write("text.jsonl", "{}\n");
    assert_eq!(gated(&text), Some(3));
    let over = ["replay", "--rules", "none", "--baseline", &was, "--results", &was, &corpus];
    assert_eq!(pinpoint(&over).status, Some(2));
    assert_eq!(folder.read("was.jsonl").lines().count(), 4, "the baseline is still there");
}

/// A rule that flags `other` in arguments, by a whole score.
fn also_other(folder: &Folder) -> String {
    let text = rule("shop-c", "critical").replace("zzz", "other");
    folder.write("shop/c.yaml", &text.replace("[zz]", "[oth]"))
}

const CHANGES: &str = "\
4 requests · new · paranoia 1

 ATTACKS  REQUESTS  DETECTED  MISSED   SHARE     WAS
 sqli            2         1       1  50.00%  50.00%
 all             2         1       1  50.00%  50.00%

 BENIGN  REQUESTS  FLAGGED  PASSED  SHARE     WAS
 shop           2        0       2  0.00%  50.00%
 all            2        0       2  0.00%  50.00%

changes from BASELINE: 1 newly blocked, 2 newly passed, 1 unchanged

newly blocked
  attack sqli 2 GET /: score 2 → 5, + shop-c, - shop-b

newly passed
  attack sqli 1 GET /: score 5 → 0, - shop-a
  benign shop 4 GET /: score 5 → 0, - shop-a
";

#[test]
fn labels_come_from_where_they_are_asked_for() {
    let folder = Folder::new("labels");
    let shop = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let line = |bad: u8| {
        format!(
            "{{\"method\":\"GET\",\"path\":\"/?q=zzz\",\"headers\":[[\"Host\",\"a.example\"]],\"bad\":{bad}}}\n"
        )
    };
    let text = line(1) + &line(0) + &line(0);
    let attack = folder.write("x/attack.jsonl", &text);
    let benign = folder.write("benign/x.jsonl", &text);
    let counts = |run: &[&str]| {
        let output = pinpoint(&[&["replay", "--rules", &shop, "--format", "json"], run].concat());
        let json = output.json();
        ["attack", "benign"].map(|side| json[side]["all"]["total"].as_u64().unwrap())
    };
    assert_eq!(counts(&[&attack]), [0, 0]);
    assert_eq!(counts(&["--label", "benign", &attack]), [0, 3]);
    assert_eq!(counts(&["--label-from", "file", &attack]), [3, 0]);
    assert_eq!(counts(&["--label-from", "folder", &benign]), [0, 3]);
    assert_eq!(counts(&["--label-from", "field:bad", &attack]), [1, 2]);
    let wrong = pinpoint(&["replay", "--rules", "none", "--label-from", "folders", &attack]);
    assert_eq!(wrong.status, Some(2));
}

#[test]
fn every_level_is_replayed_with_rules_of_both_languages() {
    let folder = Folder::new("levels");
    let corpus = corpus(&folder);
    let yaml = rule("shop-a", "critical").replace("targets:", "paranoia: 3\ntargets:");
    let yaml = folder.write("shop/a.yaml", &yaml);
    // As the CRS does it; the set-up says 1, which the level asked for must overcome.
    let setup = "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=1\"\n";
    let setup = folder.write("setup.conf", setup);
    let seclang = folder.write(
        "rules.conf",
        "SecRule TX:blocking_paranoia_level \"@lt 2\" \"id:2,phase:1,pass,nolog,skipAfter:END\"\n\
         SecRule ARGS \"@contains other\" \"id:3,phase:1,deny,log,msg:'other'\"\n\
         SecMarker END\n",
    );
    let run = |rules: &[&str]| {
        let levels = ["replay", "--paranoia", "1,2,3", "--format", "json", &corpus];
        let json = pinpoint(&[&levels[..], rules].concat()).json();
        let caught = |level: &Value| {
            let of = |side: &str| level[side]["all"]["caught"].as_u64().unwrap();
            (level["paranoia"].as_u64().unwrap(), of("attack") + of("benign"))
        };
        json["levels"].as_array().unwrap().iter().map(caught).collect::<Vec<_>>()
    };
    assert_eq!(run(&["--rules", &yaml]), [(1, 0), (2, 0), (3, 2)]);
    assert_eq!(run(&["--rules", &setup, "--rules", &seclang]), [(1, 0), (2, 1), (3, 1)]);
    let wrong = pinpoint(&["replay", "--paranoia", "5", &corpus]);
    assert_eq!(wrong.status, Some(2));
}

#[test]
fn an_unreadable_corpus_is_status_3() {
    let folder = Folder::new("unreadable");
    let broken = folder.write("c.jsonl", "{\"id\":1\n");
    assert_eq!(pinpoint(&["replay", "--rules", "none", "/nowhere.jsonl"]).status, Some(3));
    let output = pinpoint(&["replay", "--rules", "none", &broken]);
    assert_eq!(output.status, Some(3));
    assert!(output.stderr.contains("c.jsonl:1:"), "{}", output.stderr);
}
