//! Every field that is written is held against what the schemas say of it. The tables are facts
//! taken from the published texts named above each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test should stop where it fails")]

use std::net::IpAddr;

use serde_json::Value;
use waf_core::record::{DecisionRecord, Mode, RequestRecord};

use super::*;
use crate::test_record::{blocked, passed, union_select};

/// `elastic/ecs`, v9.4.0, `generated/csv/fields.csv`: field, type, and `array` where it is normalised
/// to one. The last column but for the type are the allowed values of `schemas/event.yml`.
const ECS: &str = "
@timestamp date
message match_only_text
tags keyword array
labels.route keyword
ecs.version keyword
event.kind keyword = alert event
event.category keyword array = web intrusion_detection
event.type keyword array = access allowed denied
event.action keyword
event.outcome keyword = failure success unknown
event.id keyword
event.module keyword
event.dataset keyword
event.duration long
event.risk_score float
rule.id keyword
rule.name keyword
rule.category keyword
rule.description keyword
rule.ruleset keyword
client.ip ip
source.ip ip
related.ip ip array
related.hosts keyword array
http.request.id keyword
http.request.method keyword
http.request.mime_type keyword
http.request.body.bytes long
http.response.status_code long
url.domain keyword
url.path wildcard
url.query keyword
user_agent.original keyword
observer.vendor keyword
observer.product keyword
observer.type keyword
observer.version keyword
";

/// `ocsf/ocsf-schema`, v1.8.0: `events/base_event.json`, `events/network/network.json`,
/// `events/network/http_activity.json`, `profiles/security_control.json`, `dictionary.json` and the
/// objects. `!` is a required attribute; `=` are the values of an enum that we use.
const OCSF: &str = "
activity_id! integer_t
activity_name string_t
category_uid! integer_t = 4
category_name string_t = Network_Activity
class_uid! integer_t = 4002
class_name string_t = HTTP_Activity
type_uid! long_t
type_name string_t
time! timestamp_t
severity_id! integer_t = 1 2 3 4 5
severity string_t = Informational Low Medium High Critical
status_code string_t
http_status integer_t
message string_t
action_id integer_t = 1 2 3
action string_t = Allowed Denied Observed
disposition_id integer_t = 1 2 15
disposition string_t = Allowed Blocked Detected
is_alert boolean_t
firewall_rule.uid string_t
firewall_rule.name string_t
firewall_rule.category string_t
firewall_rule.desc string_t
firewall_rule.match_location string_t
firewall_rule.match_details string_t array
firewall_rule.sensitivity string_t
http_request.uid string_t
http_request.http_method string_t
http_request.url.hostname hostname_t
http_request.url.path string_t
http_request.url.query_string string_t
http_request.user_agent string_t
http_request.body_length integer_t
http_request.http_headers.name! string_t
http_request.http_headers.value! string_t
http_response.code! integer_t
src_endpoint.ip ip_t
dst_endpoint.hostname hostname_t
metadata.version! string_t = 1.8.0
metadata.uid string_t
metadata.correlation_uid string_t
metadata.log_name string_t
metadata.original_time string_t
metadata.profiles string_t array = security_control
metadata.product.name string_t
metadata.product.vendor_name string_t
metadata.product.version string_t
";

/// `owasp-modsecurity/ModSecurity`, v3, `Transaction::toJSON`, parts A, B, F and H: all of it is
/// always written. Header names are the sender's.
const MODSECURITY: &str = "
transaction.client_ip! string
transaction.time_stamp! string
transaction.server_id! string
transaction.client_port! number
transaction.host_ip! string
transaction.host_port! number
transaction.unique_id! string
transaction.request.method! string
transaction.request.http_version! number
transaction.request.uri! string
transaction.request.headers.* string
transaction.response.http_code! number
transaction.producer.modsecurity! string
transaction.producer.connector! string
transaction.producer.secrules_engine! string = Enabled DetectionOnly
transaction.messages.message! string
transaction.messages.details.match! string
transaction.messages.details.reference! string
transaction.messages.details.ruleId! string
transaction.messages.details.file! string
transaction.messages.details.lineNumber! string
transaction.messages.details.data! string
transaction.messages.details.severity! string = 2 3 4 5
transaction.messages.details.ver! string
transaction.messages.details.rev! string
transaction.messages.details.tags string array
transaction.messages.details.maturity! string
transaction.messages.details.accuracy! string
";

/// A line of a table.
struct Field {
    required: bool,
    kind: &'static str,
    array: bool,
    values: Vec<String>,
}

