//! The configuration as written: every key optional, nothing checked but its shape.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use waf_core::record::Mode;

use super::units::{Bound, Network, Rate, Size, Time};
use crate::share::Share;

/// Structs of optional keys. `over` fills what one does not say from another: a route's settings
/// stand over the global ones, key by key.
macro_rules! written {
    ($( $(#[doc = $doc:literal])* $name:ident { $( $key:ident: $kind:ty, )* } )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $( #[allow(missing_docs, reason = "the key; its meaning is in `config`")]
               pub $key: Option<$kind>, )*
        }

        impl $name {
            /// These settings, and where they are silent those of `base`.
            #[must_use]
            pub fn over(&self, base: &Self) -> Self {
                Self { $( $key: self.$key.clone().or_else(|| base.$key.clone()), )* }
            }
        }
    )*};
}

written! {
    /// A whole file.
    Written {
        mode: Mode,
        enforce: Share,
        candidate: Candidate,
        threads: usize,
        on_error: OnError,
        rules: Vec<String>,
        exclusions: Vec<String>,
        overrides: Ordered<Override>,
        scoring: Scoring,
        listeners: Vec<Listener>,
        admin: Admin,
        clients: Clients,
        upstreams: Ordered<Upstream>,
        routes: Vec<Route>,
        methods: Vec<String>,
        body: Body,
        limits: Limits,
        timeouts: Timeouts,
        response: Response,
        audit: Audit,
        masking: Masking,
        block_page: BlockPage,
    }
    /// A change to a rule or a class.
    Override { mode: RuleMode, score: u32, }
    /// What runs beside the active settings: these keys in place of the file's.
    Candidate {
        share: Share,
        rules: Vec<String>,
        exclusions: Vec<String>,
        overrides: Ordered<Override>,
        scoring: Scoring,
    }
    /// Thresholds and paranoia.
    Scoring { inbound_threshold: u32, outbound_threshold: u32, paranoia: u8, detection_paranoia: u8, }
    /// An address for traffic.
    Listener { address: SocketAddr, tls: ListenerTls, }
    /// TLS towards clients.
    ListenerTls { cert: PathBuf, key: PathBuf, min_version: TlsVersion, h2: bool, client_ca: PathBuf, }
    /// The admin listener.
    Admin { address: SocketAddr, token_file: PathBuf, hosts: Vec<String>, }
    /// Who may ask, and whose word about addresses is taken.
    Clients { trusted_proxies: Vec<Network>, allow: Vec<Network>, deny: Vec<Network>, }
    /// An application.
    Upstream {
        servers: Vec<String>,
        tls: UpstreamTls,
        host: String,
        connect: Time,
        read: Time,
        write: Time,
        idle: Time,
        retries: u32,
    }
    /// TLS towards an application.
    UpstreamTls { server_name: String, ca: String, }
    /// Which requests go where, and what differs for them.
    Route {
        name: String,
        r#match: Match,
        upstream: String,
        mode: Mode,
        enforce: Share,
        scoring: Scoring,
        limits: Limits,
        body: Body,
        exclusions: Vec<String>,
        overrides: Ordered<Override>,
        methods: Vec<String>,
        websocket: Websocket,
        block_page: BlockPage,
        response: Response,
    }
    /// Which requests a route takes.
    Match { host: String, path: String, methods: Vec<String>, }
    /// How bodies are held.
    Body {
        hold: Size,
        hold_unknown_length: Size,
        hold_total: Size,
        hold_full: HoldFull,
        on_partial: OnPartial,
    }
    /// Bounds.
    Limits {
        in_flight: usize,
        url: Size,
        header_bytes: Size,
        headers: usize,
        body: Bound,
        fields: usize,
        field_name: Size,
        field_window: Size,
        depth: usize,
        parts: usize,
        part_headers: Size,
        inflate_ratio: u64,
        record_matches: usize,
        h2_streams: u32,
    }
    /// How long to wait.
    Timeouts { header: Time, body_gap: Time, body_min_rate: Rate, keepalive: Time, drain: Time, stop: Time, }
    /// Inspection of responses.
    Response { headers: bool, body: ResponseBody, types: Vec<String>, }
    /// The audit log.
    Audit {
        log: AuditLevel,
        file: PathBuf,
        stdout: bool,
        headers: Vec<String>,
        queue: usize,
        on_full: OnFull,
        record: Size,
        outputs: Vec<Output>,
        sample: Ordered<Share>,
    }
    /// Where else records go, in which format.
    Output { format: Format, file: PathBuf, stdout: bool, }
    /// What records do not tell.
    Masking {
        query_values: bool,
        fields: Vec<String>,
        headers: Vec<String>,
        patterns: Vec<String>,
        classes: Vec<String>,
        excerpt: Size,
    }
    /// What a blocked client sees.
    BlockPage { status: u16, reveal_rules: bool, html: PathBuf, retry_after: Time, }
}

macro_rules! words {
    ($( $(#[doc = $doc:literal])* $name:ident {
        $( $(#[doc = $word_doc:literal])* $(#[serde($($serde:tt)*)])? $word:ident, )*
    } )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $( $(#[doc = $word_doc])* $(#[serde($($serde)*)])? $word, )* }
    )*};
}

words! {
    /// What a bug of ours does to the request it met.
    OnError {
        /// 503.
        Block,
        /// The request goes on uninspected, and the record says so.
        Pass,
    }
    /// The mode of a rule.
    RuleMode {
        /// It counts.
        Block,
        /// It is recorded and does not count.
        Detect,
        /// It is not looked for.
        Off,
    }
    /// The oldest TLS that is spoken.
    TlsVersion {
        /// RFC 5246.
        #[serde(rename = "1.2")]
        Tls12,
        /// RFC 8446.
        #[serde(rename = "1.3")]
        Tls13,
    }
    /// Whether a request may become a WebSocket.
    Websocket {
        /// Its frames are not inspected, and the record says so.
        Allow,
        /// Finding `protocol-upgrade`.
        Deny,
    }
    /// What happens when `hold_total` is used up.
    HoldFull {
        /// The body is inspected as it goes on.
        Stream,
        /// 503.
        Refuse,
    }
    /// What happens when a field is too long to be exact.
    OnPartial {
        /// The record and a metric say so.
        Pass,
        /// The request is blocked.
        Block,
    }
    /// What is done with response bodies.
    ResponseBody {
        /// They are not looked at.
        Off,
        /// Matches are recorded.
        Detect,
        /// A response that scores too much is cut.
        Block,
    }
    /// Which requests have a record written.
    AuditLevel {
        /// Those where something matched or that were not simply passed.
        Relevant,
        /// Every one.
        All,
        /// Those that were blocked.
        Blocked,
    }
    /// How a record is written.
    Format {
        /// Our own: the one that `why`, `tune` and `replay` read.
        Pinpoint,
        /// Elastic Common Schema.
        Ecs,
        /// Open Cybersecurity Schema Framework, HTTP Activity.
        Ocsf,
        /// The JSON audit log of libmodsecurity.
        Modsecurity,
    }
    /// What happens when the queue of records is full.
    OnFull {
        /// The record is dropped and counted.
        Drop,
        /// The request waits.
        Block,
    }
}

/// A mapping in the order of the file.
#[derive(Clone, Debug)]
pub struct Ordered<V>(pub Vec<(String, V)>);

impl<V> Default for Ordered<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(std::marker::PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Ordered<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }

        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}
