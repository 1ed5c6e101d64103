//! Scores against the threshold, and what stands out: rules, paths, clients.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use maud::{Markup, html};
use waf_core::record::{Decision, DecisionRecord};

use super::controls;
use super::frame::Page;
use super::query::Query;
use crate::chart::{Axis, Bucket, Histogram, Mark, meter};
use crate::tune::place::path_pattern;

/// Rows of a table of what stands out.
const TOP: usize = 15;

/// Scores that have a bar of their own; the last bar is for all above.
const SCORES: u32 = 30;

/// The page: `records` are all that are in memory, newest first.
pub(super) fn page(records: &[Arc<DecisionRecord>], query: &Query) -> Markup {
    let found: Vec<&DecisionRecord> =
        records.iter().map(AsRef::as_ref).filter(|record| query.filter.takes(record)).collect();
    let link = |change: &dyn Fn(&mut Query)| query.link(Page::Decisions.path(), change);
    html! {
        h1 { "Overview" }
        (controls::form(Page::Overview, query, records))
        div #live data-live[query.is_live] {
            p.counts { (found.len()) " of " (records.len()) " records in memory" }
            @if found.is_empty() {
                p.nothing {
                    @if records.is_empty() { "No decision yet." }
                    @else { "Nothing to show: no record in memory is like this." }
                }
            } @else {
                div.tops {
                    section.scores { h2 { "Inbound scores" } (scores(&found)) }
                    (top("Rule", &found, rules, |id| {
                        link(&|query| id.clone_into(&mut query.filter.rule))
                    }))
                    (top("Path", &found, |record| vec![path(record)], |path| {
                        link(&|query| query.filter.set_path(path.trim_end_matches('*')))
                    }))
                    (top("Client", &found, |record| vec![(&*record.client.ip).into()], |client| {
                        link(&|query| client.clone_into(&mut query.filter.client))
                    }))
                    (top("Route", &found, |record| vec![(&*record.route).into()], |route| {
                        link(&|query| route.clone_into(&mut query.filter.route))
                    }))
                }
            }
        }
    }
}

/// The rules that matched, each once.
fn rules(record: &DecisionRecord) -> Vec<Cow<'_, str>> {
    let mut ids: Vec<&str> = record.matches.iter().map(|one| one.rule_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(Cow::Borrowed).collect()
}

/// The path without what differs from request to request, as exclusions would name it.
fn path(record: &DecisionRecord) -> Cow<'_, str> {
    let path = &record.request.path;
    path_pattern(path).unwrap_or(Cow::Borrowed(path))
}

/// How many records have which score, and where the commonest threshold is.
fn scores(records: &[&DecisionRecord]) -> Markup {
    let mut buckets: Vec<[u32; 3]> = vec![[0; 3]; SCORES as usize + 1];
    let mut thresholds: HashMap<u32, usize> = HashMap::new();
    for record in records {
        let series = match record.decision {
            Decision::Pass => 0,
            Decision::WouldBlock => 1,
            Decision::Block => 2,
        };
        buckets[record.score.inbound.min(SCORES) as usize][series] += 1;
        *thresholds.entry(record.score.inbound_threshold).or_default() += 1;
    }
    let last = buckets.iter().rposition(|bucket| *bucket != [0; 3]).unwrap_or(0) as u32;
    let threshold = thresholds.iter().max_by_key(|(value, count)| (**count, **value));
    let threshold = threshold.map_or(0, |(value, _)| *value);
    buckets.truncate(last.max(threshold.saturating_mul(2)).clamp(10, SCORES) as usize + 1);
    let shown: Vec<Bucket> =
        (0..).zip(&buckets).map(|(score, counts)| bucket(score, counts)).collect();
    let text = format!("threshold {threshold}");
    html! {
        (Histogram {
            title: "Inbound scores",
            description: "How many of the records have which score, by decision",
            x: "Inbound score of a request",
            y: Axis { title: "Records", unit: "", from: 0.0, to: 5.0 },
            series: &["pass", "would block", "block"],
            buckets: &shown,
            mark: Some(Mark { at: f64::from(threshold.min(SCORES)), text: &text }),
        }.draw())
        @if thresholds.len() > 1 {
            p.quiet { "Routes have different thresholds; the line is the commonest." }
        }
    }
}

fn bucket(score: u32, counts: &[u32; 3]) -> Bucket {
    let label = if score == SCORES { format!("{SCORES}+") } else { score.to_string() };
    let [pass, would_block, block] = counts;
    let hover = format!("score {label}: {pass} pass, {would_block} would block, {block} block");
    Bucket { label, values: counts.iter().map(|count| f64::from(*count)).collect(), hover }
}

/// The values that most records have, each with how many of them were stopped.
pub(super) fn top<'a>(
    title: &str,
    records: &[&'a DecisionRecord],
    values: impl Fn(&'a DecisionRecord) -> Vec<Cow<'a, str>>,
    link: impl Fn(&str) -> String,
) -> Markup {
    let mut counts: HashMap<Cow<'_, str>, (usize, usize)> = HashMap::new();
    for record in records {
        for value in values(record) {
            let (all, stopped) = counts.entry(value).or_default();
            *all += 1;
            *stopped += usize::from(record.decision != Decision::Pass);
        }
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_unstable_by(|(a, (x, _)), (b, (y, _))| y.cmp(x).then(a.cmp(b)));
    let more = sorted.len().saturating_sub(TOP);
    html! {
        section {
            table.top {
                thead {
                    tr {
                        th scope="col" { (title) } th scope="col" { "Records" }
                        th scope="col" title="blocked, or would have been" { "Stopped" } th {}
                    }
                }
                tbody {
                    @for (value, (all, stopped)) in sorted.iter().take(TOP) {
                        tr {
                            td { a href=(link(value)) { bdi { (value) } } }
                            td.number { (all) } td.number { (stopped) }
                            td { (meter(*all as f64 / records.len() as f64, 0)) }
                        }
                    }
                }
            }
            @if more > 0 { p.quiet { "and " (more) " more" } }
        }
    }
}
