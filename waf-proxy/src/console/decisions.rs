//! The last decisions, newest first.

use std::sync::Arc;

use maud::{Markup, html};
use waf_core::record::{Decision, DecisionRecord};

use super::controls;
use super::frame::{Page, decision, head, score_of, status, story_of, time};
use super::query::{DECISIONS, Query};

/// The page: `records` are all that are in memory, newest first.
pub(super) fn page(records: &[Arc<DecisionRecord>], query: &Query) -> Markup {
    let path = Page::Decisions.path();
    let found: Vec<&DecisionRecord> =
        records.iter().map(AsRef::as_ref).filter(|record| query.filter.takes(record)).collect();
    let start = match found.iter().position(|record| record.request_id == query.before) {
        Some(last) => last + 1,
        None if query.before.is_empty() => 0,
        // It has left the memory, and all that are older with it.
        None => found.len(),
    };
    let shown = &found[start..found.len().min(start + query.rows)];
    let is_first = query.before.is_empty();
    html! {
        h1 { "Decisions" }
        (controls::form(Page::Decisions, query, records))
        div #live data-live[query.is_live && is_first] {
            (counts(records, &found))
            p.pages {
                @if is_first && query.is_live {
                    "Renews itself. "
                    a href=(query.link(path, |query| query.is_live = false)) { "Pause" }
                } @else if is_first {
                    "Paused. "
                    a href=(query.link(path, |query| query.is_live = true)) { "Go live" }
                } @else {
                    a href=(query.link(path, |_| ())) { "Newest" }
                }
            }
            @if shown.is_empty() { (nothing(records, query)) } @else { (table(shown, query)) }
            @if let Some(last) = shown.last().filter(|_| start + shown.len() < found.len()) {
                p.pages {
                    a rel="next" href=(query.link(path, |query| {
                        query.before.clone_from(&last.request_id);
                    })) { "Older" }
                }
            }
        }
    }
}

/// How many there are, by decision, and from when.
fn counts(records: &[Arc<DecisionRecord>], found: &[&DecisionRecord]) -> Markup {
    let of = |wanted: Decision| found.iter().filter(|record| record.decision == wanted).count();
    html! {
        p.counts {
            @for one in DECISIONS {
                span { b { (of(one)) } " " (decision(one)) }
            }
            span {
                (found.len()) " of " (records.len()) " in memory"
                @if let (Some(newest), Some(oldest)) = (found.first(), found.last()) {
                    ", " (time(&oldest.time)) " to " (time(&newest.time)) " UTC"
                }
            }
        }
    }
}

fn nothing(records: &[Arc<DecisionRecord>], query: &Query) -> Markup {
    html! {
        p.nothing {
            @if records.is_empty() {
                "No decision yet. Requests that matched a rule, that Pinpoint answered itself, and "
                "every 403 appear here."
            } @else if query.before.is_empty() {
                "None of the records in memory is like this. Older ones are in the audit log: "
                code { "pinpoint why ID" } " finds them."
            } @else {
                "The older ones have left the memory. They are in the audit log: "
                code { "pinpoint why ID" } " finds them."
            }
        }
    }
}

fn table(records: &[&DecisionRecord], query: &Query) -> Markup {
    html! {
        table.decisions {
            (head(&[
                "Time (UTC)", "Decision", "Status", "Source", "Route", "Client", "Request", "Score",
                "Rules", "Id",
            ]))
            tbody { @for record in records { (row(record, query)) } }
        }
    }
}

fn row(record: &DecisionRecord, query: &Query) -> Markup {
    let narrow = |change: &dyn Fn(&mut Query)| query.link(Page::Decisions.path(), change);
    let request = &record.request;
    html! {
        tr {
            td.time { a href=(story_of(&record.request_id)) { (time(&record.time)) } }
            td { (decision(record.decision)) }
            td.number { (status(record)) }
            td { (record.source.name()) }
            td {
                a href=(narrow(&|query| query.filter.route.clone_from(&record.route))) {
                    bdi { (record.route) }
                }
            }
            td.number {
                a href=(narrow(&|query| query.filter.client.clone_from(&record.client.ip))) {
                    bdi { (record.client.ip) }
                }
            }
            td.request {
                bdi {
                    (request.method) " " span.quiet { (request.host) }
                    a href=(narrow(&|query| query.filter.set_path(&request.path))) {
                        (request.path)
                    }
                    @if !request.query.is_empty() { span.quiet { "?" (request.query) } }
                }
            }
            td.number.score { (score_of(&record.score)) }
            td.rules { (rules(record, query)) }
            td.id { code { (record.request_id) } }
        }
    }
}

/// The heaviest rule, where it looked, and how many more there are.
fn rules(record: &DecisionRecord, query: &Query) -> Markup {
    html! {
        @if let Some(first) = record.matches.first() {
            bdi {
                a title=(first.name) href=(query.link(Page::Decisions.path(), |query| {
                    query.filter.rule.clone_from(&first.rule_id);
                })) { (first.rule_id) }
                @if record.matches.len() > 1 {
                    span.more title=(others(record)) { " +" (record.matches.len() - 1) }
                }
                " " span.quiet title=(first.target) { (first.target) }
            }
        }
    }
}

fn others(record: &DecisionRecord) -> String {
    let ids: Vec<&str> = record.matches.iter().skip(1).map(|one| one.rule_id.as_str()).collect();
    ids.join(", ")
}
