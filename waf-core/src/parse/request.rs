//! What a request head means: what is wrong with it, and the fields that rules look at.
//!
//! It works on [`RequestHead`], whether that came from HTTP/1.x bytes or from HTTP/2.

use super::cookie::cookies;
use super::encoding::Coding;
use super::framing::Framing;
use super::head::RequestHead;
use super::media_type::MediaType;
use super::uri::{self, TargetParts, clean_path, target_findings};
use super::urlencoded::Urlencoded;
use crate::field::{Collection, FieldSink};
use crate::finding::Finding;
use crate::limits::Limits;

/// What a route allows in a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadPolicy {
    /// The methods that pass, compared with case.
    pub methods: Vec<String>,
    /// Whether `Upgrade: websocket` passes.
    pub websocket: bool,
    /// Bounds on the target and the header lines.
    pub limits: Limits,
}

impl HeadPolicy {
    fn allows(&self, method: &[u8]) -> bool {
        self.methods.iter().any(|known| known.as_bytes() == method)
    }
}

impl Default for HeadPolicy {
    fn default() -> Self {
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        Self {
            methods: methods.map(str::to_owned).to_vec(),
            websocket: false,
            limits: Limits::default(),
        }
    }
}

/// What is wrong with a head, besides what [`super::head::HeadParser`] tells of its bytes. Each
/// finding stands once; its offset counts in the target for findings about the target, and is 0 for
/// all others.
pub fn validate(head: &RequestHead, policy: &HeadPolicy) -> Vec<(Finding, u64)> {
    let about_target = target_findings(&head.target);
    let path = ambiguous_path(head);
    let media_type = head.value("content-type").map(MediaType::parse);
    let of_type = media_type.iter().flat_map(|it| [content_type_conflict(it, head), charset(it)]);
    let others = CHECKS.iter().map(|check| check(head, policy)).chain(of_type).flatten();
    about_target.into_iter().chain(path).chain(others.map(|found| (found, 0))).collect()
}

/// The content coding of the body; `None` without one. Refused when there are several, or one that
/// cannot be looked into.
pub fn content_coding(head: &RequestHead) -> Result<Option<Coding>, Finding> {
    let mut names = list(head, "content-encoding");
    match (names.next(), names.next()) {
        (None, _) => Ok(None),
        (Some(name), None) if name.eq_ignore_ascii_case(b"identity") => Ok(None),
        (Some(name), None) => match Coding::from_name(name) {
            Some(coding) => Ok(Some(coding)),
            None => Err(Finding::ProtocolContentEncoding),
        },
        _ => Err(Finding::ProtocolContentEncoding),
    }
}

/// Tells every field of a head, in the order of [`Collection::ALL`] but headers before cookies.
///
/// `at` counts in the target for what comes from there, in a header's value for cookies, and is 0
/// for all others.
pub fn fields(head: &RequestHead, remote_addr: &str, limits: &Limits, sink: &mut dyn FieldSink) {
    line_fields(head, sink);
    sink.whole(Collection::RemoteAddr, b"", remote_addr.as_bytes(), 0);
    let parts = TargetParts::of(&head.target);
    if let Some(query) = parts.query {
        let (names, values) = (Collection::ArgsGetNames, Collection::ArgsGet);
        let mut parser = Urlencoded::new(names, values, limits).starting_at(parts.query_at as u64);
        parser.feed(query, sink);
        parser.finish(sink);
    }
    for (name, value) in &head.headers {
        sink.whole(Collection::RequestHeadersNames, name, name, 0);
        sink.whole(Collection::RequestHeaders, name, value, 0);
    }
    for cookie in head.values("cookie").flat_map(cookies) {
        let (name, value) = (cookie.name, cookie.value);
        sink.whole(Collection::RequestCookiesNames, name, name, cookie.name_at as u64);
        sink.whole(Collection::RequestCookies, name, value, cookie.value_at as u64);
    }
}

