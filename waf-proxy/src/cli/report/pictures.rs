//! The charts of the page.

use maud::{Markup, html};
use waf_corpus::Label;

use super::gather::{Run, SWEEP};
use super::tables::percent;
use crate::chart::{Axis, Bucket, Histogram, Line, Lines, Mark, Point, SERIES, grouped};

const ATTACK: Option<Label> = Some(Label::Attack);
const BENIGN: Option<Label> = Some(Label::Benign);

/// How far apart the labels of two points are at least, as shares of the plot's sides together.
const APART: f64 = 0.16;

/// A chart with a sentence about how to read it.
pub(super) fn figure(title: &str, chart: &Markup, caption: &str) -> Markup {
    html! {
        figure {
            h3 { (title) }
            (chart)
            figcaption { (caption) }
        }
    }
}

/// Detection against false positives, a point for each threshold.
pub(super) fn trade(runs: &[(&str, &Run)]) -> Markup {
    let curves: Vec<_> = runs.iter().filter(|(_, run)| run.has_sweep()).take(SERIES).collect();
    // Several curves are told apart better without the numbers of each.
    let few = curves.len() == 1;
    let lines = curves.iter().map(|(name, run)| Line { name, points: trade_points(run, few) });
    let chart = Lines {
        title: "Detection against false positives",
        description: "Each point is a threshold: the share of benign requests that would be \
                      flagged, and the share of attacks that would be detected.",
        x: Axis { title: "false positives, of benign requests", unit: "%", from: 0.0, to: 0.0 },
        y: Axis { title: "detected, of attacks", unit: "%", from: 100.0, to: 100.0 },
        lines: lines.collect(),
        mark: None,
    };
    let caption = "Every point is a threshold, from 1 at the right to 50; up and left is better. \
                   What rules refuse by themselves is in all of them.";
    figure("What a threshold costs", &chart.draw(), caption)
}

/// `all`: more points than that of the threshold in force have a label.
fn trade_points(run: &Run, all: bool) -> Vec<Point> {
    let at = |threshold| {
        let x = run.share_at(BENIGN, threshold).unwrap_or_default() * 100.0;
        let y = run.share_at(ATTACK, threshold).unwrap_or_default() * 100.0;
        (x, y)
    };
    let (most, least) = (at(1), at(SWEEP));
    let apart = |(ax, ay): (f64, f64), (bx, by): (f64, f64)| {
        let across = (ax - bx).abs() / (most.0).max(1e-9);
        across + (ay - by).abs() / (most.1 - least.1).max(1e-9)
    };
    let force = run.threshold.filter(|threshold| (1..=SWEEP).contains(threshold));
    // The one in force always has its label, so the others keep away from it.
    let mut labelled: Vec<(f64, f64)> = force.iter().map(|threshold| at(*threshold)).collect();
    let mut points: Vec<Point> = Vec::new();
    for threshold in 1..=SWEEP {
        let place = at(threshold);
        let in_force = force == Some(threshold);
        let has_room = labelled.iter().all(|other| apart(*other, place) > APART);
        let label = match in_force {
            true => Some(format!("{threshold}, in force")),
            false => (all && has_room).then(|| threshold.to_string()),
        };
        if has_room {
            labelled.push(place);
        }
        let (x, y) = place;
        let hover = format!(
            "threshold {threshold}: {} of attacks detected, {} of benign requests flagged",
            percent(y / 100.0),
            percent(x / 100.0)
        );
        points.push(Point { x, y, hover, label });
    }
    points
}

/// Both shares against the threshold.
pub(super) fn sweep(run: &Run) -> Markup {
    let line = |name, label, what: &str| {
        let point = |threshold: u32| {
            let share = run.share_at(label, threshold)?;
            let hover = format!("threshold {threshold}: {} of {what}", percent(share));
            Some(Point { x: threshold.into(), y: share * 100.0, hover, label: None })
        };
        Line { name, points: (1..=SWEEP).filter_map(point).collect() }
    };
    let in_force = run.threshold.map(|threshold| format!("in force: {threshold}"));
    let mark = in_force.as_deref().zip(run.threshold);
    let chart = Lines {
        title: "Detection and false positives by threshold",
        description: "The share of attacks detected and of benign requests flagged, for every \
                      threshold from 1 to 50.",
        x: Axis { title: "threshold", unit: "", from: 0.0, to: f64::from(SWEEP) },
        y: Axis { title: "share of requests", unit: "%", from: 0.0, to: 100.0 },
        lines: vec![
            line("attacks detected", ATTACK, "attacks detected"),
            line("false positives", BENIGN, "benign requests flagged"),
        ],
        mark: mark.map(|(text, at)| Mark { at: at.into(), text }),
    };
    let caption = "From the score of every request, the rules behind the threshold included.";
    figure("By threshold", &chart.draw(), caption)
}

