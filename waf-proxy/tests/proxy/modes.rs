//! Blocking that is eased in, and a candidate beside the rules in force.

use std::sync::Arc;

use waf_core::policy::{Override, OverrideScope, PolicySettings};
use waf_core::record::{CandidateResult, Decision, DecisionRecord, Mode};
use waf_core::rule::RuleMode;
use waf_proxy::metrics::{Metrics, Names};
use waf_proxy::settings::Easing;
use waf_proxy::share::Share;

use crate::harness::http1::{get, post_with_length, send};
use crate::harness::{ATTACK, Origin, Proxy, attack_at_end, benign, policy, settings, settings_of};

/// The policy of the tests, without the rule that finds [`ATTACK`].
fn blind(mode: Mode) -> PolicySettings {
    let scope = OverrideScope::Rule("test-script".into());
    let off = Override { scope, mode: Some(RuleMode::Off), score: None, span: None };
    PolicySettings { mode, overrides: vec![off], ..PolicySettings::default() }
}

fn sighted(mode: Mode) -> PolicySettings {
    PolicySettings { mode, ..PolicySettings::default() }
}

/// A proxy under one policy, with another as its candidate.
fn beside(origin: &Origin, active: PolicySettings, candidate: PolicySettings) -> Proxy {
    let mut settings = settings_of(origin.address, active);
    settings.routes[0].candidate = Some(policy(candidate));
    Proxy::with(settings)
}

/// What was answered, what reached the origin and what was recorded of these requests.
async fn seen(
    proxy: &Proxy,
    origin: &Origin,
    requests: &[Vec<Vec<u8>>],
) -> (Vec<u16>, Vec<Vec<u8>>, Vec<DecisionRecord>) {
    let mut statuses = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        statuses.push(send(proxy.address, request.clone()).await.unwrap().status);
        proxy.has_recorded(index + 1).await;
    }
    let bodies = origin.state().requests.iter().map(|seen| seen.body.clone()).collect();
    (statuses, bodies, proxy.records(requests.len()).await)
}

