//! What all pages share: the head, the way from one to the other, notices, and how values are
//! shown.

use maud::{DOCTYPE, Markup, html};
use waf_core::record::{Decision, DecisionRecord, ScoreRecord};

use super::query::Query;

/// A page of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Decisions,
    Overview,
    Candidate,
    Exclusions,
    State,
}

impl Page {
    const ALL: [Self; 5] =
        [Self::Decisions, Self::Overview, Self::Candidate, Self::Exclusions, Self::State];

    /// Where it is.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Decisions => "/console",
            Self::Overview => "/console/overview",
            Self::Candidate => "/console/candidate",
            Self::Exclusions => "/console/exclusions",
            Self::State => "/console/state",
        }
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Decisions => "Decisions",
            Self::Overview => "Overview",
            Self::Candidate => "Candidate",
            Self::Exclusions => "Exclusions",
            Self::State => "State",
        }
    }

    /// The page at a path.
    pub(super) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.path() == path)
    }
}

/// What stands around a page.
#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    /// What the page is about.
    pub(super) title: &'a str,
    /// The page that is marked as the present one.
    pub(super) here: Option<Page>,
    /// What is looked at, which the ways to other pages keep.
    pub(super) query: Query,
    /// What an operator must not overlook.
    pub(super) notices: Vec<String>,
    /// Whether there is a session to end.
    pub(super) has_session: bool,
    /// Whether the pages may be seen at all.
    pub(super) is_closed: bool,
    /// Whether the page renews itself: by script where there is one, else by the browser.
    pub(super) is_live: bool,
}

impl Frame<'_> {
    /// The whole document.
    pub(super) fn around(&self, main: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · Pinpoint" }
                    link rel="stylesheet" href="/console/style.css";
                    link rel="icon" href="/console/icon.svg" type="image/svg+xml";
                    script src="/console/script.js" defer {}
                    @if self.is_live {
                        noscript { meta http-equiv="refresh" content="30"; }
                    }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        span.brand { "Pinpoint" }
                        @if !self.is_closed { (self.ways()) }
                        @if self.has_session {
                            form method="post" action="/console/logout" {
                                button { "Log out" }
                            }
                        }
                    }
                    @for notice in &self.notices {
                        p.notice role="status" { (notice) }
                    }
                    main #main { (main) }
                }
            }
        }
    }

    fn ways(&self) -> Markup {
        html! {
            nav aria-label="Pages" {
                @for page in Page::ALL {
                    @let current = (self.here == Some(page)).then_some("page");
                    a href=(self.query.link(page.path(), |_| ())) aria-current=[current] {
                        (page.name())
                    }
                }
            }
        }
    }
}

/// The head of a table.
pub(super) fn head(names: &[&str]) -> Markup {
    html! { thead { tr { @for name in names { th scope="col" { (name) } } } } }
}

/// A time of a record, in UTC as it is; tables say so in their head.
pub(super) fn time(text: &str) -> Markup {
    let parts = text.strip_suffix('Z').and_then(|text| text.split_once('T'));
    html! {
        time datetime=(text) title=(text) {
            @match parts {
                Some((day, clock)) => { span.day { (day) } " " (clock) }
                None => (text),
            }
        }
    }
}

/// A decision: its word, and a colour that says it again.
pub(super) fn decision(decision: Decision) -> Markup {
    html! { span.decision.(decision.name()) { (decision.name().replace('_', " ")) } }
}

/// The status that the client saw.
pub(super) fn status(record: &DecisionRecord) -> String {
    record.status.map_or_else(|| "–".into(), |status| status.to_string())
}

/// A score against its threshold: the side that decided.
pub(super) fn score_of(score: &ScoreRecord) -> String {
    let is_outbound = score.outbound > 0 && score.outbound >= score.outbound_threshold;
    let (sum, threshold) = if is_outbound {
        (score.outbound, score.outbound_threshold)
    } else {
        (score.inbound, score.inbound_threshold)
    };
    format!("{sum} / {threshold}")
}

/// The address of a request's story.
pub(super) fn story_of(request_id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(request_id.as_bytes()).collect();
    format!("/console/why?id={id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_show_day_and_clock_and_odd_ones_stay() {
        assert_eq!(
            time("2026-11-23T10:00:00.123Z").into_string(),
            "<time datetime=\"2026-11-23T10:00:00.123Z\" title=\"2026-11-23T10:00:00.123Z\">\
             <span class=\"day\">2026-11-23</span> 10:00:00.123</time>"
        );
        assert!(time("<b>").into_string().ends_with(">&lt;b&gt;</time>"));
    }

    #[test]
    fn each_page_is_found_at_its_path() {
        for page in Page::ALL {
            assert_eq!(Page::at(page.path()), Some(page));
        }
        assert_eq!(Page::at("/console/"), None);
    }
}
