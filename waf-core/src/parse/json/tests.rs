use std::fmt::Write;

use serde_json::Value;

use super::{Json, Texts};
use crate::limits::{JSON_KEYS, Limits};
use crate::parse::testing::{Event, Recorder, Row, assert_chunking, latin1};
use crate::random::Random;

pub(super) fn parse(texts: Texts, limits: &Limits, pieces: &[&[u8]]) -> Recorder {
    let mut recorder = Recorder::default();
    let mut json = Json::of(texts, limits);
    for piece in pieces {
        json.feed(piece, &mut recorder);
    }
    json.finish(&mut recorder);
    recorder
}

/// Parses whole and in every cut.
fn of(texts: Texts, body: impl AsRef<[u8]>) -> Recorder {
    assert_chunking(body.as_ref(), |pieces| parse(texts, &Limits::default(), pieces))
}

pub(super) fn one(body: impl AsRef<[u8]>) -> Recorder {
    of(Texts::One, body)
}

fn with(limits: &Limits, body: impl AsRef<[u8]>) -> Recorder {
    assert_chunking(body.as_ref(), |pieces| parse(Texts::One, limits, pieces))
}

pub(super) fn key(path: &str, key: &str) -> Row {
    ("ARGS_POST_NAMES", path.into(), latin1(key.as_bytes()))
}

fn value(path: &str, value: &str) -> Row {
    ("ARGS_POST", path.into(), latin1(value.as_bytes()))
}

fn raw(value: &str) -> Row {
    ("REQUEST_BODY", String::new(), value.into())
}

#[test]
fn every_key_and_scalar_is_a_field() {
    let body =
        r#"{"user":{"name":"x\"y","a.b":[1,-2.5e+3,true]},"n":null,"e":[],"items":[{"id":7}]}"#;
    let recorder = one(body);
    assert_eq!(
        recorder.rows(),
        [
            key("$.user", "user"),
            key("$.user.name", "name"),
            value("$.user.name", "x\"y"),
            key("$.user['a.b']", "a.b"),
            value("$.user['a.b'][0]", "1"),
            value("$.user['a.b'][1]", "-2.5e+3"),
            value("$.user['a.b'][2]", "true"),
            key("$.n", "n"),
            value("$.n", ""),
            key("$.e", "e"),
            key("$.items", "items"),
            key("$.items[0].id", "id"),
            value("$.items[0].id", "7"),
        ]
    );
    assert_eq!(recorder.findings(), []);
}

