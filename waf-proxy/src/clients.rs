//! Who asks: the client's address behind trusted proxies, and whether it may come in.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use waf_core::parse::head::RequestHead;

use crate::ids;
use crate::settings::Clients;

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whether its word about others counts.
    pub trusted: bool,
    /// Who asks.
    pub ip: IpAddr,
    /// The id that a trusted proxy gave to the request.
    pub request_id: Option<String>,
}

impl Client {
    /// The client of a request that `peer` sent.
    ///
    /// `X-Forwarded-For` is walked from the right: each entry was written by the hop to its right,
    /// so it counts only while all hops so far are trusted. An entry that is no address ends the
    /// walk at the hop that wrote it.
    pub fn of(head: &RequestHead, peer: IpAddr, clients: &Clients) -> Self {
        let peer = peer.to_canonical();
        if !clients.trusts(peer) {
            return Self { peer, trusted: false, ip: peer, request_id: None };
        }
        let lists: Vec<&[u8]> = head.values("x-forwarded-for").collect();
        let entries = lists.iter().rev().flat_map(|list| list.rsplit(|byte| *byte == b','));
        let mut ip = peer;
        for entry in entries.map_while(address) {
            ip = entry;
            if !clients.trusts(entry) {
                break;
            }
        }
        let request_id = head.value("x-request-id").and_then(ids::acceptable_client_id);
        Self { peer, trusted: true, ip, request_id: request_id.map(Into::into) }
    }
}

impl Clients {
    /// Whether a client may come in.
    pub fn admits(&self, ip: IpAddr) -> bool {
        !contains(&self.deny, ip) && (self.allow.is_empty() || contains(&self.allow, ip))
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        contains(&self.trusted_proxies, ip)
    }
}

fn contains(nets: &[IpNet], ip: IpAddr) -> bool {
    nets.iter().any(|net| net.contains(&ip))
}

/// An entry of `X-Forwarded-For`: an address, perhaps with a port.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    ip.ok().map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let clients = Clients {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            ..Clients::default()
        };
        let lines = forwarded.iter().map(|v| (b"X-Forwarded-For".to_vec(), v.as_bytes().to_vec()));
        let head = RequestHead::from_parts("GET", "/", "HTTP/1.1", lines.collect());
        Client::of(&head, peer.parse().unwrap(), &clients).ip.to_string()
    }

    #[test]
    fn only_trusted_hops_are_believed() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        // The left entry was sent by the client itself.
        assert_eq!(client("10.0.0.1", &["1.2.3.4, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, 10.9.9.9"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4", "198.51.100.1,10.2.2.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["10.3.3.3"]), "10.3.3.3");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, junk, 10.2.2.2"]), "10.2.2.2");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn addresses_come_in_many_clothes() {
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client("::1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client("::1", &["[2001:db8::1]"]), "2001:db8::1");
    }

    #[test]
    fn deny_wins_over_allow() {
        let net = |text: &str| text.parse().unwrap();
        let clients = Clients {
            allow: vec![net("192.0.2.0/24")],
            deny: vec![net("192.0.2.7/32")],
            trusted_proxies: Vec::new(),
        };
        assert!(clients.admits("192.0.2.1".parse().unwrap()));
        assert!(!clients.admits("192.0.2.7".parse().unwrap()));
        assert!(!clients.admits("198.51.100.1".parse().unwrap()));
    }
}
