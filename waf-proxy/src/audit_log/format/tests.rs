//! What is written keeps to what the schemas of others say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use serde_json::Value;
use waf_core::record::{DecisionRecord, Mode, RequestRecord};

use super::schemas::{ECS, OCSF, Schema};
use super::*;
use crate::test_record::{blocked, passed, union_select};

/// What a request can be like: plain, blocked, only detected, unreadable, huge, everything at once.
fn records() -> Vec<DecisionRecord> {
    let mut full = blocked("full");
    full.client_request_id = Some("edge-17".into());
    full.request = RequestRecord {
        method: "PATCH".into(),
        host: "shop.example:8080".into(),
        path: "/a".into(),
        query: "q=***".into(),
        protocol: "HTTP/1.1".into(),
        content_type: Some("application/json; charset=utf-8".into()),
        body_bytes: 5 << 30,
        headers: vec![("user-agent".into(), "curl/8".into())],
    };
    full.bookkeeping = vec![union_select()];
    let mut detected = blocked("detected");
    (detected.mode, detected.decision) = (Mode::Detect, waf_core::record::Decision::WouldBlock);
    detected.status = Some(200);
    detected.matches[0].severity = "notice".into();
    let mut unreadable = blocked("unreadable");
    unreadable.request = RequestRecord::default();
    unreadable.status = None;
    unreadable.client.ip = "2001:db8::7".into();
    unreadable.matches[0].offset = None;
    vec![passed("passed"), blocked("blocked"), full, detected, unreadable]
}

/// Holds what is written of every record against a schema, and the schema's test against what lacks
/// something: with any required field taken away, or one of another type in its place, it fails.
fn check(schema: &Schema, write: fn(&DecisionRecord) -> Value) {
    let mut asked = std::collections::BTreeSet::new();
    for record in records() {
        let document = write(&record);
        assert_eq!(schema.faults(&document), [""; 0], "{document}");
        for field in schema.fields() {
            let pointer = format!("/{}", field.path.replace('.', "/"));
            let Some(value) = document.pointer(&pointer) else { continue };
            let mut wrong = document.clone();
            *wrong.pointer_mut(&pointer).unwrap() = match value {
                Value::Object(_) | Value::Array(_) => 1.into(),
                _ => serde_json::json!([{"a": 1}]),
            };
            assert!(!schema.faults(&wrong).is_empty(), "{} of another type", field.path);
            if field.required {
                asked.insert(field.path);
                let (parent, name) = pointer.rsplit_once('/').unwrap();
                let mut less = document.clone();
                less.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
                let fault = format!("{} is required", field.path);
                assert!(schema.faults(&less).contains(&fault), "{fault}");
            }
        }
    }
    assert!(asked.contains("ecs.version") || asked.contains("metadata.product"), "{asked:?}");
}

#[test]
fn ecs_documents_keep_to_the_schema() {
    check(&ECS, ecs::document);
    let document = ecs::document(&records()[2]);
    for (pointer, expected) in [
        ("/event/type/1", "denied"),
        ("/event/outcome", "failure"),
        ("/rule/category", "sqli"),
        ("/url/domain", "shop.example"),
        ("/http/request/mime_type", "application/json"),
        ("/user_agent/original", "curl/8"),
        ("/pinpoint/matches/0/target", "ARGS_POST:$.user.name"),
        ("/pinpoint/client_request_id", "edge-17"),
    ] {
        assert_eq!(document.pointer(pointer).unwrap(), expected, "{pointer}");
    }
}

