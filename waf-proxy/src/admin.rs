//! What operators and machines ask the running proxy: metrics, health, records, a reload.
//!
//! The listener is on loopback by default, where every browser of the host reaches it. So a foreign
//! Host is refused (DNS rebinding), a request that a foreign page made is refused, a change needs
//! the token or a header that a page cannot send unasked, and off loopback everything needs the
//! token.

mod serve;

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::json;
use waf_core::source::Report;

use crate::audit_log::AuditLog;
use crate::config::Admin as Settings;
use crate::metrics::Metrics;

pub use serve::serve;

/// What the listener can ask of the running proxy.
pub trait Control: Send + Sync {
    /// Reads the configuration anew; the hash of the new rules.
    fn reload(&self) -> Result<String, Vec<Report>>;

    /// Whether requests are taken: not before the start is complete, not while draining.
    fn is_ready(&self) -> bool;

    /// The hash of the rules in force, and one line about where they are from.
    fn rules(&self) -> (String, String);

    /// Bytes of bodies held at this moment.
    fn held_bytes(&self) -> u64;
}

/// The admin listener's answers.
pub struct Admin {
    settings: Settings,
    control: Arc<dyn Control>,
    metrics: Arc<Metrics>,
    audit_log: Arc<AuditLog>,
}

/// An answer, its body still apart.
type Answer = Response<Vec<u8>>;

impl Admin {
    /// Answers about these.
    pub fn new(
        settings: Settings,
        control: Arc<dyn Control>,
        metrics: Arc<Metrics>,
        audit_log: Arc<AuditLog>,
    ) -> Self {
        Self { settings, control, metrics, audit_log }
    }

    /// Where it is to listen.
    pub fn address(&self) -> SocketAddr {
        self.settings.address
    }

    /// The answer to one request. A reload blocks until it is done.
    pub fn answer(&self, request: &http::request::Parts) -> Answer {
        let answer = match self.refuse(request) {
            Some(refusal) => refusal,
            None => self.resource(&request.method, request.uri.path()),
        };
        finish(answer, request.method == Method::HEAD)
    }

    /// Why the caller may not ask at all.
    fn refuse(&self, request: &http::request::Parts) -> Option<Answer> {
        let headers = &request.headers;
        if !self.is_own_host(headers.get(header::HOST).map_or(b"", HeaderValue::as_bytes)) {
            return Some(text(StatusCode::MISDIRECTED_REQUEST, "unknown host: see `admin.hosts`"));
        }
        if self.is_cross_site(headers) {
            return Some(text(StatusCode::FORBIDDEN, "requests of other sites are refused"));
        }
        let shown = self.shows_token(headers);
        let is_local = self.settings.address.ip().is_loopback();
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
                let mut why = String::from("refused, the old rules stay\n\n");
                for report in reports {
                    // Writing to a String cannot fail.
                    let _ = writeln!(why, "{report}\n");
                }
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

fn text(status: StatusCode, body: &str) -> Answer {
    let mut answer = Response::new(format!("{}\n", body.trim_end()).into_bytes());
    *answer.status_mut() = status;
    let format = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, format);
    answer
}

fn json(status: StatusCode, body: &impl serde::Serialize) -> Answer {
    let mut answer = text(status, &serde_json::to_string(body).unwrap_or_default());
    let format = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, format);
    answer
}

fn not_allowed(allowed: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "wrong method");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
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
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests;
