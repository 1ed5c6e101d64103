//! What is counted, in the words and units of Prometheus.
//!
//! Labels are bounded: routes, rules and upstreams are those of the configuration in force, all
//! other labels are words of ours. Series of what a reload took away disappear with it.

mod known;

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use waf_core::record::{CandidateResult, Decision, DecisionRecord};
use waf_core::rule::Phase;

use crate::audit_log::Counters;
use known::Known;

/// Scores worth telling apart: CRS adds 2 to 5 a rule, its threshold is 5.
const SCORES: &[f64] = &[0.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0];

/// Seconds of inspection, from a small GET to a large body.
const INSPECT: &[f64] =
    &[1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, 0.25, 1.0];

/// Seconds that an application takes.
const UPSTREAM: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Every metric of the proxy.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    known: Known,
    requests: IntCounterVec,
    rule_matches: IntCounterVec,
    score: Histogram,
    inspect: HistogramVec,
    body_bytes: IntCounterVec,
    held: IntGauge,
    parser_errors: IntCounterVec,
    inexact: IntCounterVec,
    audit: Counters,
    reloads: IntCounterVec,
    ruleset: IntGaugeVec,
    exclusion_expiry: IntGaugeVec,
    candidate_requests: IntCounterVec,
    candidate_matches: IntCounterVec,
    exclusion_hits: IntCounterVec,
    upstream_requests: IntCounterVec,
    upstream_seconds: HistogramVec,
}

/// What labels may say, as loaded.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The hash of the rule set.
    pub ruleset: String,
    /// Every rule's id, those of the candidate too.
    pub rules: Vec<String>,
    /// Every route's name.
    pub routes: Vec<String>,
    /// Every upstream's name.
    pub upstreams: Vec<String>,
    /// The rules of exclusions and when they expire, in seconds since 1970.
    pub expiries: Vec<(String, i64)>,
    /// Every exclusion, by the file and line it is written in.
    pub exclusions: Vec<String>,
}

