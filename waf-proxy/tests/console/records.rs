//! Records as a site has them: several kinds of attack, false positives, answers of our own.

use serde_json::{Value, json};
use waf_core::record::{
    CandidateRecord, CandidateResult, ClientRecord, CoverageRecord, Decision, DecisionRecord,
    ExcludedRecord, InexactRecord, MatchRecord, Mode, RequestRecord, ScoreRecord, Source, Stop,
    TimingRecord,
};

/// A record with every member that there can be, as JSON. One that is new is asked for here by the
/// compiler.
pub fn whole(number: usize) -> Value {
    let score =
        |inbound| ScoreRecord { inbound, inbound_threshold: 5, outbound: 0, outbound_threshold: 4 };
    let record = DecisionRecord {
        time: clock(number),
        request_id: format!("01932f5a-7b00-7000-8000-{number:012x}"),
        client_request_id: Some("shop-4711".into()),
        mode: Mode::Block,
        decision: Decision::Block,
        status: Some(403),
        intended_status: Some(403),
        source: Source::Waf,
        route: "default".into(),
        client: ClientRecord { ip: "203.0.113.7".into() },
        request: RequestRecord {
            method: "POST".into(),
            host: "shop.example".into(),
            path: "/login".into(),
            query: "q=***".into(),
            protocol: "HTTP/1.1".into(),
            content_type: Some("application/json".into()),
            body_bytes: 812,
            headers: vec![("user-agent".into(), "Mozilla/5.0".into())],
        },
        score: score(5),
        matches: vec![matched()],
        bookkeeping: vec![matched()],
        excluded: vec![ExcludedRecord {
            rule_id: "sqli-tautology".into(),
            target: "ARGS_POST:$.comment".into(),
            exclusion: "exclusions/shop.yaml:3".into(),
        }],
        verdict_offset: Some(612),
        coverage: CoverageRecord {
            body_seen: 612,
            body_total: Some(812),
            stop: Some(Stop::Verdict),
            inexact: vec![InexactRecord {
                field: "ARGS_POST:a".into(),
                what: vec!["normalize_path".into()],
            }],
            response_seen: Some(9),
        },
        ruleset: "sha256:9f86d081884c7d65".into(),
        timing_us: TimingRecord { inspect: 41, total: 1_830 },
        candidate: Some(CandidateRecord {
            result: CandidateResult::NewlyPassed,
            decision: Some(Decision::Pass),
            score: Some(score(0)),
            matches: vec![matched()],
            gone: vec!["sqli-union-select".into()],
            ruleset: "sha256:b7d0".into(),
            inspect_us: 9,
        }),
    };
    serde_json::to_value(record).unwrap()
}

fn matched() -> MatchRecord {
    MatchRecord {
        rule_id: "sqli-union-select".into(),
        name: "SQL UNION SELECT".into(),
        severity: "critical".into(),
        score: 5,
        paranoia: 1,
        phase: "request_body".into(),
        target: "ARGS_POST:$.user.name".into(),
        also: vec!["ARGS_POST:$.user.city".into()],
        alphabet: "A-Za-z0-9 ,".parse().ok(),
        decode: vec!["json".into(), "url_decode_uni".into()],
        offset: Some(17),
        length: Some(12),
        at: Some(583),
        excerpt: "union select".into(),
        message: "UNION in a value".into(),
        data: "found union select".into(),
        tags: vec!["attack-sqli".into()],
        file: "rules/sqli/union-select.yaml".into(),
        line: 1,
        counted: true,
        after_verdict: false,
        blocks: false,
    }
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
        // A rule in YAML counts once, and names one field.
        record["matches"][0].as_object_mut().unwrap().remove("also");
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
