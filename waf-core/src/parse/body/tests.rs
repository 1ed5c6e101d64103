use super::{Body, Extent, Processor};
use crate::limits::Limits;
use crate::parse::json::Texts;
use crate::parse::testing::{Lanes, Row, assert_lanes_chunking};
use crate::random::Random;

fn parse(content_type: Option<&str>, body: &[u8]) -> Lanes {
    let processor = Processor::choose(content_type.map(str::as_bytes), true);
    assert_lanes_chunking(body, |pieces| {
        let mut lanes = Lanes::default();
        let mut parser = Body::new(&processor, &Limits::default());
        pieces.iter().for_each(|piece| parser.feed(piece, &mut lanes));
        parser.finish(&mut lanes);
        lanes
    })
}

fn row(collection: &'static str, name: &str, value: &str) -> Row {
    (collection, name.into(), value.into())
}

fn length(body: &str) -> Row {
    row("REQUEST_BODY_LENGTH", "", &body.len().to_string())
}

#[test]
fn content_types_choose() {
    let cases: &[(&str, Processor)] = &[
        ("application/x-www-form-urlencoded", Processor::Form),
        ("Application/X-WWW-Form-URLencoded; charset=utf-8", Processor::Form),
        ("multipart/form-data; boundary=\"a b\"", Processor::Multipart(b"a b".into())),
        ("multipart/form-data", Processor::Multipart(Vec::new())),
        ("Multipart/Related; boundary=x", Processor::Mixed(b"x".into())),
        ("application/json", Processor::Json(Texts::One)),
        ("application/problem+json;charset=utf-8", Processor::Json(Texts::One)),
        ("application/x-ndjson", Processor::Json(Texts::Lines)),
        ("application/json-seq", Processor::Json(Texts::Sequence)),
        ("text/xml", Processor::Xml),
        ("application/xml", Processor::Xml),
        ("application/soap+xml; charset=utf-8", Processor::Xml),
        ("image/svg+xml", Processor::Xml),
        ("Image/JPEG", Processor::Unknown(Extent::Text)),
        ("application/octet-stream; charset=binary", Processor::Unknown(Extent::Text)),
        ("application/grpc+proto", Processor::Unknown(Extent::Text)),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Processor::Unknown(Extent::Text),
        ),
        ("Text/HTML; charset=utf-8", Processor::Unknown(Extent::Line)),
        ("message/rfc822", Processor::Unknown(Extent::Line)),
        ("text/plain", Processor::Unknown(Extent::Whole)),
        ("text/json", Processor::Unknown(Extent::Whole)),
        ("", Processor::Unknown(Extent::Whole)),
        ("%{(#x)}", Processor::Unknown(Extent::Whole)),
    ];
    for (content_type, processor) in cases {
        let chosen = Processor::choose(Some(content_type.as_bytes()), true);
        assert_eq!(chosen, *processor, "{content_type}");
    }
    assert_eq!(Processor::choose(None, true), Processor::Unknown(Extent::Whole));
    assert_eq!(Processor::choose(Some(b"application/json"), false), Processor::None);
}

#[test]
fn a_form_is_raw_too() {
    let body = "a=1&b=%41";
    let lanes = parse(Some("application/x-www-form-urlencoded"), body.as_bytes());
    assert_eq!(lanes.raw.rows(), [row("REQUEST_BODY", "", body)]);
    let expected = [
        row("ARGS_POST_NAMES", "a", "a"),
        row("ARGS_POST", "a", "1"),
        row("ARGS_POST_NAMES", "b", "b"),
        row("ARGS_POST", "b", "A"),
        length(body),
    ];
    assert_eq!(lanes.main.rows(), expected);
    assert_eq!(lanes.guess.events, []);
    let broken = parse(Some("application/x-www-form-urlencoded"), b"a=%zz");
    assert_eq!(broken.main.findings(), [("parse-urlencoded", 2)]);
}

/// A body of a binary type is a form as long as it looks like one; all of it is the raw body.
#[test]
fn a_guessed_form_of_a_binary_type_ends_at_a_control_character() {
    let body = "a=1\r\n&b\t=x\u{1}y&c=2";
    let lanes = parse(Some("image/png"), body.as_bytes());
    assert_eq!(lanes.raw.rows(), [row("REQUEST_BODY", "", body)]);
    let form = [
        row("ARGS_POST_NAMES", "a", "a"),
        row("ARGS_POST", "a", "1\r\n"),
        row("ARGS_POST_NAMES", "b\t", "b\t"),
        row("ARGS_POST", "b\t", "x"),
        length(body),
    ];
    assert_eq!(lanes.main.rows(), form);
    let all = parse(Some("text/plain"), body.as_bytes());
    let last = [row("ARGS_POST_NAMES", "c", "c"), row("ARGS_POST", "c", "2"), length(body)];
    assert!(all.main.rows().ends_with(&last), "{:?}", all.main.rows());
    let whole = parse(Some("application/octet-stream"), b"q=%01&c=2");
    assert!(whole.main.rows().contains(&row("ARGS_POST", "c", "2")));
}

/// A body of a type that is lines is one in its first line.
#[test]
fn a_guessed_form_of_lines_ends_with_the_first() {
    let body = "a=1&b\t=%0ax\r\ny&c=2";
    let lanes = parse(Some("text/csv"), body.as_bytes());
    assert_eq!(lanes.raw.rows(), [row("REQUEST_BODY", "", body)]);
    let form = [
        row("ARGS_POST_NAMES", "a", "a"),
        row("ARGS_POST", "a", "1"),
        row("ARGS_POST_NAMES", "b\t", "b\t"),
        row("ARGS_POST", "b\t", "\nx"),
        length(body),
    ];
    assert_eq!(lanes.main.rows(), form);
}