#[test]
fn events_tell_where_bytes_stand() {
    let begin = |collection, shared, parent, at| Event::Begin {
        collection,
        name: "$.a".into(),
        shared,
        parent,
        at,
    };
    assert_eq!(
        one(r#"{"a":"b\u0063d"}"#).events,
        [
            begin("ARGS_POST_NAMES", 0, 1, 2),
            Event::Decoded("a".into(), 4),
            Event::End(4),
            begin("ARGS_POST", 3, 1, 6),
            Event::Bytes("b".into(), 6),
            Event::Decoded("c".into(), 13),
            Event::Bytes("d".into(), 13),
            Event::End(15),
        ]
    );
    // What ends a number is the byte after it.
    assert_eq!(one("[12]").events.last(), Some(&Event::End(4)));
}

#[test]
fn odd_keys_are_quoted_in_the_path() {
    let recorder = one(r#"{"":1,"it's":2,"a\\b":3,"é":4,"A_z-9":5,"a b":6}"#);
    let names: Vec<String> = recorder.rows().into_iter().map(|row| row.1).collect();
    let expected =
        ["$['']", r"$['it\'s']", r"$['a\\b']", &latin1("$['é']".as_bytes()), "$.A_z-9", "$['a b']"];
    assert_eq!(names, expected.map(|name| [name, name]).concat());
}

#[test]
fn names_share_what_they_can() {
    let recorder = one(r#"{"long":{"a":1,"b":[2,3]}}"#);
    let shared: Vec<(String, usize, usize)> = recorder
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Begin { name, shared, parent, .. } => Some((name.clone(), *shared, *parent)),
            _ => None,
        })
        .collect();
    let expected = [
        ("$.long", 0, 1),
        ("$.long.a", 6, 6),
        ("$.long.a", 8, 6),
        ("$.long.b", 6, 6),
        ("$.long.b[0]", 8, 8),
        ("$.long.b[1]", 8, 8),
    ];
    assert_eq!(shared, expected.map(|(name, shared, parent)| (name.to_owned(), shared, parent)));
}

/// RFC 8259, sections 2 to 7: what must not be accepted, where it goes wrong, and what is left.
#[test]
fn invalid_json_is_a_finding_and_the_rest_is_raw() {
    let cases: &[(&[u8], u64, &str)] = &[
        (b"{\"a\":1}<script>", 7, "<script>"),
        (b"[1,]", 3, "]"),
        (b"{\"a\":1,}", 7, "}"),
        (b"[01]", 2, "1]"),
        (b"[1.]", 3, "]"),
        (b"[.5]", 1, ".5]"),
        (b"[+1]", 1, "+1]"),
        (b"[-]", 2, "]"),
        (b"[1e]", 3, "]"),
        (b"[NaN]", 1, "NaN]"),
        (b"[nul]", 4, "]"),
        (b"[True]", 1, "True]"),
        (b"[1 // x\n]", 3, "// x\n]"),
        (b"/* x */ 1", 0, "/* x */ 1"),
        (b"{a:1}", 1, "a:1}"),
        (b"{'a':1}", 1, "'a':1}"),
        (b"{\"a\" 1}", 5, "1}"),
        (b"[\"a\nb\"]", 3, "\nb\"]"),
        (b"[\"a\0b\"]", 3, "\0b\"]"),
        (b"[\"\\x\"]", 3, "x\"]"),
        (b"[\"\\uD800\"]", 8, "\"]"),
        (b"[\"\\uD800\\u0041\"]", 13, "1\"]"),
        (b"[\"\\uDC00\"]", 7, "0\"]"),
        (b"[\"\\u12G4\"]", 6, "G4\"]"),
        (b"[\"\xFF\"]", 2, "\u{FF}\"]"),
        (b"[\"\xC0\xAF\"]", 2, "\u{C0}\u{AF}\"]"),
        (b"[\"\xED\xA0\x80\"]", 3, "\u{A0}\u{80}\"]"),
        (b"[\"\xC3\"]", 3, "\"]"),
        (b"[\"\xF4\x90\x80\x80\"]", 3, "\u{90}\u{80}\u{80}\"]"),
        (b"[1}", 2, "}"),
        (b"]", 0, "]"),
        (b"[1\x0C]", 2, "\x0C]"),
        (b"1 2", 2, "2"),
        (b"\xEF\xBBx", 2, "\u{EF}\u{BB}x"),
        (b"\x00[\x001\x00]", 0, "\x00[\x001\x00]"),
    ];
    for (body, at, rest) in cases {
        let recorder = one(body);
        assert_eq!(recorder.findings(), [("parse-json", *at)], "{}", body.escape_ascii());
        assert_eq!(recorder.rows().last(), Some(&raw(rest)), "{}", body.escape_ascii());
        assert!(serde_json::from_slice::<Value>(body).is_err());
    }
}

#[test]
fn an_unfinished_text_is_a_finding_at_its_end() {
    for body in ["[", "{", "{\"a", "{\"a\"", "{\"a\":", "[1,", "\"x", "\"\\", "tru", "-", "1.", " "]
    {
        let recorder = one(body);
        assert_eq!(recorder.findings(), [("parse-json", body.len() as u64)], "{body}");
    }
}

#[test]
fn an_unfinished_escape_is_not_lost() {
    let recorder = one("[\"a\\uD83D\\uDEx");
    assert_eq!(recorder.rows(), [value("$[0]", "a\\uD83D\\uDE"), raw("x")]);
    let recorder = one("{\"k\\u00zz\":1}");
    assert_eq!(recorder.rows(), [key("$.k", "k\\u00"), raw("zz\":1}")]);
    assert_eq!(one("[falsy").rows(), [value("$[0]", "fals"), raw("y")]);
}

#[test]
fn an_empty_body_and_a_byte_order_mark_are_fine() {
    assert_eq!(one("").events, []);
    let recorder = one("\u{FEFF}{\"a\":\"\\ud83d\\ude00\\/\"}");
    assert_eq!(recorder.rows(), [key("$.a", "a"), value("$.a", "😀/")]);
    assert_eq!(recorder.findings(), []);
    let scalars =
        [("1", "1"), ("\"x\"", "x"), ("null", ""), (" false ", "false"), ("-0.0E-0", "-0.0E-0")];
    for (body, text) in scalars {
        assert_eq!(one(body).rows(), [value("$", text)]);
        assert_eq!(one(body).findings(), []);
    }
}

#[test]
fn lines_are_texts() {
    let recorder = of(Texts::Lines, "{\"a\":1}\r\n\n[2,\"x\"]\n3");
    assert_eq!(
        recorder.rows(),
        [
            key("$[0].a", "a"),
            value("$[0].a", "1"),
            value("$[1][0]", "2"),
            value("$[1][1]", "x"),
            value("$[2]", "3"),
        ]
    );
    assert_eq!(recorder.findings(), []);
    assert_eq!(of(Texts::Lines, "").findings(), []);
    for (body, at) in [("1 2\n", 2), ("[1,\n2]", 3), ("{\"a\"\n:1}", 4), ("1\n[", 3)] {
        assert_eq!(of(Texts::Lines, body).findings(), [("parse-json", at)], "{body:?}");
    }
}

#[test]
fn sequences_are_texts_after_record_separators() {
    let recorder = of(Texts::Sequence, "\x1E{\"a\":1}\n\x1E\x1E\"x\"\x1E2\n");
    let rows = [key("$[0].a", "a"), value("$[0].a", "1"), value("$[1]", "x"), value("$[2]", "2")];
    assert_eq!(recorder.rows(), rows);
    assert_eq!(recorder.findings(), []);
    // A number may have been cut short unless a blank follows (RFC 7464 section 2.4).
    for (body, at) in
        [("1", 0), ("\x1E1", 2), ("\x1E1\x1E2\n", 2), ("\x1Etrue", 5), ("\x1E[\x1E", 2)]
    {
        assert_eq!(of(Texts::Sequence, body).findings(), [("parse-json", at)], "{body:?}");
    }
}

#[test]
fn duplicate_keys_are_told_once_and_both_inspected() {
    let recorder = one(r#"{"a":1,"b":{"a":2},"\u0061":3,"a":4}"#);
    assert_eq!(recorder.findings(), [("parse-json-duplicate-key", 26)]);
    assert_eq!(recorder.rows().len(), 9);
    // Not in one object.
    assert_eq!(one(r#"[{"a":1},{"a":1,"b":{"a":1}}]"#).findings(), []);
    assert_eq!(one(r#"{"a":{"b":1},"c":{"b":1}}"#).findings(), []);
}

#[test]
fn remembered_keys_are_bounded() {
    let body = |first: usize, again: usize| {
        let mut body = "{".to_owned();
        (0..first).for_each(|key| write!(body, "\"k{key}\":0,").unwrap());
        body + &format!("\"k{again}\":0}}")
    };
    let limits = Limits { fields: usize::MAX, ..Limits::default() };
    let findings = |body: String| parse(Texts::One, &limits, &[body.as_bytes()]).findings().len();
    assert_eq!(findings(body(JSON_KEYS + 2, JSON_KEYS - 1)), 1);
    assert_eq!(findings(body(JSON_KEYS + 2, JSON_KEYS)), 0);
    // Closed objects give their room back.
    let many = "{\"x\":0,\"y\":0}".repeat(JSON_KEYS).replace("}{", "},{");
    assert_eq!(findings(format!("[{many},{{\"z\":0,\"z\":0}}]")), 1);
}

#[test]
fn what_is_too_deep_is_one_raw_field() {
    let limits = Limits { depth: 2, ..Limits::default() };
    let recorder = with(&limits, r#"{"a":[1,{"b":["\"]}",{}]},[2]],"c":3}"#);
    assert_eq!(
        recorder.rows(),
        [
            key("$.a", "a"),
            value("$.a[0]", "1"),
            value("$.a[1]", r#"{"b":["\"]}",{}]}"#),
            value("$.a[2]", "[2]"),
            key("$.c", "c"),
            value("$.c", "3"),
        ]
    );
    assert_eq!(recorder.findings(), [("limit-depth", 8)]);
    assert_eq!(with(&limits, "[[[").findings(), [("limit-depth", 2), ("parse-json", 3)]);
}

#[test]
fn long_names_are_cut_and_told() {
    let limits = Limits { field_name: 8, ..Limits::default() };
    let cases: &[(&str, u64, &str, &str)] = &[
        // The path is cut though the key is kept.
        (r#"{"abcdefg":1}"#, 9, "$.abcdef", "abcdefg"),
        (r#"{"a'''":1}"#, 6, r"$['a\'\'", "a'''"),
        // The key is longer than what is kept.
        (r#"{"abcdefghijkl":1}"#, 10, "$.abcdef", "abcdefghijkl"),
        (r#"{"abcdefg\u00e9x":1}"#, 14, "$.abcdef", "abcdefg\u{e9}x"),
    ];
    for (body, at, path, text) in cases {
        let recorder = with(&limits, body);
        assert_eq!(recorder.findings(), [("limit-name", *at)], "{body}");
        assert_eq!(recorder.rows(), [key(path, text), value(path, "1")], "{body}");
    }
    let recorder = with(&limits, r#"{"abcdef":[[7]]}"#);
    assert_eq!(recorder.rows()[1], value("$.abcdef", "7"));
    assert_eq!(recorder.findings(), [("limit-name", 11)]);
}

#[test]
fn many_fields_are_told_once_and_all_inspected() {
    let limits = Limits { fields: 3, ..Limits::default() };
    let recorder = with(&limits, "[1,2,3,4,5]");
    assert_eq!(recorder.findings(), [("limit-fields", 7)]);
    assert_eq!(recorder.rows().len(), 5);
    // A key and its value are one; a key whose value is empty counts too.
    let recorder = with(&limits, r#"{"a":1,"b":{},"c":2,"d":[]}"#);
    assert_eq!(recorder.findings(), [("limit-fields", 21)]);
}

#[test]
fn long_values_come_out_as_they_go_in() {
    let mut recorder = Recorder::default();
    let mut json = Json::new(&Limits::default());
    json.feed(b"{\"k\":\"", &mut recorder);
    let before = recorder.value_bytes;
    for kib in 1..=1024 {
        json.feed(&[b'x'; 1024], &mut recorder);
        assert_eq!(recorder.value_bytes - before, kib * 1024);
    }
    json.feed(b"\",\"", &mut recorder);
    // A long key too, but for the part that may be its path.
    json.feed(&[b'y'; 4096], &mut recorder);
    assert_eq!(recorder.value_bytes - before, 1024 * 1024 + 4096);
}

/// Work does not grow faster than the body: the sink's calls are counted.
#[test]
fn calls_are_linear_in_the_body() {
    let limits = Limits { fields: usize::MAX, ..Limits::default() };
    for unit in ["[1,", "\"\\n\",", "{\"a\":0},", "[[],", "1,"] {
        let calls =
            |times: usize| parse(Texts::One, &limits, &[b"[", unit.repeat(times).as_bytes()]).calls;
        assert!(calls(2_000) <= 2 * calls(1_000) + 100, "{unit}");
        assert!(calls(1_000) <= 1_000 * unit.len() * 2, "{unit}");
    }
}

/// All bytes of an invalid body are seen in some value: what is not is structure.
#[test]
fn nothing_after_the_fault_is_lost() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let body: Vec<u8> = (0..random.below(40))
            .map(|_| b"{}[]\",:\\u01eE+-.tfn \xEF\xBB\xBF\x00"[random.below(23)])
            .collect();
        let recorder = one(&body);
        if let Some(("parse-json", at)) = recorder.findings().pop()
            && (at as usize) < body.len()
        {
            let rest = latin1(&body[at as usize..]);
            assert!(recorder.rows().last().unwrap().2.ends_with(&rest), "{}", body.escape_ascii());
        }
        for texts in [Texts::Lines, Texts::Sequence] {
            of(texts, &body);
        }
    }
}
