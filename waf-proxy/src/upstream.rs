//! Towards the origin: whose turn it is, how to connect, what it is told about the client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::ACCEPT_ENCODING;
use pingora::http::RequestHeader;
use pingora::prelude::{HttpPeer, Result};
use pingora::protocols::tls::CaType;
use pingora::tls::{CertificateDer, RootCertStore};
use pingora::upstreams::peer::HttpUpstreamRequestPolicy;
use pingora::utils::tls::{WrappedX509, parse_x509};
use pingora::{Error, ErrorSource, ErrorType};

use crate::exchange::Exchange;
use crate::settings::{Upstream, UpstreamTls};

/// What hops in front of us may have said about the client.
const FORWARDED: [&str; 7] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// The server whose turn it is.
pub fn peer(upstream: &Upstream) -> Result<Box<HttpPeer>> {
    let turn = upstream.next.fetch_add(1, Ordering::Relaxed);
    let server = upstream.servers.get(turn % upstream.servers.len().max(1)).copied();
    let server = server.ok_or_else(|| Error::explain(ErrorType::ConnectNoRoute, "no server"))?;
    let mut peer = match &upstream.tls {
        None => HttpPeer::new(server, false, String::new()),
        Some(tls) => secure(server, tls),
    };
    peer.options.connection_timeout = Some(upstream.connect);
    peer.options.total_connection_timeout = Some(upstream.connect);
    peer.options.read_timeout = Some(upstream.read);
    peer.options.write_timeout = Some(upstream.write);
    peer.options.idle_timeout = Some(upstream.idle);
    Ok(Box::new(peer))
}

/// Refuses upgrades where the route does, whatever the request says.
pub fn forbid_upgrades(peer: &mut HttpPeer) {
    peer.options.http_upstream_request_policy = HttpUpstreamRequestPolicy::deny_upgrades();
}

/// The status for an error of the upstream: 504 when it was too slow, else 502.
pub fn status_of(error: &Error) -> u16 {
    match error.etype() {
        ErrorType::ConnectTimedout
        | ErrorType::TLSHandshakeTimedout
        | ErrorType::ReadTimedout
        | ErrorType::WriteTimedout => 504,
        _ => 502,
    }
}

/// Whether the upstream, not the client, is to blame.
pub fn is_to_blame(error: &Error) -> bool {
    *error.esource() == ErrorSource::Upstream
}

/// Tells the origin who asks and under which id, and takes back what was only for us.
pub fn write_head(request: &mut RequestHeader, exchange: &Exchange, secure: bool) -> Result<()> {
    request.remove_header("expect");
    let chain = forwarded_for(request, exchange);
    if !exchange.client.trusted {
        for name in FORWARDED {
            request.remove_header(name);
        }
        request.insert_header("x-forwarded-proto", if secure { "https" } else { "http" })?;
    }
    request.insert_header("x-forwarded-for", chain)?;
    request.insert_header("x-request-id", exchange.request_id.as_str())?;
    if exchange.reads_response_bodies() {
        offer_readable_codings(request)?;
    }
    if let Some(host) = exchange.route().and_then(|route| route.upstream.host.as_deref()) {
        request.insert_header("host", host)?;
    }
    Ok(())
}

/// Leaves of the codings that the client accepts those that are cheap to look into. Brotli could be
/// read, at a microsecond a byte; zstd could not.
fn offer_readable_codings(request: &mut RequestHeader) -> Result<()> {
    let lines = request.headers.get_all(ACCEPT_ENCODING).iter();
    let offered: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    if offered.is_empty() {
        return Ok(());
    }
    let members = offered.iter().flat_map(|line| line.split(',')).map(str::trim);
    let readable = members.filter(|member| {
        let name = member.split(';').next().unwrap_or_default().trim();
        ["gzip", "x-gzip", "deflate", "identity"].iter().any(|it| it.eq_ignore_ascii_case(name))
    });
    let readable = readable.collect::<Vec<_>>().join(", ");
    let value = if readable.is_empty() { "identity".to_owned() } else { readable };
    request.insert_header(ACCEPT_ENCODING, value)
}

/// The trusted part of the chain, and the other end of our connection at its right.
fn forwarded_for(request: &RequestHeader, exchange: &Exchange) -> String {
    let peer = exchange.client.peer.to_string();
    if !exchange.client.trusted {
        return peer;
    }
    let lines = request.headers.get_all("x-forwarded-for").iter();
    let mut chain: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    chain.push(&peer);
    chain.join(", ")
}

fn secure(server: SocketAddr, tls: &UpstreamTls) -> HttpPeer {
    let mut peer = HttpPeer::new(server, true, tls.server_name.clone());
    peer.options.verify_cert = true;
    peer.options.verify_hostname = true;
    peer.options.ca.clone_from(&tls.ca);
    peer
}

/// Authorities from DER certificates, for [`UpstreamTls::ca`]. The error is a sentence.
pub fn authorities(certificates: Vec<Vec<u8>>) -> std::result::Result<Arc<CaType>, String> {
    let mut checked = RootCertStore::empty();
    for der in &certificates {
        let added = checked.add(CertificateDer::from(der.as_slice()).into_owned());
        added.map_err(|error| format!("not a usable authority: {error}"))?;
    }
    // What the store took can be parsed again.
    Ok(certificates.into_iter().map(|der| WrappedX509::new(der, parse_x509)).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test should stop where it fails")]
    use super::*;

    #[test]
    fn only_codings_that_can_be_read_are_asked_for() {
        for (given, asked) in [
            (&["gzip, deflate, br, zstd"][..], Some("gzip, deflate")),
            (&["br;q=1.0, GZIP;q=0.5", "deflate"], Some("GZIP;q=0.5, deflate")),
            (&["zstd", "*"], Some("identity")),
            (&["gzip;q=0"], Some("gzip;q=0")),
            (&[""], Some("identity")),
            (&[], None),
        ] {
            let mut request = RequestHeader::build("GET", b"/", None).unwrap();
            for line in given {
                request.append_header(ACCEPT_ENCODING, *line).unwrap();
            }
            offer_readable_codings(&mut request).unwrap();
            let value = request.headers.get(ACCEPT_ENCODING);
            assert_eq!(value.map(|value| value.to_str().unwrap()), asked, "{given:?}");
        }
    }
}
