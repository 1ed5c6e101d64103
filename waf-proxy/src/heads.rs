//! Heads between Pingora's types and the engine's.

use http::header::{CONTENT_LENGTH, COOKIE};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::Result;
use pingora::proxy::Session;
use waf_core::parse::head::RequestHead;

use crate::engine::api::ResponseHead;

/// An HTTP/2 head as the rules see it: pseudo-headers in their places, cookie crumbs joined
/// (RFC 9113 section 8.2.3).
pub fn of_http2(request: &RequestHeader) -> RequestHead {
    let lines = request.headers.iter().filter(|(name, _)| *name != COOKIE);
    let mut headers: Vec<_> = lines.map(|(name, value)| pair(name, value)).collect();
    if let Some(cookie) = joined_cookies(request) {
        headers.push((b"cookie".to_vec(), cookie));
    }
    let method = request.method.as_str();
    let head = RequestHead::from_parts(method, request.raw_path(), "HTTP/2.0", headers);
    match request.uri.authority() {
        Some(authority) => head.with_authority(authority.as_str().as_bytes()),
        None => head,
    }
}

/// Joins cookie crumbs for an HTTP/1.x origin.
pub fn join_cookies(request: &mut RequestHeader) -> Result<()> {
    if let Some(cookie) = joined_cookies(request) {
        request.insert_header(COOKIE, cookie)?;
    }
    Ok(())
}

/// A response's status and header lines.
pub fn of_response(response: &ResponseHeader) -> ResponseHead {
    let headers = response.headers.iter().map(|(name, value)| pair(name, value)).collect();
    ResponseHead { status: response.status.as_u16(), headers }
}

/// The announced length of a body.
pub fn content_length(request: &RequestHeader) -> Option<u64> {
    request.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the client speaks TLS with us.
pub fn is_secure(session: &Session) -> bool {
    session.digest().is_some_and(|digest| digest.ssl_digest.is_some())
}

fn joined_cookies(request: &RequestHeader) -> Option<Vec<u8>> {
    let crumbs: Vec<&[u8]> =
        request.headers.get_all(COOKIE).iter().map(http::HeaderValue::as_bytes).collect();
    (!crumbs.is_empty()).then(|| crumbs.join(&b"; "[..]))
}

fn pair(name: &http::HeaderName, value: &http::HeaderValue) -> (Vec<u8>, Vec<u8>) {
    (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())
}