fn field(table: &'static str, path: &str) -> Option<Field> {
    table.lines().find_map(|line| {
        let (definition, values) = line.split_once(" = ").unwrap_or((line, ""));
        let mut words = definition.split(' ');
        let name = words.next()?;
        let required = name.ends_with('!');
        let name = name.trim_end_matches('!');
        let matches = match name.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => name == path,
        };
        let kind = words.next()?;
        let values = values.split_whitespace().map(|value| value.replace('_', " "));
        let values = match name {
            // Words of these have a `_` of their own.
            "event.category" | "metadata.profiles" => values.map(|v| v.replace(' ', "_")).collect(),
            _ => values.collect(),
        };
        matches.then(|| Field { required, kind, array: words.next() == Some("array"), values })
    })
}

/// Every text, number and truth in a value, with the path to it and whether a list holds it.
fn leaves(value: &Value, path: &str, in_list: bool, found: &mut Vec<(String, bool, Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &path, false, found);
            }
        }
        Value::Array(items) => {
            let scalar = |item: &Value| !item.is_object();
            for item in items {
                leaves(item, path, scalar(item), found);
            }
        }
        leaf => found.push((path.to_owned(), in_list, leaf.clone())),
    }
}

fn is_of_kind(kind: &str, value: &Value) -> bool {
    let small = |number: i64| i32::try_from(number).is_ok();
    match kind {
        "keyword" | "wildcard" | "match_only_text" | "string" | "string_t" => value.is_string(),
        "date" => value.as_str().and_then(crate::ids::milliseconds).is_some(),
        "long" | "long_t" => value.is_i64() || value.is_u64(),
        "integer_t" => value.as_i64().is_some_and(small),
        "timestamp_t" => value.as_u64().is_some_and(|time| time > 1_000_000_000_000),
        "float" | "number" => value.is_number(),
        "boolean_t" => value.is_boolean(),
        "ip" | "ip_t" => value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        // RFC 1123 section 2.1.
        "hostname_t" => value.as_str().is_some_and(|text| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.[]:".contains(&byte))
        }),
        other => panic!("{other} is no type"),
    }
}

/// Holds a document against a table; `beside` is where our own words stand.
fn check(table: &'static str, beside: &str, document: &Value) {
    let mut found = Vec::new();
    leaves(document, "", false, &mut found);
    found.retain(|(path, ..)| beside.is_empty() || !path.starts_with(beside));
    for (path, in_list, value) in &found {
        let field = field(table, path).unwrap_or_else(|| panic!("{path} is not in the schema"));
        assert!(is_of_kind(field.kind, value), "{path} is {}: {value}", field.kind);
        assert_eq!(*in_list, field.array, "{path}");
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(field.values.is_empty() || field.values.contains(&text), "{path}: {text}");
    }
    let names = table.lines().filter_map(|line| line.split(' ').next());
    for name in names.filter_map(|name| name.strip_suffix('!')) {
        let known = field(table, name).is_some_and(|field| field.required);
        let parent = name.rsplit_once('.').map_or("", |(parent, _)| parent);
        let is_asked = parent.is_empty()
            || found.iter().any(|(path, ..)| path.starts_with(&format!("{parent}.")));
        let is_there = found.iter().any(|(path, ..)| path == name);
        assert!(known && (is_there || !is_asked), "{name} is required");
    }
}

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

#[test]
fn ecs_documents_keep_to_the_schema() {
    for record in records() {
        check(ECS, "pinpoint.", &ecs::document(&record));
    }
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
    for record in records() {
        let event = ocsf::event(&record);
        check(OCSF, "unmapped.", &event);
        let number = |name: &str| event[name].as_u64().unwrap();
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(number("class_uid") / 1_000, number("category_uid"));
        // The constraints of the classes `network` and `http_activity`.
        assert!(event.get("src_endpoint").is_some() && event.get("http_request").is_some());
    }
    let event = ocsf::event(&records()[3]);
    assert_eq!((&event["action_id"], &event["disposition_id"]), (&3.into(), &15.into()));
    // `date -u -d 2026-11-23T10:00:00.123Z +%s%3N`
    assert_eq!(event["time"], 1_795_428_000_123_u64);
    assert_eq!(event["unmapped"]["pinpoint"]["matches"][0]["at"], 583);
    assert!(ocsf::event(&records()[2])["http_request"].get("body_length").is_none(), "5 GiB");
}

#[test]
fn modsecurity_transactions_keep_to_the_format() {
    for record in records() {
        check(MODSECURITY, "", &modsecurity::transaction(&record));
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
