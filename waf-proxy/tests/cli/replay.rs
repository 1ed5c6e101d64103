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
fn cutting_bodies_changes_nothing_and_a_baseline_is_shown() {
    let folder = Folder::new("baseline");
    let (corpus, rule) =
        (corpus(&folder), folder.write("shop/a.yaml", &rule("shop-a", "critical")));
    let json = |chunk: &str| {
        let output =
            pinpoint(&["replay", "--rules", &rule, "--chunk", chunk, "--format", "json", &corpus]);
        let mut json = output.json();
        json["cost_us"] = serde_json::Value::Null;
        (json, output.stdout)
    };
    let (whole, text) = json("1000000");
    assert_eq!(json("1").0, whole);
    assert_eq!(json("random").0, whole);
    let baseline = folder.write("was.json", &text);
    let output = pinpoint(&["replay", "--rules", "none", "--baseline", &baseline, &corpus]);
    let line = output.stdout.lines().find(|line| line.contains("sqli")).unwrap();
    assert!(line.contains("0.00%") && line.trim_end().ends_with("50.00%"), "{line}");
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
