//! What operators and machines ask the running proxy: metrics, health, records, a reload, and the
//! pages of the console.
//!
//! The listener is on loopback by default, where every browser of the host reaches it. So a foreign
//! Host is refused (DNS rebinding), a request that a foreign page made is refused, a change needs
//! the token or a header that a page cannot send unasked, and off loopback everything needs the
//! token.

mod serve;

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde_json::json;

use crate::answer::{Answer, json, not_allowed, text};
use crate::audit_log::AuditLog;
use crate::config::Admin as Settings;
use crate::console::{self, Console};
use crate::control::{Control, told};
use crate::metrics::Metrics;

pub use serve::serve;

/// The admin listener's answers.
pub struct Admin {
    settings: Settings,
    control: Arc<dyn Control>,
    metrics: Arc<Metrics>,
    audit_log: Arc<AuditLog>,
    console: Console,
}

impl Admin {
    /// Answers about these.
    pub fn new(
        settings: Settings,
        control: Arc<dyn Control>,
        metrics: Arc<Metrics>,
        audit_log: Arc<AuditLog>,
    ) -> Self {
        let console =
            Console::new(Arc::clone(&control), Arc::clone(&metrics), Arc::clone(&audit_log));
        Self { settings, control, metrics, audit_log, console }
    }

    /// Where it is to listen.
    pub fn address(&self) -> SocketAddr {
        self.settings.address
    }

    /// The answer to one request. A reload blocks until it is done.
    pub fn answer(&self, request: &http::request::Parts, body: &[u8]) -> Answer {
        let answer = match self.refuse_site(&request.headers) {
            Some(refusal) => refusal,
            None if console::is_at(request.uri.path()) => self.page(request, body),
            None => match self.refuse_caller(request) {
                Some(refusal) => refusal,
                None => self.resource(&request.method, request.uri.path()),
            },
        };
        finish(answer, request.method == Method::HEAD)
    }

    /// The answer to a request whose body is longer than any that is asked for.
    fn too_long() -> Answer {
        finish(text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"), false)
    }

    /// Why nobody may ask like this: under this name, or from the page of another site.
    fn refuse_site(&self, headers: &HeaderMap) -> Option<Answer> {
        if !self.is_own_host(headers.get(header::HOST).map_or(b"", HeaderValue::as_bytes)) {
            return Some(text(StatusCode::MISDIRECTED_REQUEST, "unknown host: see `admin.hosts`"));
        }
        self.is_cross_site(headers).then(|| {
            let why = "requests of other sites are refused; a link works in the address bar";
            text(StatusCode::FORBIDDEN, why)
        })
    }

    /// Why this caller may not ask.
    fn refuse_caller(&self, request: &http::request::Parts) -> Option<Answer> {
        let headers = &request.headers;
        let shown = self.shows_token(headers);
        let is_local = self.is_local();
        let changes = !matches!(request.method, Method::GET | Method::HEAD);
        let by_hand = headers.contains_key("x-pinpoint");
        let allowed = match shown {
            Some(right) => right,
            None => is_local && (!changes || by_hand),
        };
        if allowed {
            return None;
        }
        if is_local && shown.is_none() {
            return Some(text(StatusCode::FORBIDDEN, "needs the token or the header `x-pinpoint`"));
        }
        let mut refusal = text(StatusCode::UNAUTHORIZED, "needs the token");
        let challenge = HeaderValue::from_static("Bearer realm=\"pinpoint\"");
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        Some(refusal)
    }

    /// A page: who shows no token may have a session, which the console knows.
    fn page(&self, request: &http::request::Parts, body: &[u8]) -> Answer {
        let is_trusted = self.shows_token(&request.headers).unwrap_or_else(|| self.is_local());
        self.console.answer(request, body, is_trusted, self.settings.token.as_ref())
    }

    fn is_local(&self) -> bool {
        self.settings.address.ip().is_loopback()
    }

    fn resource(&self, method: &Method, path: &str) -> Answer {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match path {
            "/-/reload" if *method == Method::POST => self.reload(),
            "/-/reload" => not_allowed("POST"),
            "/metrics" | "/livez" | "/readyz" | "/version" if !reads => not_allowed("GET, HEAD"),
            "/metrics" => self.metrics(),
            "/livez" => text(StatusCode::OK, "live"),
            "/readyz" if self.control.is_ready() => text(StatusCode::OK, "ready"),
            "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "not ready"),
            "/version" => self.version(),
            _ => match path.strip_prefix("/records/") {
                Some(_) if !reads => not_allowed("GET, HEAD"),
                Some(request_id) => self.record(request_id),
                None => text(StatusCode::NOT_FOUND, "nothing here"),
            },
        }
    }

    fn metrics(&self) -> Answer {
        self.metrics.held(self.control.held_bytes());
        let mut answer = text(StatusCode::OK, &self.metrics.text());
        let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        answer.headers_mut().insert(header::CONTENT_TYPE, format);
        answer
    }

    fn version(&self) -> Answer {
        let (ruleset, rules) = self.control.rules();
        let version = env!("CARGO_PKG_VERSION");
        json(StatusCode::OK, &json!({ "version": version, "ruleset": ruleset, "rules": rules }))
    }

    fn record(&self, request_id: &str) -> Answer {
        match self.audit_log.recent().find(request_id) {
            Some(record) => json(StatusCode::OK, &*record),
            None => text(StatusCode::NOT_FOUND, "no such record in memory"),
        }
    }

    fn reload(&self) -> Answer {
        match self.control.reload() {
            Ok(ruleset) => json(StatusCode::OK, &json!({ "ruleset": ruleset })),
            Err(reports) => {
                let why = format!("refused, the old rules stay\n\n{}", told(&reports));
                text(StatusCode::UNPROCESSABLE_ENTITY, &why)
            }
        }
    }

    fn is_own_host(&self, host: &[u8]) -> bool {
        let Ok(host) = std::str::from_utf8(host) else { return false };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        self.settings.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Browsers say so in every request they make for a page (Fetch Metadata, and RFC 6454).
    fn is_cross_site(&self, headers: &HeaderMap) -> bool {
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
            return true;
        }
        headers.get(header::ORIGIN).is_some_and(|origin| {
            let origin = origin.as_bytes();
            !origin.strip_prefix(b"http://").is_some_and(|host| self.is_own_host(host))
        })
    }

    /// Whether the right token is shown; `None` when there is no token, or none is shown.
    fn shows_token(&self, headers: &HeaderMap) -> Option<bool> {
        let shown = headers.get(header::AUTHORIZATION)?.as_bytes();
        let token = self.settings.token.as_ref()?;
        Some(shown.strip_prefix(b"Bearer ").is_some_and(|shown| token.is(shown)))
    }
}

/// Nothing is cached, framed, sniffed or run.
fn finish(mut answer: Answer, is_head: bool) -> Answer {
    let length = answer.body().len();
    if is_head {
        answer.body_mut().clear();
    }
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages of the console bring their own of these.
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
pub(crate) mod tests;
