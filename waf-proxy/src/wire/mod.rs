//! Between the socket and Pingora: reads every HTTP/1.x head itself.
//!
//! Pingora's parser answers some heads with a 400 that no hook and no log ever sees, and repairs
//! others before a rule could look. So the head is read here, under limits and a deadline; what
//! must not go on is answered and recorded here; what may is handed to Pingora normalised, with the
//! bytes as received beside it. Pingora gets a fresh session for each request and exactly the bytes
//! of that request: what a client sends ahead stays here.

mod control;
mod delegate;
mod frames;
mod normalise;
mod read;
mod refuse;
mod stream;
mod streams;

use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use pingora::apps::{HttpServerApp, ServerApp};
use pingora::protocols::http::ServerSession;
use pingora::protocols::{ALPN, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use tokio::time::timeout;
use waf_core::finding::Finding;
use waf_core::parse::framing::Framing;
use waf_core::parse::head::RequestHead;
use waf_core::parse::request::validate;
use waf_core::record::Stop;

pub use control::Control;
pub use streams::Streams;

use crate::exchange::Exchange;
use crate::service::Service;
use crate::settings::Settings;
use crate::shared::Shared;
use read::{Patience, ReadHead};
use stream::Wire;
use streams::Unseen;

/// How long a request of HTTP/2 may take from its last byte to its first hook.
const SETTLE: Duration = Duration::from_secs(1);

/// What goes along with a head into Pingora's hooks.
pub struct Handover {
    /// The request, as it was received.
    pub exchange: Exchange,
    /// What is wrong with its head under [`Settings::head`].
    pub found: Vec<(Finding, u64)>,
    /// How hooks talk to the wire below Pingora.
    pub control: Arc<Control>,
}

/// Serves connections.
pub struct Gate {
    proxy: Arc<HttpProxy<Service>>,
    shared: Arc<Shared>,
}

impl Gate {
    /// A gate in front of Pingora.
    pub fn new(proxy: Arc<HttpProxy<Service>>, shared: Arc<Shared>) -> Self {
        Self { proxy, shared }
    }

    /// How long a TLS handshake may take.
    pub fn handshake_patience(&self) -> Duration {
        self.shared.settings.load().timeouts.header
    }

    /// Closes connections that rest between two requests.
    pub async fn stop(&self) {
        self.proxy.http_cleanup().await;
    }

    /// Serves one connection to its end.
    pub async fn serve(&self, stream: Stream, shutdown: ShutdownWatch) {
        if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
            self.serve_http2(stream, shutdown).await;
        } else {
            self.serve_http1(stream, shutdown).await;
        }
    }

    /// Serves a connection whose requests Pingora reads; those that reach no hook are told of.
    async fn serve_http2(&self, stream: Stream, shutdown: ShutdownWatch) {
        let peer = peer_address(&stream);
        let patience = self.shared.settings.load().timeouts.header;
        let wire = Wire::for_http2(stream, patience);
        let streams = wire.streams();
        let mut serving = pin!(self.proxy.process_new(Box::new(wire), &shutdown));
        let mut unseen = 0;
        while timeout(SETTLE, serving.as_mut()).await.is_err() {
            // What was unseen a while ago and still is was not merely on its way.
            let settled = streams.unseen().min(unseen);
            self.record_unseen(streams.take(settled), peer);
            unseen = streams.unseen();
        }
        let mut left = streams.take(streams.unseen());
        if left.is_empty() && streams.is_broken() {
            left.push(Unseen::Refused(Finding::ProtocolFraming, None));
        }
        self.record_unseen(left, peer);
    }

    fn record_unseen(&self, unseen: Vec<Unseen>, peer: IpAddr) {
        for one in unseen {
            let settings = self.shared.settings.load_full();
            let head = RequestHead::from_parts("", "", "HTTP/2.0", Vec::new());
            refuse::record_unseen(Exchange::new(&self.shared, settings, head, peer), one);
        }
    }

    async fn serve_http1(&self, stream: Stream, mut shutdown: ShutdownWatch) {
        let peer = peer_address(&stream);
        let mut wire = Box::new(Wire::new(stream));
        let mut idle = self.shared.settings.load().timeouts.header;
        loop {
            let settings = self.shared.settings.load_full();
            let patience = Patience { idle, whole: settings.timeouts.header };
            let limits = &settings.head.limits;
            let (head, found) = match wire.read_head(limits, &patience, &mut shutdown).await {
                ReadHead::Complete(head) => (head, None),
                ReadHead::Refused(head, found) => (head, Some(found)),
                ReadHead::Broken(head) => return self.record_broken(settings, head, peer),
                ReadHead::Closed => return,
            };
            let checked = match found {
                Some(found) => Err(found),
                None => check(&head, &settings),
            };
            let exchange = Exchange::new(&self.shared, settings, head, peer);
            let (framing, found) = match checked {
                Ok(fine) => fine,
                Err(found) => return refuse::answer(*wire, exchange, found).await,
            };
            let Some(back) = self.pass_on(wire, exchange, framing, found, &shutdown).await else {
                return;
            };
            wire = back;
            idle = self.shared.settings.load().timeouts.keepalive;
        }
    }

    /// Lets Pingora serve one request; gives the connection back when another may follow.
    async fn pass_on(
        &self,
        mut wire: Box<Wire>,
        exchange: Exchange,
        framing: Framing,
        found: Vec<(Finding, u64)>,
        shutdown: &ShutdownWatch,
    ) -> Option<Box<Wire>> {
        let control = wire.begin(normalise::head(&exchange.head), framing);
        let handover = Handover { exchange, found, control };
        let mut session = ServerSession::new_http1(wire);
        session.set_connection_user_context(Some(Box::new(handover)));
        let reused = self.proxy.process_new_http(session, shutdown).await?;
        let (stream, _) = reused.consume();
        let wire = stream.into_any().downcast::<Wire>().ok()?;
        // Anything but the exact end of the body: the next head cannot be told from its bytes.
        (wire.is_at_end() && !self.shared.is_draining()).then_some(wire)
    }

    /// A client that left within a head.
    fn record_broken(&self, settings: Arc<Settings>, head: RequestHead, peer: IpAddr) {
        let mut exchange = Exchange::new(&self.shared, settings, head, peer);
        exchange.inspection.stop(Stop::ClientAbort);
        exchange.finish(None);
    }
}

/// The framing of a head that Pingora may see, and what else is to be told about it; or what is
/// wrong with one that it may not.
#[expect(clippy::type_complexity, reason = "two lists of findings, and no third use")]
fn check(
    head: &RequestHead,
    settings: &Settings,
) -> Result<(Framing, Vec<(Finding, u64)>), Vec<(Finding, u64)>> {
    let mut found = validate(head, &settings.head);
    if !matches!(&head.version[..], b"HTTP/1.0" | b"HTTP/1.1") {
        found.push((Finding::ProtocolHead, 0));
    }
    if head.values("host").any(|host| host.contains(&b'@')) {
        // Pingora would refuse it without a hook.
        found.push((Finding::ProtocolHostConflict, 0));
    }
    match Framing::of(head) {
        Ok(framing) if !found.iter().any(|(finding, _)| finding.always_refused()) => {
            Ok((framing, found))
        }
        // What is wrong with the framing `validate` has told.
        _ => Err(found),
    }
}

fn peer_address(stream: &Stream) -> IpAddr {
    let digest = stream.get_socket_digest();
    let address = digest.as_ref().and_then(|digest| digest.peer_addr()?.as_inet());
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}
