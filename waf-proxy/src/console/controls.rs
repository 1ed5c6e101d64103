//! The form that chooses records. It works without a script: every choice is in the address.

use std::collections::BTreeSet;
use std::sync::Arc;

use maud::{Markup, html};
use waf_core::record::{Decision, DecisionRecord, Source};

use super::frame::Page;
use super::query::{DECISIONS, Query, ROWS, SOURCES};

/// The form for a page.
pub(super) fn form(page: Page, query: &Query, records: &[Arc<DecisionRecord>]) -> Markup {
    let (path, filter) = (page.path(), &query.filter);
    let routes: BTreeSet<&str> = records.iter().map(|record| record.route.as_str()).collect();
    let decisions = DECISIONS.map(Decision::name);
    let sources = SOURCES.map(Source::name);
    let rows: Vec<String> = ROWS.iter().map(ToString::to_string).collect();
    html! {
        form.filter method="get" action=(path) role="search" aria-label="Filter" {
            (choice("decision", decisions.into_iter(), filter.decision.map_or("", Decision::name)))
            (choice("source", sources.into_iter(), filter.source.map_or("", Source::name)))
            (choice("route", routes.into_iter(), &filter.route))
            (entry("rule", "942 or sqli-", &filter.rule))
            (entry("client", "203.0.113.0/24", &filter.client))
            (entry("path", "/login", &filter.path))
            (entry("id", "request id", &filter.id))
            @if page == Page::Decisions {
                label {
                    "rows"
                    select name="rows" {
                        @for count in &rows {
                            option selected[*count == query.rows.to_string()] { (count) }
                        }
                    }
                }
            }
            @if !query.is_live { input type="hidden" name="live" value="off"; }
            button { "Filter" }
            @if !filter.is_empty() { a href=(path) { "Clear" } }
        }
    }
}

/// A list to choose from; the first asks for nothing.
fn choice<'a>(name: &str, known: impl Iterator<Item = &'a str>, chosen: &'a str) -> Markup {
    let mut known: Vec<&str> = known.collect();
    if !chosen.is_empty() && !known.contains(&chosen) {
        known.push(chosen);
    }
    html! {
        label {
            (name)
            select name=(name) {
                option value="" { "any" }
                @for one in known {
                    option value=(one) selected[one == chosen] { (one) }
                }
            }
        }
    }
}

/// A text that values begin with.
fn entry(name: &str, example: &str, value: &str) -> Markup {
    html! {
        label {
            (name)
            input name=(name) value=(value) placeholder=(example) maxlength="256" autocomplete="off"
                spellcheck="false" title="the beginning is enough";
        }
    }
}
