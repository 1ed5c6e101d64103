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

/// Blocks are carried out or only told of for everything, a route, a class and a rule; a higher level of
/// paranoia is only told of.
#[test]
fn blocks_are_eased_from_the_whole_to_a_rule() {
    let folder = Folder::new("eased");
    let text = rule("shop-a", "critical");
    folder.write("shop/a.yaml", &text);
    folder.write("two/a.yaml", &text.replace("targets:", "paranoia: 2\ntargets:"));
    let request = b"GET /?q=zzz HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let told = |rules: &str, route: &str, settings: &str| {
        let config = folder.write(
            "p.yaml",
            &format!(
                "upstreams: {{app: {{servers: [\"127.0.0.1:1\"]}}}}\nrules: [{rules}/*.yaml]\n\
                 routes: [{{name: default, match: {{}}, upstream: app{route}}}]\n{settings}"
            ),
        );
        let arguments = ["inspect", "-c", &config, "--format", "json"];
        let record = pinpoint_with(&arguments, request).json();
        let counted = record["matches"][0].get("counted").is_none();
        (record["decision"].as_str().unwrap().to_owned(), counted)
    };
    let is = |decision: &str, counted| (decision.to_owned(), counted);
    assert_eq!(told("shop", "", ""), is("block", true));
    assert_eq!(told("shop", "", "mode: detect\n"), is("would_block", true));
    assert_eq!(told("shop", ", mode: detect", "mode: block\n"), is("would_block", true));
    assert_eq!(told("shop", ", mode: block", "mode: detect\n"), is("block", true));
    let class = "overrides: {class:shop: {mode: detect}}\n";
    assert_eq!(told("shop", "", class), is("would_block", false));
    let rule = "overrides: {shop-a: {mode: detect}}\n";
    assert_eq!(told("shop", "", rule), is("would_block", false));
    let level = "scoring: {paranoia: 1, detection_paranoia: 2}\n";
    assert_eq!(told("two", "", level), is("pass", false));
    assert_eq!(told("two", "", "scoring: {paranoia: 2}\n"), is("block", true));
}

/// What the defaults keep out of records, wherever it stands.
#[test]
fn credentials_cookies_and_card_numbers_are_masked_by_default() {
    const SECRETS: [&str; 5] = ["4111", "hunter2", "s3ss10n", "eyJhbGci", "QWxhZGRpbg"];
    let folder = Folder::new("secrets");
    // Quotes all it sees.
    let rules = folder.write(
        "rules.conf",
        "SecRule ARGS|REQUEST_HEADERS|REQUEST_COOKIES|REQUEST_BODY|REQUEST_URI \"@contains zzz\" \
         \"id:100,phase:2,deny,log,msg:'saw %{MATCHED_VAR}',logdata:'%{MATCHED_VAR}'\"",
    );
    let body = "note=4111 1111 1111 1111 zzz&password=hunter2 zzz&text=Bearer QWxhZGRpbg zzz";
    let request = format!(
        "POST /pay/4111-1111-1111-1111/zzz?card=4111111111111111&token=hunter2 HTTP/1.1\r\n\
         Host: a.example\r\nCookie: sid=s3ss10n zzz\r\nAuthorization: Basic QWxhZGRpbg zzz\r\n\
         Referer: http://a.example/?t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln zzz\r\n\
         User-Agent: 4111111111111111 zzz\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let arguments = ["inspect", "--rules", &rules, "--mode", "detect", "--format", "json"];
    let record = pinpoint_with(&arguments, request.as_bytes()).stdout;
    for secret in SECRETS {
        assert!(request.contains(secret) && !record.contains(secret), "{secret}: {record}");
    }
    // The rest is shown.
    assert!(record.matches("zzz").count() > 3, "{record}");
    assert!(record.contains("/pay/***/zzz"), "{record}");
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
