use proptest::prelude::*;

use super::*;
use crate::field::Recorder;
use Finding::{
    ProtocolBodyUnexpected as BodyUnexpected, ProtocolCharset as Charset,
    ProtocolContentEncoding as Encoding, ProtocolContentTypeConflict as TypeConflict,
    ProtocolContentTypeMissing as TypeMissing, ProtocolExpect as Expect,
    ProtocolFraming as BadFraming, ProtocolHeaderTrick as Trick, ProtocolHost as Host,
    ProtocolHostConflict as HostConflict, ProtocolMethod as Method,
    ProtocolMethodForbidden as Forbidden, ProtocolPathAmbiguous as Ambiguous,
    ProtocolTargetCharacters as Characters, ProtocolTargetControl as Control,
    ProtocolUpgrade as Upgrade,
};

/// A head from lines as they would be typed: `METHOD TARGET`, then header lines.
fn head(text: &str) -> RequestHead {
    let mut lines = text.split('|');
    let (method, target) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name.as_bytes().to_vec(), value.trim().as_bytes().to_vec())
    };
    RequestHead::from_parts(method, target, *b"HTTP/1.1", lines.map(header).collect())
}

fn found(head: &RequestHead) -> Vec<Finding> {
    validate(head, &HeadPolicy::default()).into_iter().map(|(finding, _)| finding).collect()
}