fn line_fields(head: &RequestHead, sink: &mut dyn FieldSink) {
    let parts = TargetParts::of(&head.target);
    let (basename, basename_at) = parts.basename();
    let path_at = parts.path_at as u64;
    let mut tell = |collection, value, at| sink.whole(collection, b"", value, at);
    tell(Collection::RequestLine, &head.line, 0);
    tell(Collection::RequestMethod, &head.method, 0);
    tell(Collection::RequestProtocol, &head.version, 0);
    tell(Collection::RequestUri, parts.uri, path_at);
    tell(Collection::RequestUriRaw, &head.target, 0);
    tell(Collection::RequestFilename, parts.path, path_at);
    tell(Collection::RequestBasename, basename, path_at + basename_at as u64);
    uri::tell_decoded(Collection::DecodedFilename, parts.path, path_at, sink);
    let at = path_at + basename_at as u64;
    uri::tell_decoded(Collection::DecodedBasename, basename, at, sink);
    let mut tell = |collection, value, at| sink.whole(collection, b"", value, at);
    if let Some(query) = parts.query {
        tell(Collection::QueryString, query, parts.query_at as u64);
    }
}

type Check = fn(&RequestHead, &HeadPolicy) -> Option<Finding>;

const CHECKS: &[Check] = &[
    url,
    header_lines,
    |head, _| Framing::of(head).err(),
    |head, _| host(head),
    method,
    |head, _| unexpected_body(head),
    |head, _| expect(head),
    header_trick,
    upgrade,
    |head, _| content_encoding(head),
    |head, _| content_type_missing(head),
];

/// HTTP/1.x heads were measured while they were read; this is for HTTP/2.
fn url(head: &RequestHead, policy: &HeadPolicy) -> Option<Finding> {
    (head.target.len() > policy.limits.url).then_some(Finding::LimitUrl)
}

fn header_lines(head: &RequestHead, policy: &HeadPolicy) -> Option<Finding> {
    // The colon and the CRLF count too, as on the wire.
    let bytes: usize = head.headers.iter().map(|(name, value)| name.len() + value.len() + 3).sum();
    let many = head.headers.len() > policy.limits.headers || bytes > policy.limits.header_bytes;
    many.then_some(Finding::LimitHeaders)
}

fn ambiguous_path(head: &RequestHead) -> Option<(Finding, u64)> {
    let parts = TargetParts::of(&head.target);
    let ambiguous = clean_path(parts.path).ambiguous;
    ambiguous.then_some((Finding::ProtocolPathAmbiguous, parts.path_at as u64))
}

/// RFC 9112 section 3.2: one Host, the same as an absolute target or `:authority` names.
fn host(head: &RequestHead) -> Option<Finding> {
    let mut hosts = head.values("host");
    let Some(host) = hosts.next() else { return Some(Finding::ProtocolHost) };
    let named = [TargetParts::of(&head.target).authority, head.authority.as_deref()];
    let unlike = named.into_iter().flatten().any(|named| !named.eq_ignore_ascii_case(host));
    if unlike || hosts.next().is_some() {
        return Some(Finding::ProtocolHostConflict);
    }
    (!is_host(host)).then_some(Finding::ProtocolHost)
}

/// A host name or address with an optional port. Of RFC 3986's `reg-name` escapes and sub-delims
/// are left out: no name has them, and proxies disagree on them.
fn is_host(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => return address.parse::<std::net::Ipv6Addr>().is_ok(),
        Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", port),
        Some(_) => return false,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let digits = port.strip_prefix(':').map(|port| (port, port.parse::<u16>()));
    let port = match digits {
        None => port.is_empty(),
        Some((digits, number)) => number.is_ok() && digits.bytes().all(|d| d.is_ascii_digit()),
    };
    port && !name.is_empty() && name.bytes().all(byte)
}

fn method(head: &RequestHead, policy: &HeadPolicy) -> Option<Finding> {
    if matches!(head.method.as_slice(), b"CONNECT" | b"TRACE") {
        return Some(Finding::ProtocolMethodForbidden);
    }
    (!policy.allows(&head.method)).then_some(Finding::ProtocolMethod)
}

fn unexpected_body(head: &RequestHead) -> Option<Finding> {
    let bodyless = matches!(head.method.as_slice(), b"GET" | b"HEAD");
    (bodyless && head.has_body()).then_some(Finding::ProtocolBodyUnexpected)
}

