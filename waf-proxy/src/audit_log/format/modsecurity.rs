//! The JSON audit format of libmodsecurity 3 (parts A, B, F and H). Addresses and ports that a
//! record does not hold are `0.0.0.0` and 0; what it has no name for is left out.

use serde_json::{Map, Value, json};
use waf_core::record::{DecisionRecord, MatchRecord, Mode};

use crate::ids;

pub(super) fn transaction(record: &DecisionRecord) -> Value {
    let request = &record.request;
    let query = if request.query.is_empty() { "" } else { "?" };
    let mut headers = Map::new();
    headers.insert("host".into(), request.host.clone().into());
    headers
        .extend(request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())));
    let messages = record.matches.iter().chain(&record.bookkeeping).map(message);
    json!({"transaction": {
        "client_ip": record.client.ip,
        "time_stamp": ids::asctime(&record.time),
        "server_id": record.ruleset,
        "client_port": 0,
        "host_ip": "0.0.0.0",
        "host_port": 0,
        "unique_id": record.request_id,
        "request": {
            "method": request.method,
            "http_version": version(&request.protocol),
            "uri": format!("{}{query}{}", request.path, request.query),
            "headers": headers,
        },
        "response": {"http_code": record.status.unwrap_or(0), "headers": {}},
        "producer": {
            "modsecurity": concat!("Pinpoint v", env!("CARGO_PKG_VERSION")),
            "connector": "Pinpoint",
            "secrules_engine": match record.mode {
                Mode::Block => "Enabled",
                Mode::Detect => "DetectionOnly",
            },
            "components": [],
        },
        "messages": messages.collect::<Vec<_>>(),
    }})
}

fn message(known: &MatchRecord) -> Value {
    let place = |(offset, length)| format!("o{offset},{length}");
    json!({
        "message": known.message,
        "details": {
            "match": format!("Matched \"{}\" at {}", known.excerpt, known.target),
            "reference": known.offset.zip(known.length).map(place).unwrap_or_default(),
            "ruleId": known.rule_id,
            "file": known.file,
            "lineNumber": known.line.to_string(),
            "data": known.data,
            "severity": severity(&known.severity).to_string(),
            "ver": "",
            "rev": "",
            "tags": known.tags,
            "maturity": "0",
            "accuracy": "0",
        },
    })
}

/// ModSecurity's numbers are those of syslog (RFC 5424 section 6.2.1).
fn severity(name: &str) -> u8 {
    match name {
        "critical" => 2,
        "error" => 3,
        "warning" => 4,
        _ => 5,
    }
}

/// `1.1` of `HTTP/1.1`, as a number.
fn version(protocol: &str) -> f64 {
    protocol.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0.0)
}