/// Section 5 of the rule document, row by row. `Host: a` is added where no Host is spoken of.
const CASES: &[(&str, &[Finding])] = &[
    ("GET /", &[]),
    ("POST /a/b.c?d=e|Content-Type: text/plain|Content-Length: 3", &[]),
    ("OPTIONS *", &[]),
    ("GET http://a/x", &[]),
    ("GET http://A/x", &[]),
    // Framing.
    ("POST /|Content-Length: 3|Content-Length: 3|Content-Type: a/b", &[BadFraming]),
    ("POST /|Content-Length: 3|Transfer-Encoding: chunked|Content-Type: a/b", &[BadFraming]),
    // Host.
    ("GET /|Host: a.example:8080", &[]),
    ("GET /|Host: 192.0.2.1", &[]),
    ("GET /|Host: [2001:db8::1]:443", &[]),
    ("GET /|Host: [::1]", &[]),
    ("GET /|Host: x_y.example", &[]),
    ("GET /|!", &[Host]),
    ("GET /|Host:", &[Host]),
    ("GET /|Host: a b", &[Host]),
    ("GET /|Host: a/b", &[Host]),
    ("GET /|Host: u@a", &[Host]),
    ("GET /|Host: a,b", &[Host]),
    ("GET /|Host: a:", &[Host]),
    ("GET /|Host: a:b", &[Host]),
    ("GET /|Host: a:+8", &[Host]),
    ("GET /|Host: a:65536", &[Host]),
    ("GET /|Host: :80", &[Host]),
    ("GET /|Host: a%00", &[Host]),
    ("GET /|Host: \u{e9}", &[Host]),
    ("GET /|Host: [::1", &[Host]),
    ("GET /|Host: [a]", &[Host]),
    ("GET /|Host: [::1]x", &[Host]),
    ("GET /|Host: a|Host: a", &[HostConflict]),
    ("GET /|Host: a|host: b", &[HostConflict]),
    ("GET http://b/|Host: a", &[HostConflict]),
    ("GET http://u@a/|Host: a", &[HostConflict]),
    ("GET http://a:80/|Host: a", &[HostConflict]),
    // Target.
    ("GET /<", &[Characters]),
    ("GET /a b", &[Characters]),
    ("GET /\u{e9}", &[Characters]),
    ("GET /a#b", &[Characters]),
    ("GET /\0", &[Control]),
    ("GET /?x=a/../b", &[]),
    ("GET /a/../b", &[Ambiguous]),
    ("GET /a%2fb", &[Ambiguous]),
    ("GET /%252e", &[Ambiguous]),
    ("GET /%c0%ae", &[Ambiguous]),
    ("GET http://a/./x", &[Ambiguous]),
    // Method.
    ("FROB /", &[Method]),
    ("get /", &[Method]),
    ("CONNECT a:443", &[Forbidden]),
    ("TRACE /", &[Forbidden]),
    // Body where none is expected.
    ("GET /|Content-Length: 3|Content-Type: a/b", &[BodyUnexpected]),
    ("HEAD /|Transfer-Encoding: chunked|Content-Type: a/b", &[BodyUnexpected]),
    ("GET /|Content-Length: 0", &[]),
    ("DELETE /|Content-Length: 3|Content-Type: a/b", &[]),
    // Expect.
    ("POST /|Expect: 100-Continue", &[]),
    ("POST /|Expect: 200-ok", &[Expect]),
    ("POST /|Expect: 100-continue, x", &[Expect]),
    // Header tricks.
    ("GET /|X_User: a", &[]),
    ("GET /|X-User: a|X_User: b", &[Trick]),
    ("GET /|x_real-ip: a|X-Real-IP: b", &[Trick]),
    ("GET /|X_A: a|x_a: b", &[]),
    ("GET /|Connection: close", &[]),
    ("GET /|Connection: keep-alive, Cookie", &[Trick]),
    ("GET /|Connection: HOST", &[Trick]),
    ("GET /|Connection: authorization", &[Trick]),
    ("GET /|Connection: x|Connection: X-Forwarded-For", &[Trick]),
    ("GET /|X-Original-URL: /admin", &[Trick]),
    ("GET /|X-HTTP-Method-Override: PUT", &[Trick]),
    ("POST /|X-HTTP-Method-Override: DELETE", &[Trick]),
    ("POST /|X-HTTP-Method-Override: PUT", &[]),
    ("POST /|X-HTTP-Method-Override: PATCH|X-Original-URL: /a", &[Trick]),
    // Upgrade.
    ("GET /|Upgrade: websocket", &[Upgrade]),
    ("GET /|Upgrade: h2c, WebSocket/13", &[Upgrade]),
    ("GET /|Upgrade: h2c", &[]),
    // Content-Encoding, looked at where there is a body.
    ("POST /|Content-Type: a/b|Content-Length: 3|Content-Encoding: gzip", &[]),
    ("POST /|Content-Type: a/b|Content-Length: 3|Content-Encoding: BR", &[]),
    ("POST /|Content-Type: a/b|Content-Length: 3|Content-Encoding: identity", &[]),
    ("POST /|Content-Type: a/b|Content-Length: 3|Content-Encoding: zstd", &[Encoding]),
    ("POST /|Content-Type: a/b|Content-Length: 3|Content-Encoding: gzip, gzip", &[Encoding]),
    (
        "POST /|Content-Type: a/b|Content-Length: 3|Content-Encoding: gzip|Content-Encoding: br",
        &[Encoding],
    ),
    // Content-Type.
    ("POST /|Content-Length: 3", &[TypeMissing]),
    ("POST /|Content-Length: 3|Content-Type:", &[TypeMissing]),
    ("POST /|Content-Length: 0", &[]),
    ("POST /|Content-Type: a/b|content-type: a/b", &[TypeConflict]),
    ("POST /|Content-Type: a/b, c/d", &[TypeConflict]),
    ("POST /|Content-Type: a/b, A/B", &[]),
    ("POST /|Content-Type: a/b, a/b,", &[TypeConflict]),
    ("POST /|Content-Type: a/b, a/b;charset=utf-8, a/b", &[Charset]),
    (
        "POST /|Content-Type: multipart/form-data;boundary=a, multipart/form-data;boundary=a",
        &[TypeConflict],
    ),
    ("POST /|Content-Type: a/b;charset=utf-8;charset=utf-7", &[TypeConflict]),
    ("POST /|Content-Type: multipart/form-data;boundary=a;boundary=b", &[TypeConflict]),
    ("POST /|Content-Type: multipart/form-data;boundary=a;Boundary*=b", &[TypeConflict]),
    ("POST /|Content-Type: a/b;charset=\"UTF-8\"", &[]),
    ("POST /|Content-Type: a/b;charset=windows-1252", &[]),
    ("POST /|Content-Type: a/b;charset=utf-7", &[Charset]),
    ("POST /|Content-Type: a/b;charset=ibm037", &[Charset]),
    ("POST /|Content-Type: a/b;charset=utf-16", &[Charset]),
    ("POST /|Content-Type: a/b;charset=", &[Charset]),
];

