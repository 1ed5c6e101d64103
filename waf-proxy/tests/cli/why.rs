use super::harness::{Folder, free_port, pinpoint, rule};

const RECORD: &str = r#"{"time":"2026-11-23T10:00:00.123Z","request_id":"01JD-a","mode":"block","decision":"block","status":403,"source":"waf","route":"default","client":{"ip":"203.0.113.7"},"request":{"method":"POST","host":"shop.example","path":"/login","query":"q=***","content_type":"application/json","body_bytes":812},"score":{"inbound":5,"inbound_threshold":5,"outbound":0,"outbound_threshold":4},"matches":[{"rule_id":"sqli-union-select","name":"SQL UNION SELECT","severity":"critical","score":5,"paranoia":1,"phase":"request_body","target":"ARGS_POST:$.user.name","decode":["json","url_decode_uni"],"offset":17,"length":12,"excerpt":"union select","message":"SQL UNION SELECT","data":"","tags":["attack-sqli"],"file":"rules/sqli/union-select.yaml","line":1}],"verdict_offset":612,"coverage":{"body_seen":612,"body_total":812,"stop":"verdict","inexact":[]},"ruleset":"sha256:00","timing_us":{"inspect":41,"total":1830}}"#;

#[test]
fn the_story_is_told_from_a_log() {
    let folder = Folder::new("why");
    let log = folder.write("a.jsonl", &format!("{RECORD}\n"));
    let output = pinpoint(&["why", "01JD-a", "--log", &log]);
    assert_eq!(output.status, Some(0), "{output:?}");
    for part in
        ["Pinpoint answered 403", "ARGS_POST:$.user.name", "json → url_decode_uni", "- rule:"]
    {
        assert!(output.stdout.contains(part), "{part} is not in:\n{}", output.stdout);
    }
    let json = pinpoint(&["why", "01JD-a", "--log", &log, "--format", "json"]).json();
    assert_eq!(json["record"]["status"], 403);
    assert!(json["exclusions"][0]["yaml"].as_str().unwrap().contains("path: /login"));
}

/// Attacks are replayed as the record's route would have judged them.
#[test]
fn the_price_is_what_the_exclusion_lets_in_on_the_route() {
    let folder = Folder::new("price");
    let log = RECORD.replace("sqli-union-select", "shop-a");
    let log = folder.write("a.jsonl", &format!("{log}\n"));
    folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let config = folder.write(
        "p.yaml",
        "upstreams: {app: {servers: [\"127.0.0.1:1\"]}}\n\
         rules: [shop/*.yaml]\n\
         routes:\n\
         \x20 - {name: lax, match: {path: /lax*}, upstream: app, \
         overrides: {shop-a: {mode: off}}}\n\
         \x20 - {name: default, match: {}, upstream: app}\n",
    );
    // In the field of the record, in another one, and on another path.
    let attack = |path: &str, body: &str| {
        let kind = "-H 'Content-Type: application/json'";
        format!("curl http://shop.example{path} {kind} -d '{body}'\n")
    };
    let attacks = attack("/login", r#"{"user":{"name":"zzz"}}"#)
        + &attack("/login", r#"{"user":{"city":"zzz"}}"#)
        + &attack("/other", r#"{"user":{"name":"zzz"}}"#);
    let attacks = folder.write("attacks.curl", &attacks);
    let why = ["why", "01JD-a", "--log", &log, "--attacks", &attacks, "-c", &config];
    let told = pinpoint(&why);
    assert_eq!(told.status, Some(0), "{told:?}");
    let price = "Its price: 1 of 3 attacks that are caught would pass with it: ";
    assert!(told.stdout.contains(price), "{}", told.stdout);
    let json = pinpoint(&[&why[..], &["--format", "json"]].concat()).json();
    assert_eq!((&json["price"]["in_all"], &json["price"]["of"]), (&1.into(), &3.into()));
}

#[test]
fn a_log_that_rotation_has_compressed_is_read_too() {
    let folder = Folder::new("rotated");
    // Several blocks, the record among others; of two with one id it is the later one.
    let at = |second: usize, id: &str, path: &str| {
        let time = format!("2026-11-23T10:{:02}:{:02}", second / 60 % 60, second % 60);
        let line = RECORD.replace("2026-11-23T10:00:00", &time).replace("01JD-a", id);
        line.replace("/login", path) + "\n"
    };
    let others =
        |from: usize| (from..from + 1_500).map(move |n| at(n, &format!("id-{n}"), "/other"));
    let twice = [at(20, "01JD-a", "/early"), at(1_700, "01JD-a", "/late")];
    let [early, late] = twice.map(std::iter::once);
    let lines: String = early.chain(others(100)).chain(late).chain(others(1_800)).collect();
    let file = std::fs::File::create(folder.path("a.jsonl.1.gz")).unwrap();
    let mut writer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut writer, lines.as_bytes()).unwrap();
    writer.finish().unwrap();
    let log = folder.path("a.jsonl.1.gz");
    let found = pinpoint(&["why", "01JD-a", "--log", &log]);
    assert_eq!(found.status, Some(0), "{found:?}");
    assert!(found.stdout.starts_with("POST shop.example/late?"), "{}", found.stdout);
    assert_eq!(pinpoint(&["why", "01JD", "--log", &log]).status, Some(1));
}

#[test]
fn an_id_that_is_not_found_is_status_1_and_says_where_it_looked() {
    let folder = Folder::new("notfound");
    let log = folder.write("a.jsonl", &format!("{RECORD}\n"));
    let output = pinpoint(&["why", "01JD", "--log", &log]);
    assert_eq!(output.status, Some(1), "an id is not a prefix: {output:?}");
    assert!(output.stderr.contains("not in the audit log"));

    let config = folder.write(
        "p.yaml",
        &format!(
            "upstreams: {{app: {{servers: [\"127.0.0.1:3000\"]}}}}\naudit: {{file: a.jsonl}}\n\
             admin: {{address: \"127.0.0.1:{}\"}}\n",
            free_port()
        ),
    );
    let output = pinpoint(&["why", "nope", "-c", &config]);
    assert_eq!(output.status, Some(1));
    assert!(output.stderr.contains("cannot ask the proxy's memory"), "{}", output.stderr);
    assert!(output.stderr.contains("not in the audit log"), "{}", output.stderr);
    assert_eq!(pinpoint(&["why", "01JD-a", "-c", &config]).status, Some(0));
    // What rotation has put aside is looked in too.
    let other = RECORD.replace("01JD-a", "01JD-b");
    folder.write("a.jsonl.1", &format!("{other}\n"));
    let output = pinpoint(&["why", "01JD-b", "-c", &config]);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(output.stderr.contains("a.jsonl.1"), "{}", output.stderr);
}

#[test]
fn an_unreadable_log_is_status_3_and_an_odd_id_status_2() {
    assert_eq!(pinpoint(&["why", "a", "--log", "/nowhere.jsonl"]).status, Some(3));
    assert_eq!(pinpoint(&["why", "a/../b", "--log", "/nowhere.jsonl"]).status, Some(2));
}
