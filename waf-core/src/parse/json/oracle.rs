//! Agreement with `serde_json`: what is valid, and the same scalars under the same paths.

use std::collections::HashSet;

use serde_json::Value;

use super::Texts;
use super::tests::{key, one, parse};
use crate::limits::Limits;
use crate::parse::testing::{Row, latin1};
use crate::random::Random;

/// The scalars and keys of a value, each with its path, by another parser.
fn walk(value: &Value, path: &str, keys: &mut Vec<Row>, scalars: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let word =
                    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                let path = if word && !name.is_empty() {
                    format!("{path}.{name}")
                } else {
                    let quoted = name.replace('\\', r"\\").replace('\'', r"\'");
                    format!("{path}['{quoted}']")
                };
                keys.push(key(&latin1(path.as_bytes()), name));
                walk(member, &path, keys, scalars);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{index}]"), keys, scalars);
            }
        }
        scalar => scalars.push((latin1(path.as_bytes()), scalar.clone())),
    }
}

/// Whether `text` (one character a byte) is how we write `scalar`.
fn is_text_of(text: &str, scalar: &Value) -> bool {
    match scalar {
        Value::Null => text.is_empty(),
        Value::String(expected) => text == latin1(expected.as_bytes()),
        other => serde_json::from_str::<Value>(text).is_ok_and(|value| value == *other),
    }
}

fn assert_agrees(body: &[u8]) {
    let recorder = parse(Texts::One, &Limits::default(), &[body]);
    let told: HashSet<&str> = recorder.findings().iter().map(|finding| finding.0).collect();
    let shown = body.escape_ascii();
    match serde_json::from_slice::<Value>(body) {
        // JSON has no bound on numbers, an f64 has.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(_) => assert!(told.contains("parse-json") || body.is_empty(), "{shown}"),
        Ok(_) if told.contains("parse-json-duplicate-key") => {}
        Ok(value) => {
            assert!(told.is_empty(), "{shown}: {told:?}");
            let (mut keys, mut scalars) = (Vec::new(), Vec::new());
            walk(&value, "$", &mut keys, &mut scalars);
            let (mut our_keys, mut ours): (Vec<Row>, Vec<Row>) =
                recorder.rows().into_iter().partition(|row| row.0 == "ARGS_POST_NAMES");
            keys.sort();
            our_keys.sort();
            assert_eq!(our_keys, keys, "{shown}");
            scalars.sort_by(|a, b| a.0.cmp(&b.0));
            ours.sort_by(|a, b| a.1.cmp(&b.1));
            assert_eq!(ours.len(), scalars.len(), "{shown}");
            for (row, (path, scalar)) in ours.iter().zip(&scalars) {
                assert!(row.1 == *path && is_text_of(&row.2, scalar), "{shown}: {row:?} {path}");
            }
        }
    }
}

/// A random document, valid by construction.
fn document(random: &mut Random, depth: usize) -> String {
    let blank = |random: &mut Random| random.pick(&["", "", "", " ", "\n\t"]).to_owned();
    let list = |random: &mut Random, item: &dyn Fn(&mut Random) -> String| {
        let items: Vec<String> = (0..random.below(4)).map(|_| item(random)).collect();
        items.join(",")
    };
    let value = match random.below(if depth > 4 { 4 } else { 7 }) {
        0 => text(random),
        1 => number(random),
        2 => random.pick(&["true", "false", "null"]).to_owned(),
        3 => "\"\"".to_owned(),
        4 => format!("[{}]", list(random, &|random| document(random, depth + 1))),
        _ => format!(
            "{{{}}}",
            list(random, &|random| text(random) + ":" + &document(random, depth + 1))
        ),
    };
    blank(random) + &value + &blank(random)
}

fn text(random: &mut Random) -> String {
    let pieces = ["a", "b", "key", "<x>", "é", "漢", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9"];
    let more =
        ["\\uD83D\\uDE00", "\\u0000", "'", ".", " ", "_", "-", "7", "\\b", "\\f", "\\r", "\\t"];
    let all = [pieces, more].concat();
    let body: String = (0..random.below(5)).map(|_| random.pick(&all)).collect();
    format!("\"{body}\"")
}

fn number(random: &mut Random) -> String {
    let sign = random.pick(&["", "-"]);
    let integer = random.pick(&["0", "7", "10", "4294967296"]);
    let fraction = random.pick(&["", ".0", ".125"]);
    let exponent = random.pick(&["", "e2", "E-2", "e+0"]);
    format!("{sign}{integer}{fraction}{exponent}")
}

#[test]
fn agrees_with_serde_json_on_random_documents() {
    let mut valid = 0;
    for seed in 0..3_000 {
        let body = document(&mut Random::new(seed), 0);
        assert!(serde_json::from_str::<Value>(&body).is_ok(), "the generator makes JSON: {body}");
        valid += usize::from(body.len() > 20);
        assert_agrees(body.as_bytes());
        one(&body);
    }
    assert!(valid > 500, "only {valid} documents of some length");
}

#[test]
fn agrees_with_serde_json_on_mutated_documents() {
    let mut invalid = 0;
    for seed in 0..6_000 {
        let mut random = Random::new(seed);
        let body = document(&mut random, 0);
        let body = random
            .mutate(body.as_bytes(), b"{}[]\",:\\u0019eE+-.tfn \n\x00\x1f\x7f\x80\xC3\xED\xF4/");
        invalid += usize::from(serde_json::from_slice::<Value>(&body).is_err());
        assert_agrees(&body);
        one(&body);
    }
    assert!((2_000..5_900).contains(&invalid), "{invalid} invalid of 6000");
}

/// Every first and second byte of a character, with up to two that continue it.
#[test]
fn agrees_with_std_on_what_is_utf8() {
    let mut text = Vec::new();
    for first in 0x80..=0xFF {
        for second in (0x20..=0xFF).filter(|byte| !matches!(byte, b'"' | b'\\')) {
            for tail in [&b""[..], b"\x80", b"\xBF\x80", b"\x80\x80\x80"] {
                text.clear();
                text.extend([b'"', first, second]);
                text.extend(tail);
                text.push(b'"');
                let valid = parse(Texts::One, &Limits::default(), &[&text]).findings().is_empty();
                assert_eq!(valid, std::str::from_utf8(&text).is_ok(), "{}", text.escape_ascii());
            }
        }
    }
}