#[test]
fn heads_are_judged_as_documented() {
    for (text, expected) in CASES {
        let mut head = head(text);
        if !text.contains("Host:") && !text.contains('!') {
            head.headers.push((b"Host".to_vec(), b"a".to_vec()));
        }
        head.headers.retain(|(name, _)| name != b"!");
        assert_eq!(found(&head), *expected, "{text}");
    }
}

#[test]
fn a_route_sets_methods_websockets_and_limits() {
    let frob = head("FROB /|Host: a|Upgrade: websocket");
    let mut policy =
        HeadPolicy { methods: vec!["FROB".into()], websocket: true, ..HeadPolicy::default() };
    assert_eq!(validate(&frob, &policy), []);
    policy.limits.url = 0;
    policy.limits.headers = 1;
    let sizes = [(Finding::LimitUrl, 0), (Finding::LimitHeaders, 0)];
    assert_eq!(validate(&frob, &policy), sizes);
    policy.limits = Limits { header_bytes: 20, ..Limits::default() };
    assert_eq!(validate(&frob, &policy), [(Finding::LimitHeaders, 0)]);
}

#[test]
fn http_2_heads_are_judged_alike() {
    let head = |headers| RequestHead::from_parts(*b"GET", *b"/", *b"HTTP/2.0", headers);
    let host = |host: &str| vec![(b"host".to_vec(), host.as_bytes().to_vec())];
    assert_eq!(found(&head(vec![]).with_authority(b"a")), []);
    assert_eq!(found(&head(host("a")).with_authority(b"a")), []);
    assert_eq!(found(&head(host("b")).with_authority(b"a")), [HostConflict]);
    assert_eq!(found(&head(vec![])), [Host]);
    let body = head(vec![]).with_authority(b"a").with_body(true);
    assert_eq!(found(&body), [BodyUnexpected, TypeMissing]);
}

#[test]
fn findings_about_the_target_tell_where() {
    let head = head("GET http://a/../\\\0|Host: a");
    let expected = [(Control, 13), (Characters, 12), (Ambiguous, 8)];
    assert_eq!(validate(&head, &HeadPolicy::default()), expected);
}

#[test]
fn content_codings() {
    let coding = |lines: &str| content_coding(&head(&format!("POST /{lines}")));
    assert_eq!(coding(""), Ok(None));
    assert_eq!(coding("|Content-Encoding:"), Ok(None));
    assert_eq!(coding("|Content-Encoding: identity"), Ok(None));
    assert_eq!(coding("|Content-Encoding: GZIP"), Ok(Some(Coding::Gzip)));
    assert_eq!(coding("|Content-Encoding: x"), Err(Encoding));
    assert_eq!(coding("|Content-Encoding: identity, gzip"), Err(Encoding));
}

fn told(head: &RequestHead) -> Vec<(&'static str, String, String, u64)> {
    let mut recorder = Recorder::new();
    fields(head, "203.0.113.7", &Limits::default(), &mut recorder);
    assert_eq!(recorder.misuse, Vec::<&str>::new());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    recorder
        .fields
        .iter()
        .map(|field| (field.collection.name(), text(&field.name), text(&field.value), field.at))
        .collect()
}

