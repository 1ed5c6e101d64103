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