fn expect(head: &RequestHead) -> Option<Finding> {
    let odd = head.values("expect").any(|value| !value.eq_ignore_ascii_case(b"100-continue"));
    odd.then_some(Finding::ProtocolExpect)
}

/// Lines that make a hop and the origin see different requests.
fn header_trick(head: &RequestHead, policy: &HeadPolicy) -> Option<Finding> {
    let overridden = head.value("x-original-url").is_some()
        || head
            .value("x-http-method-override")
            .is_some_and(|to| !is_usual_override(head, to, policy));
    let dropped = list(head, "connection").any(names_end_to_end);
    (overridden || dropped || has_underscore_twin(head)).then_some(Finding::ProtocolHeaderTrick)
}

/// Clients behind old proxies, the block editor of `WordPress` among them, save with POST and name
/// the method here; POST may do no less than these.
fn is_usual_override(head: &RequestHead, method: &[u8], policy: &HeadPolicy) -> bool {
    head.method == b"POST" && matches!(method, b"PUT" | b"PATCH") && policy.allows(method)
}

/// Whether a Connection option would make a hop drop a line that the origin needs.
fn names_end_to_end(option: &[u8]) -> bool {
    let forwarded = b"x-forwarded-";
    let begins = option.get(..forwarded.len());
    [&b"host"[..], b"cookie", b"authorization"].iter().any(|it| option.eq_ignore_ascii_case(it))
        || begins.is_some_and(|begins| begins.eq_ignore_ascii_case(forwarded))
}

/// CGI-like servers read `A_B` and `A-B` as the same variable.
fn has_underscore_twin(head: &RequestHead) -> bool {
    let names = || head.headers.iter().map(|(name, _)| name.as_slice());
    let spelt = |name: &&[u8]| name.contains(&b'_');
    names().filter(spelt).any(|name| names().any(|other| are_twins(name, other)))
}

/// Whether two names differ, but only in `_` and `-`.
fn are_twins(name: &[u8], other: &[u8]) -> bool {
    let variable = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.len() == other.len()
        && !name.eq_ignore_ascii_case(other)
        && name.iter().map(variable).eq(other.iter().map(variable))
}

/// An upgrade to anything but a WebSocket is never forwarded and needs no finding.
fn upgrade(head: &RequestHead, policy: &HeadPolicy) -> Option<Finding> {
    let websocket = list(head, "upgrade").any(|protocol| {
        let name = protocol.split(|&byte| byte == b'/').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"websocket")
    });
    (websocket && !policy.websocket).then_some(Finding::ProtocolUpgrade)
}

fn content_encoding(head: &RequestHead) -> Option<Finding> {
    content_coding(head).err().filter(|_| head.has_body())
}

fn content_type_missing(head: &RequestHead) -> Option<Finding> {
    let missing = head.value("content-type").is_none_or(<[u8]>::is_empty);
    (missing && head.has_body()).then_some(Finding::ProtocolContentTypeMissing)
}

/// Two lines, two media types with a comma between, or a parameter that has two values. One type
/// said again in one line is no conflict: see [`MediaType::parse`].
fn content_type_conflict(media_type: &MediaType, head: &RequestHead) -> Option<Finding> {
    let conflict = head.values("content-type").nth(1).is_some()
        || media_type.essence.contains(&b',')
        || media_type.is_ambiguous("boundary")
        || media_type.is_ambiguous("charset");
    conflict.then_some(Finding::ProtocolContentTypeConflict)
}

/// A charset in which ASCII bytes are not ASCII characters.
fn charset(media_type: &MediaType) -> Option<Finding> {
    let charset = media_type.parameter("charset")?.to_ascii_lowercase();
    let plain: &[&[u8]] = &[
        b"utf-8",
        b"utf8",
        b"us-ascii",
        b"ascii",
        b"iso-8859-1",
        b"latin1",
        b"iso-8859-15",
        b"windows-1252",
        b"cp1252",
    ];
    (!plain.contains(&charset.as_slice())).then_some(Finding::ProtocolCharset)
}

/// The members of a comma-separated header (RFC 9110 section 5.6.1), over all its lines.
fn list<'a>(head: &'a RequestHead, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let members = head.values(name).flat_map(|value| value.split(|&byte| byte == b','));
    members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests;
