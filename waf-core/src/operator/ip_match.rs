//! `ip_match`: the value is the text of an address in one of the networks.
//!
//! An IPv4 address and the same one mapped into IPv6 (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2)
//! are one address. Blanks around the text are not allowed, as `inet_pton` does not.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Answer, Machine};

/// The longest text of an address: six groups and a dotted IPv4 address.
const LONGEST: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();

#[derive(Clone, Debug)]
pub(super) struct IpMatch(Box<[IpNet]>);

/// The value so far, up to one byte more than an address can have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text(Vec<u8>);

impl IpMatch {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }
}

impl Machine for IpMatch {
    type State = Text;

    fn start(&self) -> Text {
        Text::default()
    }

    fn step(&self, text: &mut Text, byte: u8) -> Answer {
        if text.0.len() <= LONGEST {
            text.0.push(byte);
        }
        Answer::Open
    }

    fn finish(&self, text: Text) -> bool {
        address(&text.0).is_some_and(|address| self.0.iter().any(|network| is_in(network, address)))
    }
}

/// The address that is written so.
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether the address, or the same one in the other notation, is in the network.
pub(super) fn is_in(network: &IpNet, address: IpAddr) -> bool {
    let other = match address {
        IpAddr::V4(v4) => Some(IpAddr::V6(v4.to_ipv6_mapped())),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
    };
    network.contains(&address) || other.is_some_and(|other| network.contains(&other))
}
