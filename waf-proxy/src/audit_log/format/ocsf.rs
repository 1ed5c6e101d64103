//! Open Cybersecurity Schema Framework 1.8: HTTP Activity (class 4002) with the profile
//! `security_control`. What it has no attribute for stands under `unmapped`, as in our own format.

use serde_json::{Value, json};
use waf_core::record::{Decision, DecisionRecord, MatchRecord};

use super::{category, header, heaviest, hostname, known, message, own};
use crate::ids;

/// The version of the schema.
const VERSION: &str = "1.8.0";

const CLASS: u32 = 4002;

/// What is said in attributes of the schema already.
const SAID: &[&str] = &["time", "request_id", "client_request_id", "status", "client", "request"];

/// The largest `integer_t` that every reader takes.
const INTEGER: u64 = i32::MAX as u64;

pub(super) fn event(record: &DecisionRecord) -> Value {
    let request = &record.request;
    let (activity, activity_name) = activity(&request.method);
    let (severity, severity_name) = severity(record);
    let (action, action_name, disposition, disposition_name) = outcome(record.decision);
    let headers = request.headers.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let response = record.status.map(|status| json!({"code": status}));
    let body = Some(request.body_bytes).filter(|bytes| *bytes <= INTEGER);
    known(json!({
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": CLASS / 1_000,
        "category_name": "Network Activity",
        "class_uid": CLASS,
        "class_name": "HTTP Activity",
        "type_uid": CLASS * 100 + activity,
        "type_name": format!("HTTP Activity: {activity_name}"),
        "time": ids::milliseconds(&record.time),
        "severity_id": severity,
        "severity": severity_name,
        "status_code": record.status.map(|status| status.to_string()),
        "http_status": record.status,
        "message": message(record),
        "action_id": action,
        "action": action_name,
        "disposition_id": disposition,
        "disposition": disposition_name,
        "is_alert": record.decision != Decision::Pass,
        "firewall_rule": heaviest(record).map(rule),
        "http_request": {
            "uid": record.request_id,
            "http_method": request.method,
            "url": url(record),
            "user_agent": header(record, "user-agent"),
            "body_length": body,
            "http_headers": headers.collect::<Vec<_>>(),
        },
        "http_response": response,
        "src_endpoint": {"ip": record.client.ip},
        "dst_endpoint": {"hostname": hostname(record)},
        "metadata": {
            "version": VERSION,
            "uid": record.request_id,
            "correlation_uid": record.client_request_id,
            "log_name": "audit",
            "original_time": record.time,
            "profiles": ["security_control"],
            "product": {
                "name": "Pinpoint", "vendor_name": "Pinpoint", "version": env!("CARGO_PKG_VERSION"),
            },
        },
        "unmapped": {"pinpoint": own(record, SAID)},
    }))
}

/// The object asks for a path.
fn url(record: &DecisionRecord) -> Option<Value> {
    let request = &record.request;
    (!request.path.is_empty()).then(|| {
        json!({
            "hostname": hostname(record), "path": request.path, "query_string": request.query,
        })
    })
}

fn rule(rule: &MatchRecord) -> Value {
    json!({
        "uid": rule.rule_id,
        "name": rule.name,
        "category": category(rule),
        "desc": rule.message,
        "match_location": rule.target,
        "match_details": Some(&rule.excerpt).filter(|text| !text.is_empty()).map(|text| [text]),
        "sensitivity": format!("paranoia {}", rule.paranoia),
    })
}

/// The methods of the class; methods ignore no case (RFC 9110 section 9.1).
fn activity(method: &str) -> (u32, &str) {
    match method {
        "CONNECT" => (1, "Connect"),
        "DELETE" => (2, "Delete"),
        "GET" => (3, "Get"),
        "HEAD" => (4, "Head"),
        "OPTIONS" => (5, "Options"),
        "POST" => (6, "Post"),
        "PUT" => (7, "Put"),
        "TRACE" => (8, "Trace"),
        "PATCH" => (9, "Patch"),
        "" => (0, "Unknown"),
        other => (99, other),
    }
}

/// That of the worst rule that counted.
fn severity(record: &DecisionRecord) -> (u32, &'static str) {
    let of = |known: &MatchRecord| match known.severity.as_str() {
        "critical" => (5, "Critical"),
        "error" => (4, "High"),
        "warning" => (3, "Medium"),
        _ => (2, "Low"),
    };
    let counted = record.matches.iter().filter(|known| known.counted).map(of);
    counted.max().unwrap_or((1, "Informational"))
}

/// Action and disposition.
fn outcome(decision: Decision) -> (u32, &'static str, u32, &'static str) {
    match decision {
        Decision::Pass => (1, "Allowed", 1, "Allowed"),
        Decision::WouldBlock => (3, "Observed", 15, "Detected"),
        Decision::Block => (2, "Denied", 2, "Blocked"),
    }
}