impl Metrics {
    /// All at zero. Fails only on a mistake in this module.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone())).map(|()| metric)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone())).map(|()| metric)
        };
        let histograms = |name: &str, help: &str, label: &str, buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            let metric = HistogramVec::new(options, &[label])?;
            registry.register(Box::new(metric.clone())).map(|()| metric)
        };
        let score = HistogramOpts::new("pinpoint_request_score", "Inbound score of a request.");
        let metrics = Self {
            known: Known::default(),
            requests: counters(
                "pinpoint_requests_total",
                "Requests, by what was decided and who answered.",
                &["route", "decision", "source"],
            )?,
            rule_matches: counters(
                "pinpoint_rule_matches_total",
                "Rules that matched, by what was decided about the request.",
                &["rule_id", "decision"],
            )?,
            score: Histogram::with_opts(score.buckets(SCORES.to_vec()))?,
            inspect: histograms(
                "pinpoint_inspect_seconds",
                "Time in the engine.",
                "phase",
                INSPECT,
            )?,
            body_bytes: counters(
                "pinpoint_body_bytes_total",
                "Bytes of request bodies, by whether they were inspected.",
                &["inspected"],
            )?,
            held: IntGauge::new("pinpoint_held_bytes", "Bytes of bodies held at this moment.")?,
            parser_errors: counters(
                "pinpoint_parser_errors_total",
                "Bodies and fields that do not keep to their format.",
                &["format"],
            )?,
            inexact: counters(
                "pinpoint_inexact_total",
                "Fields in which something could not be exact, by what.",
                &["what"],
            )?,
            audit: Counters {
                dropped: IntCounter::new(
                    "pinpoint_audit_dropped_total",
                    "Decision records that were lost: queue full or disk failing.",
                )?,
                sampled_out: counters(
                    "pinpoint_audit_sampled_out_total",
                    "Decision records that `audit.sample` left out, by the rule that weighed most.",
                    &["rule_id"],
                )?,
            },
            reloads: counters("pinpoint_reloads_total", "Reloads, by result.", &["result"])?,
            ruleset: gauges("pinpoint_ruleset_info", "The rules in force.", &["hash"])?,
            exclusion_expiry: gauges(
                "pinpoint_exclusion_expiry_timestamp_seconds",
                "When the first exclusion of a rule expires.",
                &["rule_id"],
            )?,
            candidate_requests: counters(
                "pinpoint_candidate_requests_total",
                "Requests that the candidate looked at, by its decision against the active one.",
                &["route", "result"],
            )?,
            candidate_matches: counters(
                "pinpoint_candidate_rule_matches_total",
                "Rules that match under the candidate only (new) or under the active rules only (gone).",
                &["rule_id", "change"],
            )?,
            exclusion_hits: counters(
                "pinpoint_exclusion_hits_total",
                "Rules that would have matched but for an exclusion, by its file and line.",
                &["exclusion"],
            )?,
            upstream_requests: counters(
                "pinpoint_upstream_requests_total",
                "Requests to an upstream, by result.",
                &["upstream", "result"],
            )?,
            upstream_seconds: histograms(
                "pinpoint_upstream_seconds",
                "Time from the request to the response header of an upstream.",
                "upstream",
                UPSTREAM,
            )?,
            registry: registry.clone(),
        };
        registry.register(Box::new(metrics.score.clone()))?;
        registry.register(Box::new(metrics.held.clone()))?;
        registry.register(Box::new(metrics.audit.dropped.clone()))?;
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(metrics)
    }

    /// What the audit log counts.
    pub fn of_audit_log(&self) -> Counters {
        self.audit.clone()
    }

    /// A request has ended.
    pub fn decided(&self, record: &DecisionRecord) {
        let decision = record.decision.name();
        let route = self.known.route(&record.route);
        self.requests.with_label_values(&[route.as_str(), decision, record.source.name()]).inc();
        self.score.observe(f64::from(record.score.inbound));
        let coverage = &record.coverage;
        let missed = coverage.body_total.unwrap_or(0).saturating_sub(coverage.body_seen);
        self.body_bytes.with_label_values(&["true"]).inc_by(coverage.body_seen);
        self.body_bytes.with_label_values(&["false"]).inc_by(missed);
        for what in coverage.inexact.iter().flat_map(|field| &field.what) {
            self.inexact.with_label_values(&[what.as_str()]).inc();
        }
        for one in &record.excluded {
            if self.known.has_exclusion(&one.exclusion) {
                self.exclusion_hits.with_label_values(&[one.exclusion.as_str()]).inc();
            }
        }
        for one in &record.matches {
            if self.known.has_rule(&one.rule_id) {
                self.rule_matches.with_label_values(&[one.rule_id.as_str(), decision]).inc();
            }
            if let Some(format) = format(&one.rule_id) {
                self.parser_errors.with_label_values(&[format]).inc();
            }
        }
        if let Some(candidate) = &record.candidate {
            self.candidate_requests
                .with_label_values(&[route.as_str(), candidate.result.name()])
                .inc();
            self.candidate_rules("new", candidate.matches.iter().map(|one| &one.rule_id));
            self.candidate_rules("gone", candidate.gone.iter());
        }
    }

    /// How often the candidate has come to which result, on every route.
    pub fn candidate_results(&self) -> Vec<(CandidateResult, u64)> {
        let families = self.candidate_requests.collect();
        let series = || families.iter().flat_map(|family| family.get_metric());
        let count = |result: CandidateResult| {
            let of_it =
                series().filter(|one| one.get_label().iter().any(|l| l.value() == result.name()));
            of_it.map(|one| one.get_counter().get_value() as u64).sum()
        };
        CandidateResult::ALL.iter().map(|&result| (result, count(result))).collect()
    }

    fn candidate_rules<'a>(&self, change: &str, rules: impl Iterator<Item = &'a String>) {
        for rule in rules.filter(|rule| self.known.has_rule(rule)) {
            self.candidate_matches.with_label_values(&[rule.as_str(), change]).inc();
        }
    }

    /// The engine took this long for a phase of one request.
    pub fn inspected(&self, phase: Phase, time: Duration) {
        self.inspect.with_label_values(&[phase.name()]).observe(time.as_secs_f64());
    }

    /// Bytes of bodies held at this moment.
    pub fn held(&self, bytes: u64) {
        self.held.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A reload was carried out or refused.
    pub fn reloaded(&self, done: bool) {
        self.reloads.with_label_values(&[if done { "ok" } else { "refused" }]).inc();
    }

    /// An upstream answered after this time.
    pub fn upstream_answered(&self, upstream: &str, time: Duration) {
        let upstream = self.known.upstream(upstream);
        self.upstream_requests.with_label_values(&[upstream.as_str(), "answered"]).inc();
        self.upstream_seconds.with_label_values(&[&upstream]).observe(time.as_secs_f64());
    }

    /// An upstream failed before an answer: `connect`, `timeout` or `broken`.
    pub fn upstream_failed(&self, upstream: &str, reason: &'static str) {
        let upstream = self.known.upstream(upstream);
        self.upstream_requests.with_label_values(&[upstream.as_str(), reason]).inc();
    }

    /// Takes over what a load has brought; series of what is gone disappear.
    pub fn loaded(&self, names: &Names) {
        let gone = self.known.replace(names);
        for rule in &gone.rules {
            for decision in [Decision::Pass, Decision::Block, Decision::WouldBlock] {
                // Fails where the rule never matched, which is fine.
                let _ = self.rule_matches.remove_label_values(&[rule, decision.name()]);
            }
            let _ = self.audit.sampled_out.remove_label_values(&[rule]);
            for change in ["new", "gone"] {
                let _ = self.candidate_matches.remove_label_values(&[rule, change]);
            }
        }
        for exclusion in &gone.exclusions {
            let _ = self.exclusion_hits.remove_label_values(&[exclusion]);
        }
        for exclusion in &names.exclusions {
            // At zero from the start: an exclusion that nothing needs is seen by its zero.
            let _ = self.exclusion_hits.with_label_values(&[exclusion]);
        }
        if !gone.routes.is_empty() {
            self.requests.reset();
            self.candidate_requests.reset();
        }
        if !gone.upstreams.is_empty() {
            self.upstream_requests.reset();
            self.upstream_seconds.reset();
        }
        self.ruleset.reset();
        self.ruleset.with_label_values(&[&names.ruleset]).set(1);
        self.expiries(&names.expiries);
    }

    fn expiries(&self, expiries: &[(String, i64)]) {
        self.exclusion_expiry.reset();
        for (rule, expiry) in expiries {
            let gauge = self.exclusion_expiry.with_label_values(&[rule]);
            if gauge.get() == 0 || gauge.get() > *expiry {
                gauge.set(*expiry);
            }
        }
    }

    /// All of it in the text format (version 0.0.4).
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// The format that a parser's finding is about.
fn format(rule_id: &str) -> Option<&'static str> {
    let name = rule_id.strip_prefix("parse-")?;
    let formats = ["encoding", "json", "xml", "multipart", "urlencoded"];
    formats.into_iter().find(|format| name.starts_with(format))
}

#[cfg(test)]
mod tests;