#[test]
fn declared_types_have_no_raw_body() {
    let body = "{\"a\":1}";
    let lanes = parse(Some("application/json"), body.as_bytes());
    let expected = [row("ARGS_POST_NAMES", "$.a", "a"), row("ARGS_POST", "$.a", "1"), length(body)];
    assert_eq!(lanes.main.rows(), expected);
    assert_eq!((lanes.raw.events, lanes.guess.events), (vec![], vec![]));

    let body = "<a>x<!--y--></a>";
    let lanes = parse(Some("text/xml"), body.as_bytes());
    assert_eq!(lanes.main.rows(), [row("XML", "/a", "x"), length(body)]);
    assert_eq!(lanes.raw.rows(), [row("XML", "/a/!comment", "y")]);
}

#[test]
fn other_multiparts_are_told_and_read() {
    let body = "--b\r\n\r\nx\r\n--b--";
    let lanes = parse(Some("multipart/mixed; boundary=b"), body.as_bytes());
    assert_eq!(lanes.main.findings(), [("parse-multipart-nested", 0)]);
    assert_eq!(lanes.main.rows()[0], row("FILES_TMP_CONTENT", "", "x"));
    // ModSecurity has no parser for them, so rules on the raw body are what sees them there.
    assert_eq!(lanes.raw.rows(), [row("REQUEST_BODY", "", body)]);
    let lanes = parse(Some("multipart/form-data"), body.as_bytes());
    assert_eq!(lanes.main.findings(), [("parse-multipart", 0)]);
    assert_eq!(lanes.main.rows()[0], row("REQUEST_BODY", "", body));
}

#[test]
fn an_unknown_body_is_read_in_three_ways_without_complaint() {
    for content_type in [None, Some("text/plain")] {
        let body = " \r\n{\"a\":\"x\\u0079\"}";
        let lanes = parse(content_type, body.as_bytes());
        assert_eq!(lanes.raw.rows(), [row("REQUEST_BODY", "", body)]);
        assert_eq!(
            lanes.main.rows(),
            [row("ARGS_POST_NAMES", body, body), row("ARGS_POST", body, ""), length(body)]
        );
        assert_eq!(
            lanes.guess.rows(),
            [row("ARGS_POST_NAMES", "$.a", "a"), row("ARGS_POST", "$.a", "xy")]
        );
    }
    let marked = parse(None, "\u{FEFF}<a>x<!--y--></a>".as_bytes());
    assert_eq!(marked.guess.rows(), [row("XML", "/a", "x")]);
    assert_eq!(marked.raw.rows().len(), 1);
    for body in ["[1,<%zz", "<a>x</b>%", "{}}", "<p>hello & <br>", "[[", "x{}", "\u{FEFF}", "=%"] {
        let lanes = parse(None, body.as_bytes());
        for lane in [&lanes.raw, &lanes.main, &lanes.guess] {
            assert_eq!(lane.findings(), [], "{body}");
        }
        assert!(lanes.guess.rows().iter().all(|row| row.0 != "REQUEST_BODY"), "{body}");
    }
    assert_eq!(parse(None, b"[1,<%zz").guess.rows(), [row("ARGS_POST", "$[0]", "1")]);
    assert_eq!(parse(None, b"x{}").guess.events, []);
}

#[test]
fn wide_characters_are_told() {
    let wide = |body: &[u8], content_type: &str| {
        let findings = parse(Some(content_type), body).main.findings();
        findings.contains(&("protocol-charset", 0))
    };
    for content_type in ["application/json", "text/xml"] {
        let bodies: [&[u8]; 7] = [
            b"\xFF\xFE{\0}\0",
            b"\xFE\xFF\0{\0}",
            b"\xFF\xFE\0\0{\0\0\0",
            b"{\0}\0",
            b"\0{\0}",
            b"\0\0\0{",
            b"<\0a\0/\0>\0",
        ];
        for body in bodies {
            assert!(wide(body, content_type), "{}", body.escape_ascii());
        }
        assert!(!wide(b"\xEF\xBB\xBF{}\0", content_type));
        assert!(!wide("\u{FEFF}[\"\u{FFFE}\"]".as_bytes(), content_type));
    }
}

#[test]
fn without_a_body_there_is_only_its_length() {
    let mut lanes = Lanes::default();
    let mut body = Body::new(&Processor::None, &Limits::default());
    body.finish(&mut lanes);
    assert_eq!(lanes.main.rows(), [row("REQUEST_BODY_LENGTH", "", "0")]);
    for content_type in
        ["text/plain", "application/json", "text/xml", "application/x-www-form-urlencoded"]
    {
        let lanes = parse(Some(content_type), b"");
        assert_eq!(lanes.main.rows(), [row("REQUEST_BODY_LENGTH", "", "0")]);
        assert_eq!(lanes.main.findings(), []);
        assert_eq!(lanes.raw.events, []);
    }
}

#[test]
fn random_bodies_of_any_type() {
    let types = [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "multipart/x; boundary=b",
        "application/json",
        "application/x-ndjson",
        "application/json-seq",
        "text/xml",
        "text/plain",
    ];
    let alphabet = [
        "{", "}", "\"a\"", ":", "1", ",", "[", "]", "<a>", "</a>", "&", "=", "%4", "--b", "\r\n",
        "\x1E", "\0", "é", "x",
    ];
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let body: String = (0..random.below(16)).map(|_| random.pick(&alphabet)).collect();
        let lanes = parse(Some(random.pick(&types)), body.as_bytes());
        assert_eq!(lanes.main.rows().last(), Some(&length(&body)));
    }
}