/// Both shares against the paranoia level, of one judge.
pub(super) fn levels(runs: &[&Run]) -> Markup {
    let line = |name, label| {
        let point = |run: &&Run| {
            let share = run.count(label).share();
            let hover = format!("paranoia {}: {} {name}", run.paranoia?, percent(share));
            let shown = Some(percent(share));
            Some(Point { x: run.paranoia?.into(), y: share * 100.0, hover, label: shown })
        };
        Line { name, points: runs.iter().filter_map(point).collect() }
    };
    let chart = Lines {
        title: "Detection and false positives by paranoia level",
        description: "The share of attacks detected and of benign requests flagged at each level.",
        x: Axis { title: "paranoia level", unit: "", from: 0.0, to: 5.0 },
        y: Axis { title: "share of requests", unit: "%", from: 0.0, to: 100.0 },
        lines: vec![line("attacks detected", ATTACK), line("false positives", BENIGN)],
        mark: None,
    };
    let caption = "At the threshold in force: what the next level adds, and what it costs.";
    let judge = runs.first().map(|run| run.judge.as_str()).unwrap_or_default();
    figure(&format!("By paranoia level: {judge}"), &chart.draw(), caption)
}

/// Requests without a label by score.
pub(super) fn scores(run: &Run) -> Markup {
    let (counts, alone) = run.score_counts();
    // Nearly every request has no score: shown, it would hide the others.
    let last = counts.iter().rposition(|count| *count > 0).unwrap_or(0).max(9);
    let bucket = |score: usize| {
        let count = counts.get(score).copied().unwrap_or_default();
        let more = if score == SWEEP as usize { " and more" } else { "" };
        let is_over = run.threshold.is_some_and(|threshold| score >= threshold as usize);
        let values = if is_over { [0.0, count as f64] } else { [count as f64, 0.0] };
        let hover = format!("score {score}{more}: {} requests", grouped(count));
        Bucket { label: score.to_string(), values: values.to_vec(), hover }
    };
    let buckets: Vec<Bucket> = (1..=last).map(bucket).collect();
    let text = run.threshold.map(|threshold| format!("threshold {threshold}"));
    // The first bucket is score 1.
    let mark = text.as_deref().zip(run.threshold);
    let chart = Histogram {
        title: "Requests by score",
        description: "How many requests have each score, and where the threshold is.",
        x: "score",
        y: Axis { title: "requests", unit: "", from: 0.0, to: 1.0 },
        series: &["below", "at the threshold or over"],
        buckets: &buckets,
        mark: mark.map(|(text, at)| Mark { at: f64::from(at) - 1.0, text }),
    };
    let caption = format!(
        "{} requests have no score, {} are refused whatever their score; neither is shown.",
        grouped(counts.first().copied().unwrap_or_default()),
        grouped(alone)
    );
    figure("Scores", &chart.draw(), &caption)
}

/// What requests cost.
pub(super) fn costs(run: &Run) -> Markup {
    let doublings = run.tally.costs.doublings();
    let first = doublings.iter().position(|count| *count > 0).unwrap_or(0);
    let bucket = |(power, count): (usize, &u64)| {
        let (from, to) = (1_u64 << power, (2_u64 << power) - 1);
        let hover = format!("{from} to {to} µs: {} requests", grouped(*count));
        Bucket { label: time(from), values: vec![*count as f64], hover }
    };
    let buckets: Vec<Bucket> = doublings.iter().enumerate().skip(first).map(bucket).collect();
    let cost = |share| run.tally.costs.quantile(share).unwrap_or_default();
    let chart = Histogram {
        title: "Requests by cost",
        description: "How many requests took how long; every bar is twice as long as the one \
                      before it.",
        x: "microseconds, each bar from this to twice as many",
        y: Axis { title: "requests", unit: "", from: 0.0, to: 1.0 },
        series: &["requests"],
        buckets: &buckets,
        mark: None,
    };
    let place = match run.ruleset {
        Some(_) => "in the engine, all of the request inspected",
        None => "to the answer",
    };
    let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| grouped(cost(share)));
    let caption = format!("Time {place}: p50 {p50} µs, p90 {p90} µs, p99 {p99} µs.");
    figure("Cost", &chart.draw(), &caption)
}

/// A power of two of microseconds in a few characters: `512`, `2k`, `1M`.
fn time(microseconds: u64) -> String {
    match microseconds {
        less @ 0..1_024 => less.to_string(),
        less @ 1_024..1_048_576 => format!("{}k", less >> 10),
        more => format!("{}M", more >> 20),
    }
}