/// An attack in the head with and without a body, in a held body, at the end of a longer one and at
/// its beginning; and none.
fn requests() -> Vec<Vec<Vec<u8>>> {
    let mut at_begin = ATTACK.to_vec();
    at_begin.extend(benign(300_000));
    let at_head = format!("/?{}", String::from_utf8_lossy(ATTACK));
    vec![
        vec![format!("GET {at_head} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()],
        post_with_length(&at_head, &benign(5_000)),
        post_with_length("/", &attack_at_end(5_000)),
        post_with_length("/", &attack_at_end(300_000)),
        post_with_length("/", &at_begin),
        post_with_length("/", &benign(5_000)),
    ]
}

fn results(records: &[DecisionRecord]) -> Vec<CandidateResult> {
    records.iter().map(|record| record.candidate.as_ref().unwrap().result).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_changes_no_answer_and_tells_what_it_would_let_pass() {
    let (plain_origin, origin) = (Origin::start().await, Origin::start().await);
    let plain = Proxy::with(settings(plain_origin.address, Mode::Block));
    let (statuses, bodies, without) = seen(&plain, &plain_origin, &requests()).await;
    assert_eq!(statuses, [403, 403, 403, 403, 403, 200]);

    let proxy = beside(&origin, sighted(Mode::Block), blind(Mode::Detect));
    let (with_statuses, with_bodies, records) = seen(&proxy, &origin, &requests()).await;
    assert_eq!(with_statuses, statuses);
    assert_eq!(with_bodies.len(), bodies.len());
    // Of a body that is cut, what is under way to the origin may be lost.
    let alike = |(with, without): (&Vec<u8>, &Vec<u8>)| {
        with.starts_with(without) || without.starts_with(with)
    };
    assert!(with_bodies.iter().zip(&bodies).all(alike));
    assert!(with_bodies.last() == bodies.last());
    for (with, without) in records.iter().zip(&without) {
        assert_eq!(
            (with.decision, &with.score, &with.matches, &with.coverage, with.verdict_offset),
            (
                without.decision,
                &without.score,
                &without.matches,
                &without.coverage,
                without.verdict_offset
            )
        );
    }
    use CandidateResult::{NewlyPassed, Same, Undecided};
    // The body of the second was never seen, of the fifth not to its end.
    let expected = [NewlyPassed, Undecided, NewlyPassed, NewlyPassed, Undecided, Same];
    assert_eq!(results(&records), expected);
    let told = records[2].candidate.clone().unwrap();
    assert_eq!(
        (told.decision, &told.gone[..]),
        (Some(Decision::Pass), &["test-script".into()][..])
    );
    assert!(told.matches.is_empty());
    assert!(!records[5].candidate.as_ref().unwrap().differs());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_tells_what_it_would_block_and_blocks_nothing() {
    let origin = Origin::start().await;
    let proxy = beside(&origin, blind(Mode::Block), sighted(Mode::Detect));
    let (statuses, bodies, records) = seen(&proxy, &origin, &requests()).await;
    assert_eq!(statuses, [200; 6]);
    let lengths: Vec<usize> = bodies.iter().map(Vec::len).collect();
    assert_eq!(lengths, [0, 5_000, 5_000, 300_000, 300_000 + ATTACK.len(), 5_000]);
    use CandidateResult::{NewlyBlocked, Same};
    let mut expected = vec![NewlyBlocked; 5];
    expected.push(Same);
    assert_eq!(results(&records), expected);
    let told = records[2].candidate.clone().unwrap();
    assert_eq!(told.decision, Some(Decision::WouldBlock));
    assert_eq!(
        (told.matches[0].rule_id.as_str(), told.matches[0].offset),
        ("test-script", Some(4_992))
    );
    assert!(told.gone.is_empty() && records[2].matches.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_looks_at_its_share() {
    let origin = Origin::start().await;
    let mut settings = settings_of(origin.address, blind(Mode::Block));
    settings.routes[0].candidate = Some(policy(sighted(Mode::Detect)));
    settings.candidate_share = Share::parse("50%").unwrap();
    let proxy = Proxy::with(settings);
    for _ in 0..20 {
        get(proxy.address, "/").await;
    }
    for record in proxy.records(20).await {
        let chosen = Share::parse("50%").unwrap().takes("candidate", &record.request_id);
        assert_eq!(record.candidate.is_some(), chosen, "{}", record.request_id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_carried_out_on_their_share() {
    let origin = Origin::start().await;
    let mut settings = settings(origin.address, Mode::Block);
    let route = &mut settings.routes[0];
    let enforce = Share::parse("50%").unwrap();
    route.easing = Some(Easing { enforce, detect: Arc::new(route.policy.in_mode(Mode::Detect)) });
    let proxy = Proxy::with(settings);
    let mut blocked = 0;
    for count in 1..=40 {
        let status = send(proxy.address, post_with_length("/", &attack_at_end(100))).await.unwrap();
        proxy.has_recorded(count).await;
        blocked += usize::from(status.status == 403);
    }
    let records = proxy.records(40).await;
    for record in &records {
        let (mode, decision) = match enforce.takes("enforce", &record.request_id) {
            true => (Mode::Block, Decision::Block),
            false => (Mode::Detect, Decision::WouldBlock),
        };
        assert_eq!((record.mode, record.decision), (mode, decision), "{}", record.request_id);
    }
    let carried_out = records.iter().filter(|record| record.decision == Decision::Block).count();
    assert_eq!(carried_out, blocked);
    // Both happen: the odds against it are 2^39.
    assert!((1..40).contains(&blocked), "{blocked}");
}

/// Both saw everything; what the client saw is the only difference.
#[tokio::test(flavor = "multi_thread")]
async fn records_and_metrics_are_equal_in_both_modes() {
    let [.., held, long, _, benign] = &requests()[..] else { panic!("too few") };
    let requests = [held.clone(), long.clone(), benign.clone()];
    let mut both = Vec::new();
    for mode in [Mode::Block, Mode::Detect] {
        let origin = Origin::start().await;
        let proxy = Proxy::with(settings(origin.address, mode));
        let (statuses, _, records) = seen(&proxy, &origin, &requests).await;
        let answers = if mode == Mode::Block { [403, 403, 200] } else { [200; 3] };
        assert_eq!(statuses, answers);
        let metrics = Metrics::new().unwrap();
        metrics.loaded(&Names {
            rules: vec!["test-script".into()],
            routes: vec!["default".into()],
            ..Names::default()
        });
        records.iter().for_each(|record| metrics.decided(record));
        let text = metrics.text().replace("would_block", "block");
        let lines = text.lines().filter(|line| !line.contains("process_"));
        // Who answered the client is what differs.
        let lines = lines.filter(|line| !line.starts_with("pinpoint_requests_total"));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        both.push((
            records.into_iter().map(|one| comparable(one, mode)).collect::<Vec<_>>(),
            lines,
        ));
    }
    assert_eq!(both[0].0, both[1].0);
    assert_eq!(both[0].1, both[1].1);
    assert!(both[0].1.iter().any(|line| line.contains("rule_id=\"test-script\"} 2")));
}

/// The record without what must differ: ids, times, the mode and what it does.
fn comparable(record: DecisionRecord, mode: Mode) -> DecisionRecord {
    let blocks = if mode == Mode::Block { Decision::Block } else { Decision::WouldBlock };
    assert_eq!(record.mode, mode);
    assert!(record.decision == Decision::Pass || record.decision == blocks);
    let decision = if record.decision == blocks { Decision::Block } else { Decision::Pass };
    let mut record = DecisionRecord {
        time: String::new(),
        request_id: String::new(),
        mode: Mode::Block,
        decision,
        status: None,
        source: waf_core::record::Source::Origin,
        timing_us: waf_core::record::TimingRecord::default(),
        ..record
    };
    record.coverage.stop = None;
    record
}
