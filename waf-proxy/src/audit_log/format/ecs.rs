//! Elastic Common Schema 9.4. What it has no field for stands under `pinpoint`, as in our own format.

use serde_json::{Value, json};
use waf_core::record::{Decision, DecisionRecord};

use super::{category, header, heaviest, hostname, known, message, own};

/// The version of the schema.
const VERSION: &str = "9.4.0";

/// What is said in fields of the schema already.
const SAID: &[&str] = &["time", "request_id", "status", "client", "request"];

pub(super) fn document(record: &DecisionRecord) -> Value {
    let request = &record.request;
    let passed = record.decision == Decision::Pass;
    let media_type = request.content_type.as_deref().and_then(|it| it.split(';').next());
    let rule = heaviest(record).map(|rule| {
        json!({
            "id": rule.rule_id, "name": rule.name, "category": category(rule),
            "description": rule.message, "ruleset": record.ruleset,
        })
    });
    let tags = heaviest(record).map(|rule| &rule.tags);
    known(json!({
        "@timestamp": record.time,
        "ecs": {"version": VERSION},
        "message": message(record),
        "tags": tags,
        "labels": {"route": record.route},
        "event": {
            "kind": if passed { "event" } else { "alert" },
            "category": if passed { vec!["web"] } else { vec!["web", "intrusion_detection"] },
            "type": kinds(record.decision),
            "action": record.decision.name(),
            "outcome": outcome(record.status),
            "id": record.request_id,
            "module": "pinpoint",
            "dataset": "pinpoint.audit",
            "duration": record.timing_us.total.saturating_mul(1_000),
            "risk_score": record.score.inbound.saturating_add(record.score.outbound),
        },
        "rule": rule,
        "client": {"ip": record.client.ip},
        "source": {"ip": record.client.ip},
        "related": {"ip": [record.client.ip], "hosts": host(record)},
        "http": {
            "request": {
                "id": record.request_id,
                "method": request.method,
                "mime_type": media_type,
                "body": {"bytes": request.body_bytes},
            },
            "response": {"status_code": record.status},
        },
        "url": {"domain": hostname(record), "path": request.path, "query": request.query},
        "user_agent": {"original": header(record, "user-agent")},
        "observer": {
            "vendor": "Pinpoint", "product": "Pinpoint", "type": "waf",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "pinpoint": own(record, SAID),
    }))
}

fn host(record: &DecisionRecord) -> Vec<&str> {
    Some(hostname(record)).filter(|name| !name.is_empty()).into_iter().collect()
}

/// `allowed` and `denied` belong to `intrusion_detection`, `access` to `web`.
fn kinds(decision: Decision) -> &'static [&'static str] {
    match decision {
        Decision::Pass => &["access"],
        Decision::WouldBlock => &["access", "allowed"],
        Decision::Block => &["access", "denied"],
    }
}

/// As the client saw it.
fn outcome(status: Option<u16>) -> &'static str {
    match status {
        None => "unknown",
        Some(..400) => "success",
        Some(_) => "failure",
    }
}
