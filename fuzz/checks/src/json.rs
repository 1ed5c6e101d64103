//! JSON bodies.

use serde_json::Value;
use waf_core::field::{Collection, Recorder};
use waf_core::limits::Limits;
use waf_core::parse::json::{Json, Texts};

use crate::lanes::{assert_sound, findings, rows};
use crate::{cuts, limits};

/// `data` as JSON of each kind: the same in pieces, and valid when `serde_json` says so, with the
/// same values.
pub fn check(data: &[u8]) {
    for limits in limits::both() {
        for texts in [Texts::One, Texts::Lines, Texts::Sequence] {
            let recorder = cuts::same(data, |pieces| read(texts, pieces, &limits));
            assert_sound(&recorder, data.len());
            if texts == Texts::One {
                assert_agrees(data, &recorder);
            }
        }
    }
}

fn read(texts: Texts, pieces: &[&[u8]], limits: &Limits) -> Recorder {
    let mut recorder = Recorder::new();
    let mut json = Json::of(texts, limits);
    pieces.iter().for_each(|piece| json.feed(piece, &mut recorder));
    json.finish(&mut recorder);
    recorder
}

fn assert_agrees(data: &[u8], recorder: &Recorder) {
    let told = findings(recorder);
    let only = |allowed: &dyn Fn(&str) -> bool| told.iter().all(|id| allowed(id));
    // RFC 8259 section 8.1 lets a parser skip a byte order mark; we do, serde_json does not.
    let data = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data);
    match serde_json::from_slice::<Value>(data) {
        // JSON has no bound on numbers, an f64 has.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        // No body is no text; what is nested too deep is not read to its end.
        Err(_) if data.is_empty() || told.contains(&"limit-depth") => {}
        Err(error) => assert!(told.contains(&"parse-json"), "{error}: {told:?}"),
        Ok(value) => {
            let allowed = |id: &str| id.starts_with("limit-") || id == "parse-json-duplicate-key";
            assert!(only(&allowed), "{told:?}");
            if told.is_empty() {
                assert_values(&value, recorder);
            }
        }
    }
}

fn assert_values(value: &Value, recorder: &Recorder) {
    let (mut keys, mut scalars) = (Vec::new(), Vec::new());
    walk(value, &mut keys, &mut scalars);
    let sorted = |collection| {
        let mut values: Vec<&[u8]> =
            rows(recorder, collection).into_iter().map(|(_, value)| value).collect();
        values.sort_unstable();
        values
    };
    keys.sort_unstable();
    assert_eq!(sorted(Collection::ArgsPostNames), keys);
    let told = sorted(Collection::ArgsPost);
    assert_eq!(told.len(), scalars.len());
    for scalar in scalars {
        assert!(told.iter().any(|text| is_text_of(text, scalar)), "{scalar} is missing");
    }
}

fn walk<'a>(value: &'a Value, keys: &mut Vec<&'a [u8]>, scalars: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                keys.push(key.as_bytes());
                walk(member, keys, scalars);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, keys, scalars)),
        scalar => scalars.push(scalar),
    }
}

/// Whether `text` is how the parser writes `scalar`: null is empty, numbers are as they stand.
fn is_text_of(text: &[u8], scalar: &Value) -> bool {
    match scalar {
        Value::Null => text.is_empty(),
        Value::String(expected) => text == expected.as_bytes(),
        other => serde_json::from_slice::<Value>(text).is_ok_and(|value| value == *other),
    }
}
