use super::harness::{Folder, pinpoint, pinpoint_with, rule};

const REQUEST: &[u8] = b"POST /a?b=c HTTP/1.1\r\nHost: a.example\r\n\
    Content-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"user\":{\"name\":\"x zzz\"}}";

#[test]
fn a_block_is_status_1_and_pinned_to_its_bytes() {
    let folder = Folder::new("inspect");
    let rule = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let body = b"{\"user\":{\"name\":\"x zzz\"}}";
    let head = format!(
        "POST /a?b=c HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    let output = pinpoint_with(&["inspect", "--rules", &rule, "--format", "json"], &request);
    assert_eq!(output.status, Some(1), "{output:?}");
    let record = output.json();
    assert_eq!(record["decision"], "block");
    assert_eq!(record["request"]["query"], "b=***");
    let one = &record["matches"][0];
    assert_eq!(
        (&one["rule_id"], &one["target"]),
        (&"shop-a".into(), &"ARGS_POST:$.user.name".into())
    );
    assert_eq!((&one["offset"], &one["length"], &one["at"]), (&2.into(), &3.into(), &17.into()));
    let text = pinpoint_with(&["inspect", "--rules", &rule], &request);
    assert!(text.stdout.contains("Blocked with 403: the inbound score 5 reached the threshold 5."));
}

#[test]
fn detection_only_says_would_block() {
    let folder = Folder::new("detect");
    let rule = folder.write("shop/a.yaml", &rule("shop-a", "critical"));
    let request = b"GET /?q=zzz HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let arguments = ["inspect", "--mode", "detect", "--rules", &rule, "--format", "json"];
    let output = pinpoint_with(&arguments, request);
    assert_eq!(output.status, Some(1));
    assert_eq!(output.json()["decision"], "would_block");
}

#[test]
fn a_trace_names_the_field_the_step_and_the_rule() {
    let folder = Folder::new("trace");
    let text = rule("shop-a", "critical").replace("match:", "transform: [url_decode_uni]\nmatch:");
    let rule = folder.write("shop/a.yaml", &text);
    let body = r#"{"user":{"name":"x %7Azz"},"password":"s3cret"}"#;
    let request = format!(
        "POST /a?b=c HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let arguments = ["inspect", "--trace", "--rules", &rule];
    let output =
        pinpoint_with(&[&arguments[..], &["--format", "json"]].concat(), request.as_bytes());
    assert_eq!(output.json()["matches"][0]["rule_id"], "shop-a", "the record stands beside it");
    let fields = output.json()["trace"]["fields"].clone();
    let field = |target: &str| {
        let found = fields.as_array().unwrap().iter().find(|field| field["target"] == target);
        found.unwrap_or_else(|| panic!("no {target} in {fields}")).clone()
    };
    let name = field("ARGS_POST:$.user.name");
    assert_eq!((&name["parser"], &name["at"]), (&"json".into(), &17.into()));
    assert_eq!((&name["length"], &name["excerpt"]), (&7.into(), &"x %7Azz".into()));
    let step = serde_json::json!([{"decode": ["url_decode_uni"], "excerpt": "x zzz"}]);
    assert_eq!(name["steps"], step);
    let candidate = &name["candidates"][0];
    assert_eq!((&candidate["hit"], &candidate["end"]), (&true.into(), &5.into()));
    let rules = serde_json::json!([{"rule_id": "shop-a", "condition": 1, "conditions": 1, "in_part": false}]);
    assert_eq!(candidate["rules"], rules);
    assert_eq!(field("ARGS_GET:b")["excerpt"], "c", "what no rule hits is there too");
    assert_eq!(field("ARGS_POST:$.password")["excerpt"], "***");
    assert!(!output.stdout.contains("s3cret"), "{}", output.stdout);

    let text = pinpoint_with(&arguments, request.as_bytes()).stdout;
    let trace = text.split_once("\nTrace: ").unwrap_or_else(|| panic!("no trace: {text}")).1;
    let told = trace.split_once("ARGS_POST:$.user.name").unwrap_or_else(|| panic!("{trace}")).1;
    assert!(told.contains("url_decode_uni → x zzz") && told.contains("hit: shop-a"), "{told}");

    let without = pinpoint_with(&["inspect", "--rules", &rule], request.as_bytes()).stdout;
    assert!(!without.contains("Trace"));
}

#[test]
fn a_pass_is_status_0() {
    let folder = Folder::new("pass");
    let request = folder.write("a.http", "GET /?q=zzz HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let output = pinpoint(&["inspect", "--rules", "none", &request]);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(output.stdout.contains("Pass: the inbound score 0 is below the threshold 5."));
}

#[test]
fn a_request_written_in_an_editor_is_read_and_said() {
    let request = b"GET / HTTP/1.1\nHost: a.example\n\n";
    let output = pinpoint_with(&["inspect", "--rules", "none"], request);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(output.stderr.contains("read as CRLF"));
    let raw = pinpoint_with(&["inspect", "--rules", "none", "--raw"], request);
    assert_eq!(raw.status, Some(1));
    assert!(raw.stdout.contains("protocol-framing"));
    assert!(raw.stdout.contains("This cannot be switched off"));
}

#[test]
fn any_bytes_give_a_record() {
    for bytes in [&b""[..], b"\0\xff\x1b[2J", b"GET", &[b'A'; 100_000], REQUEST] {
        let output = pinpoint_with(&["inspect", "--rules", "none", "--format", "json"], bytes);
        assert_eq!(output.status, Some(1), "{output:?}");
        assert_eq!(output.json()["decision"], "block");
        let text = pinpoint_with(&["inspect", "--rules", "none"], bytes);
        assert!(text.stdout.chars().all(|c| c == '\n' || !c.is_control()));
    }
}

#[test]
fn an_unreadable_file_is_status_3() {
    let output = pinpoint(&["inspect", "--rules", "none", "/nowhere.http"]);
    assert_eq!(output.status, Some(3));
    assert!(output.stderr.contains("cannot read /nowhere.http"));
}
