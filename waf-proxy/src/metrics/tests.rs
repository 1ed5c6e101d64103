#![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]

use waf_core::record::{CandidateRecord, CandidateResult, InexactRecord};

use super::*;
use crate::test_record::{blocked, passed, union_select};

fn names() -> Names {
    Names {
        ruleset: "sha256:00".into(),
        rules: vec!["sqli-union-select".into(), "parse-json-duplicate-key".into()],
        routes: vec!["default".into()],
        upstreams: vec!["app".into()],
        expiries: Vec::new(),
        exclusions: vec!["e.yaml:1".into(), "e.yaml:9".into()],
    }
}

fn metrics() -> Metrics {
    let metrics = Metrics::new().unwrap();
    metrics.loaded(&names());
    metrics
}

/// The number behind a series; `None` when the series is not there.
fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let text = metrics.text();
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(s, _)| s == series));
    line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.parse().unwrap())
}

#[test]
fn a_decision_moves_its_metrics() {
    let metrics = metrics();
    let mut record = blocked("a");
    record.matches.push(waf_core::record::MatchRecord {
        rule_id: "parse-json-duplicate-key".into(),
        ..union_select()
    });
    let what = vec!["offset".into(), "detect_sqli".into()];
    record.coverage.inexact.push(InexactRecord { field: "ARGS_POST:a".into(), what });
    metrics.decided(&record);
    metrics.decided(&passed("b"));
    for (series, expected) in [
        (r#"pinpoint_requests_total{decision="block",route="default",source="waf"}"#, 1.0),
        (r#"pinpoint_requests_total{decision="pass",route="default",source="origin"}"#, 1.0),
        (r#"pinpoint_rule_matches_total{decision="block",rule_id="sqli-union-select"}"#, 1.0),
        (r#"pinpoint_parser_errors_total{format="json"}"#, 1.0),
        (r#"pinpoint_body_bytes_total{inspected="true"}"#, 612.0),
        (r#"pinpoint_body_bytes_total{inspected="false"}"#, 200.0),
        (r#"pinpoint_inexact_total{what="detect_sqli"}"#, 1.0),
        ("pinpoint_request_score_sum", 5.0),
        ("pinpoint_request_score_count", 2.0),
        (r#"pinpoint_request_score_bucket{le="4"}"#, 1.0),
    ] {
        assert_eq!(value(&metrics, series), Some(expected), "{series}");
    }
}

#[test]
fn a_candidate_moves_its_metrics() {
    let metrics = metrics();
    let mut record = passed("a");
    for (result, count) in CandidateResult::ALL.iter().zip(1_u32..) {
        let mut told = CandidateRecord { result: *result, ..CandidateRecord::failed() };
        told.matches = vec![union_select()];
        told.gone = vec!["parse-json-duplicate-key".into(), "made-up".into()];
        record.candidate = Some(told);
        for _ in 0..count {
            metrics.decided(&record);
        }
    }
    for (series, expected) in [
        (r#"pinpoint_candidate_requests_total{result="same",route="default"}"#, 1.0),
        (r#"pinpoint_candidate_requests_total{result="newly_blocked",route="default"}"#, 2.0),
        (r#"pinpoint_candidate_requests_total{result="newly_passed",route="default"}"#, 3.0),
        (r#"pinpoint_candidate_requests_total{result="undecided",route="default"}"#, 4.0),
        (r#"pinpoint_candidate_requests_total{result="error",route="default"}"#, 5.0),
        (
            r#"pinpoint_candidate_rule_matches_total{change="new",rule_id="sqli-union-select"}"#,
            15.0,
        ),
        (
            r#"pinpoint_candidate_rule_matches_total{change="gone",rule_id="parse-json-duplicate-key"}"#,
            15.0,
        ),
    ] {
        assert_eq!(value(&metrics, series), Some(expected), "{series}");
    }
    assert!(!metrics.text().contains("made-up"));
    metrics.loaded(&Names::default());
    assert!(!metrics.text().contains("pinpoint_candidate"));
}

#[test]
fn everything_else_moves_its_metric() {
    let metrics = metrics();
    metrics.inspected(Phase::RequestBody, Duration::from_micros(250));
    metrics.held(4_096);
    metrics.of_audit_log().dropped.inc();
    metrics.of_audit_log().sampled_out.with_label_values(&["sqli-union-select"]).inc();
    metrics.reloaded(true);
    metrics.reloaded(false);
    metrics.upstream_answered("app", Duration::from_millis(20));
    metrics.upstream_failed("app", "connect");
    for (series, expected) in [
        (r#"pinpoint_inspect_seconds_sum{phase="request_body"}"#, 0.000_25),
        ("pinpoint_held_bytes", 4_096.0),
        ("pinpoint_audit_dropped_total", 1.0),
        (r#"pinpoint_audit_sampled_out_total{rule_id="sqli-union-select"}"#, 1.0),
        (r#"pinpoint_reloads_total{result="ok"}"#, 1.0),
        (r#"pinpoint_reloads_total{result="refused"}"#, 1.0),
        (r#"pinpoint_upstream_requests_total{result="answered",upstream="app"}"#, 1.0),
        (r#"pinpoint_upstream_requests_total{result="connect",upstream="app"}"#, 1.0),
        (r#"pinpoint_upstream_seconds_sum{upstream="app"}"#, 0.02),
        (r#"pinpoint_ruleset_info{hash="sha256:00"}"#, 1.0),
    ] {
        assert_eq!(value(&metrics, series), Some(expected), "{series}");
    }
    assert!(value(&metrics, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 0.0));
}

#[test]
fn labels_are_bounded_by_what_is_loaded() {
    let metrics = metrics();
    for index in 0..100 {
        let mut record = blocked("a");
        record.route = format!("made up {index}");
        record.matches[0].rule_id = format!("made-up-{index}");
        metrics.decided(&record);
        metrics.upstream_failed(&format!("made up {index}"), "connect");
    }
    assert!(!metrics.text().contains("made"));
    let other = r#"pinpoint_requests_total{decision="block",route="other",source="waf"}"#;
    assert_eq!(value(&metrics, other), Some(100.0));
}

#[test]
fn what_a_reload_took_away_disappears() {
    let metrics = metrics();
    metrics.decided(&blocked("a"));
    metrics.upstream_failed("app", "connect");
    let rule = r#"pinpoint_rule_matches_total{decision="block",rule_id="sqli-union-select"}"#;
    assert_eq!(value(&metrics, rule), Some(1.0));

    metrics.loaded(&names());
    assert_eq!(value(&metrics, rule), Some(1.0), "what stays is kept");

    metrics.loaded(&Names { ruleset: "sha256:11".into(), ..Names::default() });
    let text = metrics.text();
    for gone in ["sqli-union-select", "sha256:00", "route=\"default\"", "upstream=\"app\""] {
        assert!(!text.contains(gone), "{gone} is still in {text}");
    }
    // A request that began before the reload must not bring it back.
    metrics.decided(&blocked("b"));
    assert_eq!(value(&metrics, rule), None);
}

#[test]
fn the_first_exclusion_to_expire_is_told() {
    let metrics = metrics();
    let expiries = vec![("100200".into(), 2_000), ("100200".into(), 1_000), ("x".into(), 3_000)];
    metrics.loaded(&Names { expiries, ..names() });
    let series = |rule: &str| {
        value(
            &metrics,
            &format!("pinpoint_exclusion_expiry_timestamp_seconds{{rule_id=\"{rule}\"}}"),
        )
    };
    assert_eq!((series("100200"), series("x")), (Some(1_000.0), Some(3_000.0)));
}

/// Everything that is shipped to look at the metrics.
const LOOKERS: [&str; 3] = [
    include_str!("../../../deploy/prometheus/alerts.yml"),
    include_str!("../../../deploy/prometheus/alerts.test.yml"),
    include_str!("../../../deploy/grafana/pinpoint.json"),
];

/// A proxy that has met everything once, so that every series is there.
fn everything() -> Metrics {
    let metrics = metrics();
    let mut record = blocked("a");
    record.matches[0].rule_id = "parse-json-duplicate-key".into();
    let what = vec!["offset".into()];
    record.coverage.inexact.push(InexactRecord { field: "ARGS_POST:a".into(), what });
    let mut told = CandidateRecord::failed();
    told.gone = vec!["sqli-union-select".into()];
    record.candidate = Some(told);
    metrics.decided(&record);
    metrics.inspected(Phase::RequestBody, Duration::from_micros(250));
    metrics.of_audit_log().sampled_out.with_label_values(&["sqli-union-select"]).inc();
    metrics.reloaded(true);
    metrics.upstream_answered("app", Duration::from_millis(20));
    metrics.loaded(&Names { expiries: vec![("100200".into(), 2_000)], ..names() });
    metrics
}

/// The metrics that a text names, each with the labels that it selects by.
fn named(text: &str) -> Vec<(String, Vec<String>)> {
    let starts = text.match_indices("pinpoint_").chain(text.match_indices("process_"));
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = |text: &str| text[..text.find(|c| !is_word(c)).unwrap_or(text.len())].to_owned();
    let name = |(at, _): (usize, &str)| {
        let name = word(&text[at..]);
        let rest = &text[at + name.len()..];
        let selector = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
        let parts = selector.unwrap_or("").split(',').map(|part| word(part.trim()));
        (name, parts.filter(|label| !label.is_empty()).collect())
    };
    starts.map(name).collect()
}

#[test]
fn dashboards_and_alerts_name_only_what_is_there() {
    let text = everything().text();
    let mut told = std::collections::BTreeSet::new();
    for (name, labels) in LOOKERS.into_iter().flat_map(named) {
        let series: Vec<&str> = text
            .lines()
            .filter(|line| {
                line.strip_prefix(&name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            })
            .collect();
        assert!(!series.is_empty(), "there is no metric {name}");
        for label in labels {
            let has = series.iter().any(|line| line.contains(&format!("{label}=\"")));
            assert!(has, "{name} has no label {label}");
        }
        told.insert(name.trim_end_matches("_bucket").trim_end_matches("_count").to_owned());
    }
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE pinpoint_"));
    for name in types.filter_map(|line| line.split(' ').next()) {
        assert!(told.contains(&format!("pinpoint_{name}")), "nobody looks at pinpoint_{name}");
    }
}

#[test]
fn exclusions_are_counted_from_zero_and_unknown_ones_are_not() {
    let metrics = Metrics::new().unwrap();
    metrics.loaded(&names());
    let mut record = blocked("a");
    record.excluded = ["e.yaml:9", "other.yaml:1"]
        .map(|exclusion| waf_core::record::ExcludedRecord {
            rule_id: "sqli-union-select".into(),
            target: "ARGS_POST:q".into(),
            exclusion: exclusion.into(),
        })
        .to_vec();
    metrics.decided(&record);
    let text = metrics.text();
    assert!(text.contains("pinpoint_exclusion_hits_total{exclusion=\"e.yaml:1\"} 0"), "{text}");
    assert!(text.contains("pinpoint_exclusion_hits_total{exclusion=\"e.yaml:9\"} 1"), "{text}");
    assert!(!text.contains("other.yaml"), "{text}");
    metrics.loaded(&Names::default());
    assert!(!metrics.text().contains("e.yaml"));
}
