//! What the proxy needs to know, as plain data: the configuration as meant, lowered.
//!
//! One value is loaded per request, so a reload never changes a request half-way.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use ipnet::IpNet;
use pingora::protocols::tls::CaType;
use waf_core::parse::request::HeadPolicy;

use crate::engine::api::{Masking, Policy};
use crate::share::Share;

/// Everything that a reload may change.
pub struct Settings {
    /// In order; the first that matches serves.
    pub routes: Vec<Route>,
    /// Applied where no route is known: a head that cannot be read, a request without a route.
    pub fallback: Arc<Policy>,
    /// What a head may hold, for the reader and where no route is known. Its limits bound every
    /// route's.
    pub head: HeadPolicy,
    /// Whose word about the client's address is taken, and who may come in.
    pub clients: Clients,
    /// How much of a body is held.
    pub body: BodySettings,
    /// Bounds on waiting.
    pub timeouts: Timeouts,
    /// Requests at the same time; more get 503.
    pub in_flight: usize,
    /// Concurrent streams of one HTTP/2 connection.
    pub h2_streams: u32,
    /// What a bug of ours means for the request it hits.
    pub on_error: OnError,
    /// The page of a refusal, where no route is known.
    pub block_page: Arc<BlockPage>,
    /// Request headers shown in records.
    pub audit_headers: Vec<String>,
    /// What is hidden in records.
    pub masking: Arc<Masking>,
    /// The requests that the routes' candidates look at.
    pub candidate_share: Share,
}

/// What is served, from where, under which policy.
pub struct Route {
    /// Its name in records and metrics.
    pub name: String,
    /// The host it serves.
    pub host: HostMatch,
    /// The path it serves, compared with the clean path.
    pub path: PathMatch,
    /// The methods it serves; empty for all.
    pub match_methods: Vec<String>,
    /// Where requests go.
    pub upstream: Arc<Upstream>,
    /// The rules, as this route applies them.
    pub policy: Arc<Policy>,
    /// Where blocks are carried out on a share of requests: the share, and the policy of the rest.
    pub easing: Option<Easing>,
    /// What runs beside the policy and has no say.
    pub candidate: Option<Arc<Policy>>,
    /// What a head may hold: methods, WebSockets, lengths.
    pub head: HeadPolicy,
    /// The page of a refusal.
    pub block_page: Arc<BlockPage>,
}

/// Blocking that is eased in.
#[derive(Clone, Debug)]
pub struct Easing {
    /// The requests whose blocks are carried out.
    pub enforce: Share,
    /// For all others: the same, in detection-only mode.
    pub detect: Arc<Policy>,
}

/// Which hosts a route serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostMatch {
    /// Every host.
    Any,
    /// This host, in lower case, without a port.
    Exact(String),
    /// Every host that ends with this, `.example.com` for `*.example.com`.
    Suffix(String),
}

/// Which paths a route serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathMatch {
    /// Every path.
    Any,
    /// This path.
    Exact(String),
    /// Every path that begins with this.
    Prefix(String),
}

/// Servers behind one name.
#[derive(Debug)]
pub struct Upstream {
    /// Its name in metrics.
    pub name: String,
    /// The addresses, taken in turn. Empty for the built-in demo origin, until it listens.
    pub servers: Vec<SocketAddr>,
    /// How to speak TLS to them; absent for plain text.
    pub tls: Option<UpstreamTls>,
    /// The Host that they see; absent to keep the client's.
    pub host: Option<String>,
    /// To open a connection, TLS included.
    pub connect: Duration,
    /// Between two reads of a response.
    pub read: Duration,
    /// Between two writes of a request.
    pub write: Duration,
    /// A connection is kept this long without use.
    pub idle: Duration,
    /// More attempts, only while no byte of a body was sent.
    pub retries: usize,
    /// The server whose turn it is.
    pub next: AtomicUsize,
}

/// TLS towards an upstream. The certificate is always verified.
#[derive(Clone, Debug)]
pub struct UpstreamTls {
    /// The name in the certificate.
    pub server_name: String,
    /// Authorities, from [`authorities`](crate::upstream::authorities); absent for the system's.
    pub ca: Option<Arc<CaType>>,
}

/// Whose word about the client's address is taken, and who may come in.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    /// Hops whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// When not empty, all others get 403.
    pub allow: Vec<IpNet>,
    /// These get 403.
    pub deny: Vec<IpNet>,
}

/// How much of a body is held. The bound for bodies of known length is the policy's
/// `limits.hold`.
#[derive(Clone, Debug)]
pub struct BodySettings {
    /// Bytes held back whole when the length is unknown; at most
    /// [`MAX_HOLD_UNKNOWN`](crate::inspect::MAX_HOLD_UNKNOWN).
    pub hold_unknown_length: u64,
    /// Bytes held over all requests together.
    pub hold_total: usize,
    /// What happens to a body that finds no room.
    pub hold_full: HoldFull,
}

/// What happens to a body that finds `hold_total` used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldFull {
    /// It is inspected as it passes: a block still never completes at the origin.
    Stream,
    /// 503.
    Refuse,
}

/// Bounds on waiting.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// For a whole head, from its first byte (from the handshake for the first).
    pub header: Duration,
    /// Between two pieces of a body.
    pub body_gap: Duration,
    /// Bytes per second that a body must reach once `body_gap` has passed.
    pub body_min_rate: u64,
    /// A connection may rest this long between two requests.
    pub keepalive: Duration,
    /// For reading away what a refused client still sends.
    pub drain: Duration,
    /// For requests to end after the signal to stop.
    pub stop: Duration,
}

/// What a bug of ours means for the request it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// 503.
    Block,
    /// It passes without further inspection.
    Pass,
}

/// The page of a refusal. It reflects nothing of the request.
#[derive(Clone, Debug, Default)]
pub struct BlockPage {
    /// An HTML page, instead of ours; `{request_id}` in it is replaced.
    pub html: Option<String>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// Whether the client learns the rule ids.
    pub reveal_rules: bool,
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// Absent for plain text.
    pub tls: Option<ListenerTls>,
}

/// TLS towards clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// Whether TLS 1.2 is refused.
    pub only_tls13: bool,
    /// Whether HTTP/2 is offered.
    pub h2: bool,
    /// Authorities of client certificates, PEM; when given, a client must show one.
    pub client_ca: Option<PathBuf>,
}

impl Default for BodySettings {
    fn default() -> Self {
        Self {
            hold_unknown_length: 48 * 1024,
            hold_total: 64 * 1024 * 1024,
            hold_full: HoldFull::Stream,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            body_gap: Duration::from_secs(30),
            body_min_rate: 500,
            keepalive: Duration::from_secs(60),
            drain: Duration::from_secs(2),
            stop: Duration::from_secs(10),
        }
    }
}

impl Upstream {
    /// Plain-text servers under a name, with the default timeouts.
    pub fn plain(name: &str, servers: Vec<SocketAddr>) -> Self {
        Self {
            name: name.into(),
            servers,
            tls: None,
            host: None,
            connect: Duration::from_secs(3),
            read: Duration::from_secs(60),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            retries: 1,
            next: AtomicUsize::new(0),
        }
    }
}
