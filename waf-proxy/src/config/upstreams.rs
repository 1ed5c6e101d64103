//! The applications behind the proxy.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use pingora::protocols::tls::CaType;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use waf_core::source::Report;

use super::listeners::reaches;
use super::units::Time;
use super::{Builder, written};
use crate::settings::{Upstream, UpstreamTls};
use crate::upstream::authorities;

/// More attempts than this only multiply an outage.
const RETRIES: u32 = 10;

impl Builder<'_> {
    pub(super) fn upstreams(
        &mut self,
        written: Option<&written::Ordered<written::Upstream>>,
        admin: SocketAddr,
    ) -> Vec<Arc<Upstream>> {
        if let Some(url) = &self.command_line.upstream {
            let upstream = match from_url(url) {
                Ok(upstream) => upstream,
                Err(message) => {
                    self.check.push(Report::error(None, message));
                    return Vec::new();
                }
            };
            self.refuse_admin("", &upstream.servers, admin);
            return vec![Arc::new(upstream)];
        }
        let Some(written) = written.filter(|written| !written.0.is_empty()) else {
            if self.has_file {
                self.check.error_help(
                    "upstreams",
                    "no upstream: there is nothing to protect",
                    "name one, such as `upstreams: {app: {servers: [\"127.0.0.1:3000\"]}}`",
                );
            }
            return vec![Arc::new(Upstream::plain("demo", Vec::new()))];
        };
        let meant = written.0.iter().map(|(name, one)| Arc::new(self.upstream(name, one, admin)));
        meant.collect()
    }

    fn upstream(&mut self, name: &str, written: &written::Upstream, admin: SocketAddr) -> Upstream {
        let path = format!("upstreams.{name}");
        let texts = written.servers.clone().unwrap_or_default();
        if texts.is_empty() {
            self.check.error(&path, format!("`{name}` has no servers"));
        }
        let mut servers = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let path = format!("{path}.servers[{index}]");
            match resolve(text) {
                Ok(server) => {
                    self.refuse_admin(&path, &[server], admin);
                    servers.push(server);
                }
                Err(message) => self.check.error(&path, message),
            }
        }
        let tls = written.tls.as_ref().and_then(|tls| self.upstream_tls(&path, tls, &texts));
        let retries = written.retries.unwrap_or(1);
        let retries = self.check.between(&format!("{path}.retries"), retries, (0, RETRIES));
        let time = |time: Option<Time>, default| time.map_or(default, |time| time.0);
        let default = Upstream::plain(name, servers);
        Upstream {
            tls,
            host: written.host.clone().filter(|host| host != "preserve"),
            connect: time(written.connect, default.connect),
            read: time(written.read, default.read),
            write: time(written.write, default.write),
            idle: time(written.idle, default.idle),
            retries: usize::try_from(retries).unwrap_or(usize::MAX),
            ..default
        }
    }

    /// Traffic must not be able to ask the admin listener.
    fn refuse_admin(&mut self, path: &str, servers: &[SocketAddr], admin: SocketAddr) {
        if let Some(server) = servers.iter().find(|server| reaches(**server, admin)) {
            self.check.error_help(
                path,
                format!("{server} is the admin listener"),
                "every client could reload the rules and read the records",
            );
        }
    }

    fn upstream_tls(
        &mut self,
        path: &str,
        written: &written::UpstreamTls,
        servers: &[String],
    ) -> Option<UpstreamTls> {
        let named =
            servers.first().and_then(|server| server.rsplit_once(':')).map(|(name, _)| name);
        let Some(server_name) = written.server_name.as_deref().or(named) else {
            self.check.error(&format!("{path}.tls"), "TLS needs a `server_name` to verify");
            return None;
        };
        let ca = match written.ca.as_deref() {
            None | Some("system") => None,
            Some(file) => Some(self.authorities(&format!("{path}.tls.ca"), Path::new(file))?),
        };
        Some(UpstreamTls { server_name: server_name.trim_matches(['[', ']']).to_owned(), ca })
    }

    fn authorities(&mut self, path: &str, file: &Path) -> Option<Arc<CaType>> {
        let text = self.read(path, file)?;
        let certificates: Result<Vec<Vec<u8>>, _> = CertificateDer::pem_slice_iter(text.as_bytes())
            .map(|certificate| certificate.map(|der| der.to_vec()))
            .collect();
        let authorities = match certificates {
            Ok(certificates) if certificates.is_empty() => Err("holds no certificate".to_owned()),
            Ok(certificates) => authorities(certificates),
            Err(error) => Err(format!("is not PEM: {error}")),
        };
        let complain = |message| self.check.error(path, format!("{} {message}", file.display()));
        authorities.map_err(complain).ok()
    }
}

/// `http://host:port` or `https://host`, without a path.
fn from_url(url: &str) -> Result<Upstream, String> {
    let wrong = || format!("`{url}` is no URL such as http://127.0.0.1:3000, without a path");
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.is_empty() || authority.contains(['/', '?', '#', '@']) {
        return Err(wrong());
    }
    let (tls, port) = match scheme {
        "http" => (false, 80),
        "https" => (true, 443),
        _ => return Err(wrong()),
    };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    let mut upstream = Upstream::plain("upstream", vec![resolve(&address)?]);
    if tls {
        let name = address.rsplit_once(':').map_or(address.as_str(), |(name, _)| name);
        let server_name = name.trim_matches(['[', ']']).to_owned();
        upstream.tls = Some(UpstreamTls { server_name, ca: None });
    }
    Ok(upstream)
}

/// The address of `host:port`. A name is looked up once, at load; IPv4 is preferred, because
/// `localhost` often has both and applications listen on one.
fn resolve(text: &str) -> Result<SocketAddr, String> {
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    if !text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && is_port(port)) {
        return Err(format!("`{text}` is not host:port"));
    }
    let addresses = text.to_socket_addrs().map_err(|error| format!("`{text}`: {error}"))?;
    addresses.min_by_key(SocketAddr::is_ipv6).ok_or_else(|| format!("`{text}` has no address"))
}