/// The variables of SecLang as ModSecurity defines them.
#[test]
fn every_field_of_a_head_is_told() {
    let head =
        head("GET http://h:8/a/b%20c.php?q=1%2b1&r#f|HOST: h:8|Cookie: s=\"%31\"; t|cookie: u=v");
    let expected = [
        ("REQUEST_LINE", "", "GET http://h:8/a/b%20c.php?q=1%2b1&r#f HTTP/1.1", 0),
        ("REQUEST_METHOD", "", "GET", 0),
        ("REQUEST_PROTOCOL", "", "HTTP/1.1", 0),
        ("REQUEST_URI", "", "/a/b%20c.php?q=1%2b1&r", 10),
        ("REQUEST_URI_RAW", "", "http://h:8/a/b%20c.php?q=1%2b1&r#f", 0),
        ("REQUEST_FILENAME", "", "/a/b%20c.php", 10),
        ("REQUEST_BASENAME", "", "b%20c.php", 13),
        // What SecLang calls so is decoded.
        ("REQUEST_FILENAME", "", "/a/b c.php", 10),
        ("REQUEST_BASENAME", "", "b c.php", 13),
        ("QUERY_STRING", "", "q=1%2b1&r", 23),
        ("REMOTE_ADDR", "", "203.0.113.7", 0),
        ("ARGS_GET_NAMES", "q", "q", 23),
        ("ARGS_GET", "q", "1+1", 25),
        ("ARGS_GET_NAMES", "r", "r", 31),
        ("ARGS_GET", "r", "", 32),
        ("REQUEST_HEADERS_NAMES", "HOST", "HOST", 0),
        ("REQUEST_HEADERS", "HOST", "h:8", 0),
        ("REQUEST_HEADERS_NAMES", "Cookie", "Cookie", 0),
        ("REQUEST_HEADERS", "Cookie", "s=\"%31\"; t", 0),
        ("REQUEST_HEADERS_NAMES", "cookie", "cookie", 0),
        ("REQUEST_HEADERS", "cookie", "u=v", 0),
        ("REQUEST_COOKIES_NAMES", "s", "s", 0),
        ("REQUEST_COOKIES", "s", "\"%31\"", 2),
        ("REQUEST_COOKIES_NAMES", "t", "t", 9),
        ("REQUEST_COOKIES", "t", "", 10),
        ("REQUEST_COOKIES_NAMES", "u", "u", 0),
        ("REQUEST_COOKIES", "u", "v", 2),
    ];
    let expected = expected
        .map(|(collection, name, value, at)| (collection, name.to_owned(), value.to_owned(), at));
    assert_eq!(told(&head), expected);
}

#[test]
fn an_absent_query_is_no_field_and_an_empty_one_is() {
    let queries = |target: &str| {
        told(&head(target)).into_iter().filter(|field| field.0 == "QUERY_STRING").count()
    };
    assert_eq!(queries("GET /a"), 0);
    assert_eq!(queries("GET /a?"), 1);
}

proptest! {
    #[test]
    fn any_head_is_judged_without_panic(
        method in proptest::collection::vec(any::<u8>(), 0..5),
        target in proptest::collection::vec(
            prop_oneof![any::<u8>(), proptest::sample::select(&b"http://a?#%2e\\[]"[..])], 0..40),
        name in proptest::sample::select(&[
            "host", "content-type", "content-encoding", "cookie", "connection", "upgrade",
            "content-length", "transfer-encoding", "expect", "x_y",
        ][..]),
        value in proptest::collection::vec(
            prop_oneof![any::<u8>(), proptest::sample::select(&b"[]:;=\",0 "[..])], 0..40),
    ) {
        let headers = vec![(name.as_bytes().to_vec(), value)];
        let head = RequestHead::from_parts(method, target, *b"HTTP/1.1", headers);
        validate(&head, &HeadPolicy::default());
        told(&head);
    }
}