#[test]
fn ocsf_events_keep_to_the_schema() {
    check(&OCSF, ocsf::event);
    for record in records() {
        let event = ocsf::event(&record);
        let number = |name: &str| event[name].as_u64().unwrap();
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(number("class_uid") / 1_000, number("category_uid"));
    }
    let event = ocsf::event(&records()[3]);
    assert_eq!((&event["action_id"], &event["disposition_id"]), (&3.into(), &15.into()));
    // `date -u -d 2026-11-23T10:00:00.123Z +%s%3N`
    assert_eq!(event["time"], 1_795_428_000_123_u64);
    assert_eq!(event["unmapped"]["pinpoint"]["matches"][0]["at"], 583);
    assert!(ocsf::event(&records()[2])["http_request"].get("body_length").is_none(), "5 GiB");
}

/// What libmodsecurity 3.0.9 of Debian 12 wrote of a request in which a rule matched, with
/// `SecAuditLogFormat JSON` and `SecAuditLogParts ABFHZ`.
const LIBMODSECURITY: &str = r#"{"transaction":{"client_ip":"203.0.113.7","time_stamp":"Sun Nov 29 12:34:33 2026","server_id":"2ce124b0c5d02b433a9392782ff8b313286c1942","client_port":1234,"host_ip":"10.0.0.1","host_port":80,"unique_id":"179595567364.151404","request":{"method":"POST","http_version":1.1,"uri":"/a?q=1%20union%20select","headers":{"Host":"shop.example","User-Agent":"x"}},"response":{"http_code":200,"headers":{}},"producer":{"modsecurity":"ModSecurity v3.0.9 (Linux)","connector":"Test v1","secrules_engine":"DetectionOnly","components":[]},"messages":[{"message":"SQL","details":{"match":"Matched \"Operator `Rx' with parameter `union select' against variable `ARGS:q' (Value: `1 union select' )","reference":"o2,12v10,14","ruleId":"100100","file":"<<reference missing or not informed>>","lineNumber":"8","data":"x","severity":"2","ver":"1","rev":"","tags":["attack-sqli"],"maturity":"0","accuracy":"0"}}]}}"#;

/// Names in order, and types: numbers as one, a list as what its first item is; headers are the
/// sender's.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let of = |(name, value): (&String, &Value)| match name.as_str() {
                "headers" => "headers".to_owned(),
                name => format!("{name}:{}", shape(value)),
            };
            format!("{{{}}}", fields.iter().map(of).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.first().map(shape).unwrap_or_default()),
        Value::String(_) => "text".into(),
        Value::Number(_) => "number".into(),
        other => other.to_string(),
    }
}

#[test]
fn modsecurity_transactions_are_shaped_as_those_of_libmodsecurity() {
    let theirs: Value = serde_json::from_str(LIBMODSECURITY).unwrap();
    for record in records().iter().filter(|record| !record.matches.is_empty()) {
        assert_eq!(shape(&modsecurity::transaction(record)), shape(&theirs));
    }
    let transaction = &modsecurity::transaction(&records()[2])["transaction"];
    assert_eq!(transaction["request"]["uri"], "/a?q=***");
    assert_eq!(transaction["request"]["http_version"], 1.1);
    assert_eq!(transaction["time_stamp"], "Mon Nov 23 10:00:00 2026");
    assert_eq!(transaction["messages"].as_array().unwrap().len(), 2);
    let details = &transaction["messages"][0]["details"];
    assert_eq!(
        (&details["ruleId"], &details["reference"]),
        (&"sqli-union-select".into(), &"o17,12".into())
    );
}

#[test]
fn every_format_keeps_to_the_bound() {
    let mut record = blocked("long");
    record.matches = vec![union_select(); 100];
    record.request.path = "p".repeat(2_000);
    record.request.headers = vec![("user-agent".into(), "h".repeat(2_000))];
    for format in [Format::Pinpoint, Format::Ecs, Format::Ocsf, Format::Modsecurity] {
        for limit in [8_192, 20_000, 1 << 20] {
            let text = line(&record, format, limit);
            assert!(text.len() <= limit, "{format:?}: {} over {limit}", text.len());
            assert!(serde_json::from_str::<Value>(&text).unwrap().is_object());
        }
    }
}
