//! Where traffic and operators come in.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::Builder;
use super::written;
use crate::settings::{Listener, ListenerTls};

/// Loopback until someone decides otherwise.
const TRAFFIC: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);

/// The admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens.
    pub address: SocketAddr,
    /// What callers must show; always set off loopback.
    pub token: Option<Secret>,
    /// The hosts it answers to, in lower case, without a port.
    pub hosts: Vec<String>,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Whether `other` is the same. Takes equally long wherever they differ.
    pub fn is(&self, other: &[u8]) -> bool {
        let own = self.0.as_bytes();
        let differs = own.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b));
        own.len() == other.len() && std::hint::black_box(differs) == 0
    }

    /// The text, for the one who shows it.
    pub(crate) fn show(&self) -> &str {
        &self.0
    }

    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Builder<'_> {
    pub(super) fn listeners(&mut self, written: Option<&[written::Listener]>) -> Vec<Listener> {
        if let Some(address) = self.command_line.listen {
            return vec![Listener { address, tls: None }];
        }
        let Some(written) = written else {
            return vec![Listener { address: TRAFFIC, tls: None }];
        };
        if written.is_empty() {
            self.check.error("listeners", "no listener: nothing could reach the proxy");
        }
        let mut listeners: Vec<Listener> = Vec::new();
        for (index, listener) in written.iter().enumerate() {
            let path = format!("listeners[{index}]");
            let Some(address) = listener.address else {
                self.check.error(&path, "a listener needs an `address`");
                continue;
            };
            if listeners.iter().any(|other| other.address == address) {
                let path = format!("{path}.address");
                self.check.error(&path, format!("{address} is listened on twice"));
            }
            let tls = listener.tls.as_ref().and_then(|tls| self.listener_tls(&path, tls));
            listeners.push(Listener { address, tls });
        }
        listeners
    }

    fn listener_tls(&mut self, path: &str, written: &written::ListenerTls) -> Option<ListenerTls> {
        let path = format!("{path}.tls");
        let (Some(cert), Some(key)) = (&written.cert, &written.key) else {
            self.check.error(&path, "TLS needs both `cert` and `key`");
            return None;
        };
        self.read(&format!("{path}.cert"), cert);
        self.read(&format!("{path}.key"), key);
        if let Some(client_ca) = &written.client_ca {
            self.read(&format!("{path}.client_ca"), client_ca);
        }
        Some(ListenerTls {
            cert: self.folder.join(cert),
            key: self.folder.join(key),
            only_tls13: written.min_version == Some(written::TlsVersion::Tls13),
            h2: written.h2.unwrap_or(true),
            client_ca: written.client_ca.as_ref().map(|file| self.folder.join(file)),
        })
    }

    pub(super) fn admin(
        &mut self,
        written: Option<&written::Admin>,
        listeners: &[Listener],
    ) -> Admin {
        let written = written.cloned().unwrap_or_default();
        let address = written.address.unwrap_or(ADMIN);
        let token = written.token_file.as_deref().and_then(|file| self.token(file));
        if !address.ip().is_loopback() && written.token_file.is_none() {
            self.check.error_help(
                "admin.address",
                format!("the admin listener at {address} would be open to everybody"),
                "set `admin.token_file`, or listen on 127.0.0.1",
            );
        }
        if address.port() != 0 && listeners.iter().any(|l| overlaps(l.address, address)) {
            self.check.error("admin.address", format!("{address} is a listener for traffic, too"));
        }
        let default_hosts = || ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
        let hosts = written.hosts.unwrap_or_else(default_hosts);
        let hosts = hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Admin { address, token, hosts }
    }

    fn token(&mut self, file: &Path) -> Option<Secret> {
        let text = self.read("admin.token_file", file)?;
        let token = text.trim();
        if token.is_empty() {
            self.check.error("admin.token_file", format!("{} is empty", file.display()));
            return None;
        }
        Some(Secret(token.to_owned()))
    }
}

/// Whether one socket cannot be bound beside the other.
fn overlaps(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && (any || one.ip() == other.ip())
}

/// Whether a connection to `target` reaches a listener on `listener` of this host.
pub(super) fn reaches(target: SocketAddr, listener: SocketAddr) -> bool {
    let local = target.ip().is_loopback() || target.ip().is_unspecified();
    target.port() == listener.port()
        && (target.ip() == listener.ip() || (local && listener.ip().is_unspecified())
            // A connection to 0.0.0.0 arrives at loopback.
            || (target.ip().is_unspecified() && listener.ip().is_loopback()))
}
