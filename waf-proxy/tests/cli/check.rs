use super::harness::{Folder, pinpoint, rule};

const UPSTREAM: &str = "upstreams: {app: {servers: [\"127.0.0.1:3000\"]}}\nrules: [shop/*.yaml]\n";

#[test]
fn what_loads_is_told_with_its_memory_bound() {
    let folder = Folder::new("check");
    folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let config = folder.write("p.yaml", UPSTREAM);
    let output = pinpoint(&["check", "-c", &config]);
    assert_eq!(output.status, Some(0), "{output:?}");
    for part in [
        "shop/*.yaml (1 rule), protocol findings (",
        "sha256:",
        "KiB at most",
        "off the tables",
        " 0 failed",
    ] {
        assert!(output.stdout.contains(part), "{part} is not in:\n{}", output.stdout);
    }
    let json = pinpoint(&["check", "-c", &config, "--format", "json"]).json();
    assert_eq!(json["classes"]["shop"], 1);
    assert!(json["policies"][0]["memory_bytes"].as_u64().is_some_and(|bytes| bytes > 100_000));
    assert!(json["policies"][0]["steps_per_byte"].as_u64().is_some_and(|steps| steps > 0));
    assert!(json["most_table_bytes"].as_u64() > json["table_bytes"].as_u64());
    assert_eq!(json["examples"]["failures"].as_array().map(Vec::len), Some(0));
}

#[test]
fn an_example_that_goes_wrong_is_status_1_at_its_place() {
    let folder = Folder::new("example");
    let wrong = rule("shop-a", "critical").replace("benign: [zz]", "benign: [a zzz b]");
    let path = folder.write("shop/a.yaml", &wrong);
    for arguments in [&["check", "--rules", &path][..], &["rules", "test", "--rules", &path]] {
        let output = pinpoint(arguments);
        assert_eq!(output.status, Some(1), "{output:?}");
        assert!(output.stdout.contains("`shop-a` matches this benign example in query"));
        assert!(output.stdout.contains("a.yaml:8:"), "{}", output.stdout);
    }
}

#[test]
fn a_warning_is_status_1_under_strict_only() {
    let folder = Folder::new("strict");
    folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    folder.write(
        "e.yaml",
        "- {rule: shop-a, targets: [\"ARGS:q\"], reason: r, owner: o, expires: 2020-01-01}\n",
    );
    let config = folder.write("p.yaml", &format!("{UPSTREAM}exclusions: [e.yaml]\n"));
    let output = pinpoint(&["check", "-c", &config]);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(output.stdout.contains("this exclusion ended on 2020-01-01"));
    assert_eq!(pinpoint(&["check", "--strict", "-c", &config]).status, Some(1));
}

#[test]
fn an_exclusion_that_no_record_needed_is_told_of_unless_it_has_ended() {
    let folder = Folder::new("unneeded");
    folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let exclusion = |field: &str, expires: &str| {
        format!(
            "- {{rule: shop-a, targets: [\"ARGS:{field}\"], reason: r, owner: o, expires: {expires}}}\n"
        )
    };
    let all = [("q", "2099-01-01"), ("r", "2099-01-01"), ("s", "2020-01-01")];
    folder.write("e.yaml", &all.map(|(field, day)| exclusion(field, day)).concat());
    let config = folder.write("p.yaml", &format!("{UPSTREAM}exclusions: [e.yaml]\n"));
    let place = folder.path("e.yaml:1");
    let needed =
        serde_json::json!({"rule_id": "shop-a", "target": "ARGS_GET:q", "exclusion": place});
    let log = folder.write("audit.jsonl", &format!("{{\"excluded\":[{needed}]}}\n"));
    let output = pinpoint(&["check", "-c", &config, "--log", &log]).stdout;
    let told: Vec<&str> =
        output.split("no record of the log needed this exclusion").skip(1).collect();
    assert_eq!(told.len(), 1, "{output}");
    assert!(told[0].lines().nth(1).unwrap().contains("e.yaml:2:"), "{output}");
}

#[test]
fn a_bad_rule_or_configuration_is_status_2_with_place_and_caret() {
    let folder = Folder::new("bad");
    let bad = rule("shop-a", "critical").replace("severity: critical", "severity: critcal");
    let path = folder.write("shop/a.yaml", &bad);
    let config = folder.write("p.yaml", &format!("{UPSTREAM}limits: {{filds: 10}}\n"));
    for (arguments, place, caret) in [
        (["check", "--rules", &path], "a.yaml:5:11", "^^^^^^^"),
        (["check", "-c", &config], "p.yaml:3:10", "^^^^^"),
    ] {
        let output = pinpoint(&arguments);
        assert_eq!(output.status, Some(2));
        assert!(output.stdout.is_empty());
        for part in [place, caret, "did you mean"] {
            assert!(output.stderr.contains(part), "{part} is not in:\n{}", output.stderr);
        }
    }
    assert_eq!(pinpoint(&["check", "--rules", "/nowhere.yaml"]).status, Some(2));
    assert_eq!(pinpoint(&["check", "-c", "/nowhere.yaml"]).status, Some(2));
}

#[test]
fn the_catalogue_lists_and_shows() {
    let folder = Folder::new("catalogue");
    let path = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let list = pinpoint(&["rules", "list", "--rules", &path]);
    assert_eq!(list.status, Some(0));
    assert!(list.stdout.lines().any(|line| line.contains("shop-a") && line.contains("critical")));
    let list = pinpoint(&["rules", "list", "--rules", &path, "--format", "json"]).json();
    assert!(list.as_array().unwrap().iter().any(|rule| rule["id"] == "protocol-framing"));
    let show = pinpoint(&["rules", "show", "shop-a", "--rules", &path]);
    assert!(show.stdout.contains("For a test.") && show.stdout.contains("match: {contains: zzz}"));
    assert_eq!(pinpoint(&["rules", "show", "nope", "--rules", &path]).status, Some(2));
}

/// What is shipped must pass its own check.
#[test]
fn the_built_in_rules_load() {
    let output = pinpoint(&["rules", "list", "--format", "json"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.json().as_array().map_or(0, Vec::len) > 100);
}
