//! Records for tests.

use waf_core::record::{
    ClientRecord, CoverageRecord, Decision, DecisionRecord, MatchRecord, Mode, RequestRecord,
    ScoreRecord, Source, TimingRecord,
};

/// A GET that the application answered with 200.
pub(crate) fn passed(request_id: &str) -> DecisionRecord {
    DecisionRecord {
        time: "2026-11-23T10:00:00.123Z".into(),
        request_id: request_id.into(),
        client_request_id: None,
        mode: Mode::Block,
        decision: Decision::Pass,
        status: Some(200),
        intended_status: None,
        source: Source::Origin,
        route: "default".into(),
        client: ClientRecord { ip: "203.0.113.7".into() },
        request: RequestRecord {
            method: "GET".into(),
            host: "shop.example".into(),
            path: "/login".into(),
            ..RequestRecord::default()
        },
        score: ScoreRecord {
            inbound_threshold: 5,
            outbound_threshold: 4,
            ..ScoreRecord::default()
        },
        matches: Vec::new(),
        bookkeeping: Vec::new(),
        excluded: Vec::new(),
        verdict_offset: None,
        coverage: CoverageRecord::default(),
        ruleset: "sha256:00".into(),
        timing_us: TimingRecord { inspect: 41, total: 1_830 },
        candidate: None,
    }
}

/// The example of the documentation: a union select in a JSON body.
pub(crate) fn blocked(request_id: &str) -> DecisionRecord {
    let mut record = passed(request_id);
    record.decision = Decision::Block;
    record.status = Some(403);
    record.source = Source::Waf;
    record.request.method = "POST".into();
    record.request.body_bytes = 812;
    record.score.inbound = 5;
    record.matches = vec![union_select()];
    record.verdict_offset = Some(612);
    record.coverage.body_seen = 612;
    record.coverage.body_total = Some(812);
    record
}

/// A match of `sqli-union-select`.
pub(crate) fn union_select() -> MatchRecord {
    MatchRecord {
        rule_id: "sqli-union-select".into(),
        name: "SQL UNION SELECT".into(),
        severity: "critical".into(),
        score: 5,
        paranoia: 1,
        phase: "request_body".into(),
        target: "ARGS_POST:$.user.name".into(),
        also: Vec::new(),
        alphabet: None,
        decode: vec!["json".into(), "url_decode_uni".into()],
        offset: Some(17),
        length: Some(12),
        at: Some(583),
        excerpt: "union select".into(),
        message: "SQL UNION SELECT".into(),
        data: String::new(),
        tags: vec!["attack-sqli".into()],
        file: "rules/sqli/union-select.yaml".into(),
        line: 1,
        counted: true,
        after_verdict: false,
        blocks: false,
    }
}
