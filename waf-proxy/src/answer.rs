//! Answers of the admin listener, their bodies still apart.

use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

/// An answer.
pub(crate) type Answer = Response<Vec<u8>>;

/// Plain text.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// An answer of a media type.
pub(crate) fn answer(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(body.into_bytes());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A line or more of text.
pub(crate) fn text(status: StatusCode, body: &str) -> Answer {
    answer(status, TEXT, format!("{}\n", body.trim_end()))
}

/// A value as JSON.
pub(crate) fn json(status: StatusCode, body: &impl serde::Serialize) -> Answer {
    let body = serde_json::to_string(body).unwrap_or_default();
    answer(status, "application/json", body + "\n")
}

/// The method is not one that the resource has.
pub(crate) fn not_allowed(allowed: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "wrong method");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}
