//! The story of one request, as `pinpoint why` tells it.

use maud::{Markup, html};
use waf_core::record::{Decision, DecisionRecord};

use super::candidate;
use super::frame::{Page, decision, score_of, status, time};
use super::query::Query;
use crate::story::{Advice, RuleStory, Story, answered_by};

/// The page of a record.
pub(super) fn page(record: &DecisionRecord) -> Markup {
    let story = Story::of(record);
    let request = &record.request;
    html! {
        h1.request {
            bdi {
                (request.method) " " (request.host) (request.path)
                @if !request.query.is_empty() { "?" (request.query) }
            }
        }
        p.answer.(record.decision.name()) { (decision(record.decision)) " " (answered_by(record)) }
        (facts(record))
        @if !story.rules.is_empty() {
            h2 { "Rules that matched" }
            ol.rules { @for one in &story.rules { li { (rule(one)) } } }
        }
        @if !story.inspected.is_empty() {
            h2 { "Inspected" }
            @for sentence in &story.inspected { p { (sentence) } }
        }
        (advice(&story.advice, record.decision))
        @if let Some(candidate) = &record.candidate { (candidate::section(candidate)) }
        details {
            summary { "The whole record" }
            pre.copy { (serde_json::to_string_pretty(record).unwrap_or_default()) }
        }
    }
}

/// The page where there is no such record.
pub(super) fn unknown(request_id: &str) -> Markup {
    html! {
        h1 { "Not in memory" }
        p {
            "The proxy keeps its last 1,000 records that somebody may ask about; "
            code.copy { (request_id) }
            " is not among them. Requests that passed without a match are not kept, older ones are "
            "in the audit log:"
        }
        pre.copy { "pinpoint why " (request_id) }
    }
}

/// Who, what, when.
fn facts(record: &DecisionRecord) -> Markup {
    let request = &record.request;
    html! {
        dl.facts {
            dt { "Id" } dd { code.copy { (record.request_id) } }
            @if let Some(id) = &record.client_request_id {
                dt { "Client's id" } dd { code.copy { (id) } }
            }
            dt { "Time" } dd { (time(&record.time)) " UTC" }
            dt { "Client" }
            dd {
                code.copy { (record.client.ip) } " "
                (others(&|query| query.filter.client.clone_from(&record.client.ip)))
            }
            dt { "Route" } dd { bdi { (record.route) } }
            dt { "Answer" } dd { (status(record)) " by " (record.source.name()) }
            dt { "Mode" } dd { (record.mode.name()) }
            dt { "Score" } dd { (score_of(&record.score)) }
            @if let Some(kind) = &request.content_type {
                dt { "Content type" } dd { bdi { (kind) } }
            }
            @if request.body_bytes > 0 { dt { "Body" } dd { (request.body_bytes) " bytes" } }
            @for (name, value) in &request.headers {
                dt { (name) } dd { bdi { (value) } }
            }
            dt { "Took" }
            dd {
                (record.timing_us.inspect) " µs in the engine, "
                (record.timing_us.total) " µs in all"
            }
            dt { "Rule set" } dd { code.copy { (record.ruleset) } }
        }
    }
}

/// The way to the decisions that are alike in one thing.
fn others(alike: &dyn Fn(&mut Query)) -> Markup {
    html! { a href=(Query::default().link(Page::Decisions.path(), alike)) { "others" } }
}

fn rule(one: &RuleStory) -> Markup {
    html! {
        h3 {
            code.copy { (one.id) } " " b { (one.name) } " "
            span.quiet { "(" (one.severity) ", " (one.weight) ")" } " "
            (others(&|query| query.filter.rule.clone_from(&one.id)))
        }
        dl {
            @for (word, value) in &one.facts {
                dt { (word) } dd { bdi { (value) } }
            }
        }
    }
}

fn advice(advice: &Advice, decided: Decision) -> Markup {
    html! {
        @match advice {
            Advice::Nothing => {}
            Advice::Change(proposals) => {
                h2 { "If it is harmless" }
                p {
                    "This lets it pass and nothing wider. It goes into "
                    (proposals.first().map(|first| first.file).unwrap_or_default()) ":"
                }
                pre.copy { @for proposal in proposals { (proposal.yaml) } }
            }
            Advice::AlwaysRefused => {
                @if decided == Decision::Block {
                    p { "This cannot be switched off: such a request cannot be passed on safely." }
                }
            }
        }
    }
}
