//! The operator's console: pages on the admin listener, made here and whole without a script.
//!
//! Records hold attacks, so a page is code that an attacker would like to write. Everything goes
//! through maud, which escapes it; the Content-Security-Policy lets nothing run or load but our own
//! files, so that a mistake would still do nothing. Pages are read with GET, which changes nothing.
//!
//! On loopback whoever reaches the listener may read. Elsewhere a browser shows the token once and
//! gets a session for it ([`session`]).

mod assets;
mod candidate;
mod controls;
mod decisions;
mod exclusions;
mod filter;
mod frame;
mod login;
mod overview;
mod query;
mod session;
mod state;
mod why;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use maud::{Markup, html};
use waf_core::record::DecisionRecord;

use crate::answer::{self, Answer, TEXT, not_allowed};
use crate::audit_log::AuditLog;
use crate::config::Secret;
use crate::control::Control;
use crate::metrics::Metrics;

use frame::{Frame, Page};
use query::Query;
use session::Sessions;
use state::State;

/// What pages may load and do: our own style, script and icon, and forms to ourselves.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the pages are made of.
pub(crate) struct Console {
    control: Arc<dyn Control>,
    metrics: Arc<Metrics>,
    audit_log: Arc<AuditLog>,
    sessions: Sessions,
}

/// Whether the console answers at this path.
pub(crate) fn is_at(path: &str) -> bool {
    path == "/"
        || path
            .strip_prefix("/console")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Console {
    pub(crate) fn new(
        control: Arc<dyn Control>,
        metrics: Arc<Metrics>,
        audit_log: Arc<AuditLog>,
    ) -> Self {
        Self { control, metrics, audit_log, sessions: Sessions::default() }
    }

    /// The answer to a request for a path of ours. `is_trusted`: the caller may read without a
    /// session; `token` is what opens one.
    pub(crate) fn answer(
        &self,
        request: &http::request::Parts,
        body: &[u8],
        is_trusted: bool,
        token: Option<&Secret>,
    ) -> Answer {
        let path = request.uri.path();
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        let now = Instant::now();
        if let Some((kind, text)) = assets::at(path).filter(|_| reads) {
            return answer(StatusCode::OK, kind, text);
        }
        let has_session = self.sessions.has(&request.headers, now);
        match path {
            "/console/login" if request.method == Method::POST => self.log_in(body, token, now),
            "/console/login" | "/" if reads => see_other("/console"),
            "/console/logout" if request.method == Method::POST => {
                self.log_out(&request.headers, now)
            }
            "/console/login" | "/console/logout" => not_allowed("POST"),
            _ if !reads => not_allowed("GET, HEAD"),
            _ if !is_trusted && !has_session => {
                let next = request.uri.path_and_query().map_or("/console", |next| next.as_str());
                closed(login::ours(next), false)
            }
            _ => self.page(path, request.uri.query().unwrap_or_default(), has_session),
        }
    }

    fn page(&self, path: &str, query: &str, has_session: bool) -> Answer {
        let records = self.audit_log.recent().newest_first();
        let state = self.state(records.len());
        let mut frame =
            Frame { notices: state.notices(), has_session, title: "", ..Frame::default() };
        if path == "/console/why" {
            return self.why(frame, query);
        }
        let Some(page) = Page::at(path) else {
            frame.title = "Nothing here";
            let main = html! { h1 { "Nothing here" } p { a href="/console" { "Decisions" } } };
            return shown(StatusCode::NOT_FOUND, &frame, &main);
        };
        frame.title = page.name();
        frame.here = Some(page);
        let query = match Query::parse(query) {
            Ok(query) => query,
            Err(why) => {
                let main = html! {
                    h1 { (page.name()) }
                    p { (why) ". " a href=(page.path()) { "Without a filter" } }
                };
                return shown(StatusCode::BAD_REQUEST, &frame, &main);
            }
        };
        let renews = page != Page::Exclusions;
        frame.is_live = renews && query.is_live && query.before.is_empty();
        let main = self.main_of(page, &records, &query, &state);
        frame.query = query;
        shown(StatusCode::OK, &frame, &main)
    }

    fn main_of(
        &self,
        page: Page,
        records: &[Arc<DecisionRecord>],
        query: &Query,
        state: &State,
    ) -> Markup {
        match page {
            Page::Decisions => decisions::page(records, query),
            Page::Overview => overview::page(records, query),
            Page::Candidate => candidate::page(records, query, &self.metrics.candidate_results()),
            Page::Exclusions => exclusions::page(records, query, state.log.file.as_deref()),
            Page::State => state.page(SystemTime::now()),
        }
    }

    fn why(&self, mut frame: Frame<'_>, query: &str) -> Answer {
        let id = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "id");
        let id = id.map(|(_, id)| id.into_owned()).unwrap_or_default();
        frame.title = "Why";
        match self.audit_log.recent().find(&id) {
            Some(record) => shown(StatusCode::OK, &frame, &why::page(&record)),
            None => shown(StatusCode::NOT_FOUND, &frame, &why::unknown(&id)),
        }
    }

    fn state(&self, in_memory: usize) -> State {
        State {
            is_ready: self.control.is_ready(),
            rules: self.control.rules(),
            standing: self.control.standing(),
            log: self.audit_log.state(),
            dropped: self.metrics.of_audit_log().dropped.get(),
            held: self.control.held_bytes(),
            in_memory,
        }
    }

    fn log_in(&self, body: &[u8], token: Option<&Secret>, now: Instant) -> Answer {
        let (shown, next) = login::read(body);
        let next = login::ours(&next);
        if !token.is_some_and(|token| token.is(shown.as_bytes())) {
            return closed(next, true);
        }
        match self.sessions.begin(now) {
            Some(cookie) => with_cookie(see_other(next), &cookie),
            None => {
                let why = "the system has no random numbers for a session";
                answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, why.into())
            }
        }
    }

    fn log_out(&self, headers: &HeaderMap, now: Instant) -> Answer {
        with_cookie(see_other("/console"), &self.sessions.end(headers, now))
    }
}

/// An answer under the policy of pages.
fn answer(status: StatusCode, kind: &'static str, body: String) -> Answer {
    under_policy(answer::answer(status, kind, body))
}

/// Under `no-referrer` a browser sends `Origin: null` with our own forms, and outside of loopback
/// that is all it says about where they are from.
fn under_policy(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    answer
}

fn shown(status: StatusCode, frame: &Frame<'_>, main: &Markup) -> Answer {
    answer(status, "text/html; charset=utf-8", frame.around(main).into_string())
}

/// The token is asked for.
fn closed(next: &str, is_wrong: bool) -> Answer {
    let frame = Frame { title: "Log in", is_closed: true, ..Frame::default() };
    shown(StatusCode::UNAUTHORIZED, &frame, &login::page(next, is_wrong))
}

fn see_other(path: &str) -> Answer {
    let mut answer = answer(StatusCode::SEE_OTHER, TEXT, String::new());
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/console"));
    answer.headers_mut().insert(header::LOCATION, path);
    answer
}

fn with_cookie(mut answer: Answer, cookie: &str) -> Answer {
    // Hexadecimal digits and our own words are a header's text.
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

#[cfg(test)]
mod tests;
