//! Records as a site has them: several kinds of attack, false positives, answers of our own.

use serde_json::{Value, json};
use waf_core::record::DecisionRecord;

/// A record with every field that there can be, as JSON.
pub fn whole(number: usize) -> Value {
    let matched = json!({
        "rule_id": "sqli-union-select", "name": "SQL UNION SELECT", "severity": "critical",
        "score": 5, "paranoia": 1, "phase": "request_body", "target": "ARGS_POST:$.user.name",
        "decode": ["json", "url_decode_uni"], "offset": 17, "length": 12, "at": 583,
        "excerpt": "union select", "message": "UNION in a value", "data": "found union select",
        "tags": ["attack-sqli"], "file": "rules/sqli/union-select.yaml", "line": 1,
    });
    json!({
        "time": clock(number), "request_id": format!("01932f5a-7b00-7000-8000-{number:012x}"),
        "client_request_id": "shop-4711", "mode": "block", "decision": "block", "status": 403,
        "intended_status": 403, "source": "waf", "route": "default",
        "client": {"ip": "203.0.113.7"},
        "request": {
            "method": "POST", "host": "shop.example", "path": "/login", "query": "q=***",
            "content_type": "application/json", "body_bytes": 812,
            "headers": [["user-agent", "Mozilla/5.0"]],
        },
        "score": {"inbound": 5, "inbound_threshold": 5, "outbound": 0, "outbound_threshold": 4},
        "matches": [matched], "bookkeeping": [matched], "verdict_offset": 612,
        "coverage": {
            "body_seen": 612, "body_total": 812, "stop": "verdict",
            "inexact": [{"field": "ARGS_POST:a", "what": ["normalize_path"]}], "response_seen": 9,
        },
        "ruleset": "sha256:9f86d081884c7d65", "timing_us": {"inspect": 41, "total": 1830},
        "candidate": {
            "result": "newly_passed", "decision": "pass",
            "score": {"inbound": 0, "inbound_threshold": 5, "outbound": 0, "outbound_threshold": 4},
            "matches": [matched], "gone": ["sqli-union-select"], "ruleset": "sha256:b7d0", "inspect_us": 9,
        },
    })
}

/// 2026-11-23 from eight in the morning, a record every 7.3 seconds.
fn clock(number: usize) -> String {
    let millis = number * 7_300;
    let (seconds, millis) = (8 * 3_600 + millis / 1_000, millis % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("2026-11-23T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// A morning of a shop, made by number.
pub fn morning() -> impl Iterator<Item = DecisionRecord> {
    (0..1_000).map(|number| {
        let mut record = whole(number);
        record.as_object_mut().unwrap().remove("client_request_id");
        record.as_object_mut().unwrap().remove("intended_status");
        record["client"]["ip"] = json!(format!("203.0.113.{}", number * number % 23));
        if number % 50 != 0 {
            record.as_object_mut().unwrap().remove("candidate");
        }
        match number * 7 % 13 {
            0..5 => false_positive(&mut record, number),
            5 => unreachable(&mut record),
            6 => refused_by_application(&mut record),
            7 | 8 => scripting(&mut record),
            _ => {}
        }
        serde_json::from_value(record).unwrap()
    })
}

fn false_positive(record: &mut Value, number: usize) {
    record["mode"] = json!("detect");
    record["decision"] = json!("would_block");
    record["source"] = json!("origin");
    record["status"] = json!(200);
    record["route"] = json!("shop");
    record["request"]["path"] = json!(format!("/products/{}/reviews", number % 40));
    record["matches"][0]["target"] = json!("ARGS_POST:$.review.text");
    record["client"]["ip"] = json!(format!("2001:db8:4:{:x}::1", number % 60));
}

fn unreachable(record: &mut Value) {
    record["decision"] = json!("pass");
    record["source"] = json!("proxy");
    record["status"] = json!(502);
    record["matches"] = json!([]);
    record["score"]["inbound"] = json!(0);
}

fn refused_by_application(record: &mut Value) {
    record["decision"] = json!("pass");
    record["source"] = json!("origin");
    record["request"]["path"] = json!("/admin");
    record["score"]["inbound"] = json!(2);
    record["matches"][0]["score"] = json!(2);
    record["matches"][0]["rule_id"] = json!("protocol-target-characters");
}

fn scripting(record: &mut Value) {
    record["request"]["method"] = json!("GET");
    record["request"]["path"] = json!("/search/in/all/categories/of/the/shop/and/its/archive");
    record["request"]["query"] = json!("q=***&page=***&sort=***&utm_source=***");
    record["score"]["inbound"] = json!(15);
    let mut other = record["matches"][0].clone();
    other["rule_id"] = json!("941100");
    other["file"] = json!("/etc/modsecurity/crs/rules/REQUEST-941-APPLICATION-ATTACK-XSS.conf");
    record["matches"] = json!([other, record["matches"][0], record["matches"][0]]);
    record["matches"][1]["rule_id"] = json!("xss-script-tag");
}
