//! Listens, hands connections to the gate, and stops within seconds.
//!
//! Our own accept loop instead of Pingora's server: a port that is taken is an error before
//! anything starts, and stopping ends when the last request has ended.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pingora::apps::HttpServerOptions;
use pingora::prelude::http_proxy;
use pingora::protocols::http::v2::server::default_h2_options;
use pingora::protocols::l4::stream::Stream as TcpStreamOfPingora;
use pingora::protocols::{GetSocketDigest, SocketDigest, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use pingora::server::configuration::ServerConf;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::service::Service;
use crate::settings::{Listener, Settings};
use crate::shared::Shared;
use crate::tls::Tls;
use crate::wire::Gate;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 4096;

/// Why the server did not start.
#[derive(Debug)]
pub struct StartError {
    what: String,
    cause: io::Error,
}

/// A server whose ports are bound.
pub struct Server {
    runtime: Runtime,
    doors: Vec<Door>,
}

struct Door {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Binds every address, with `threads` workers (0: one per core).
    pub fn bind(listeners: &[Listener], threads: usize) -> Result<Self, StartError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if threads > 0 {
            builder.worker_threads(threads);
        }
        let runtime = builder.enable_all().thread_name("pinpoint").build();
        let runtime = runtime.map_err(|cause| StartError::new("cannot start threads", cause))?;
        let guard = runtime.enter();
        let doors = listeners.iter().map(Door::open).collect::<Result<_, _>>()?;
        drop(guard);
        Ok(Self { runtime, doors })
    }

    /// The addresses, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.doors.iter().filter_map(|door| door.listener.local_addr().ok()).collect()
    }

    /// The certificates, to be read again when the configuration is.
    pub fn certificates(&self) -> Vec<Arc<Tls>> {
        self.doors.iter().filter_map(|door| door.tls.clone()).collect()
    }

    /// Serves until `stop` is ready, then lets requests end for at most `timeouts.stop`.
    pub fn run(self, shared: &Arc<Shared>, stop: impl Future<Output = ()>) {
        let Self { runtime, doors } = self;
        runtime.block_on(serve(doors, shared, stop));
        runtime.shutdown_timeout(Duration::from_millis(100));
    }
}

impl Door {
    fn open(listener: &Listener) -> Result<Self, StartError> {
        let address = listener.address;
        let bound = bind(address);
        let bound =
            bound.map_err(|cause| StartError::new(format!("cannot listen on {address}"), cause))?;
        let tls = listener.tls.as_ref().map(Tls::load).transpose();
        let tls = tls.map_err(|cause| StartError::new(format!("TLS of {address}"), cause))?;
        Ok(Self { listener: bound, tls: tls.map(Arc::new) })
    }
}

impl StartError {
    fn new(what: impl Into<String>, cause: io::Error) -> Self {
        Self { what: what.into(), cause }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cause)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

async fn serve(doors: Vec<Door>, shared: &Arc<Shared>, stop: impl Future<Output = ()>) {
    let gate = Arc::new(Gate::new(Arc::new(proxy(shared)), Arc::clone(shared)));
    let (stopping, watch) = watch::channel(false);
    let mut accepting = JoinSet::new();
    for door in doors {
        accepting.spawn(accept(door, Arc::clone(&gate), watch.clone()));
    }
    drop(watch);
    stop.await;
    shared.drain();
    let _ = stopping.send(true);
    gate.stop().await;
    while accepting.join_next().await.is_some() {}
    // Every connection holds a receiver.
    let patience = shared.settings.load().timeouts.stop;
    if timeout(patience, stopping.closed()).await.is_err() {
        tracing::warn!(requests = shared.in_flight(), "stopped before every request had ended");
    }
}

fn proxy(shared: &Arc<Shared>) -> HttpProxy<Service> {
    let settings = shared.settings.load();
    let conf = Arc::new(ServerConf::default());
    let mut proxy = http_proxy(&conf, Service::new(Arc::clone(shared)));
    proxy.server_options = Some(server_options(&settings));
    let mut h2 = default_h2_options();
    h2.max_concurrent_streams(settings.h2_streams);
    let header_bytes = settings.head.limits.header_bytes;
    h2.max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX));
    proxy.h2_options = Some(h2);
    proxy
}

fn server_options(settings: &Settings) -> HttpServerOptions {
    let mut options = HttpServerOptions::default();
    options.h2_idle_timeout = Some(settings.timeouts.keepalive);
    // CONNECT is refused by our own rules, with a record.
    options.allow_connect_method_proxying = true;
    options
}

async fn accept(door: Door, gate: Arc<Gate>, mut shutdown: ShutdownWatch) {
    loop {
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            _ = shutdown.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (gate, tls, shutdown) = (Arc::clone(&gate), door.tls.clone(), shutdown.clone());
                tokio::spawn(async move {
                    if let Some(stream) = open(stream, peer, tls, &gate).await {
                        gate.serve(stream, shutdown).await;
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, as a rule: trying again at once would only burn time.
                tracing::error!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The connection as Pingora knows it, after the TLS handshake if there is one.
async fn open(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
    gate: &Gate,
) -> Option<Stream> {
    let _ = stream.set_nodelay(true);
    let stream = with_addresses(stream, peer);
    let Some(tls) = tls else { return Some(Box::new(stream)) };
    match timeout(gate.handshake_patience(), tls.handshake(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

fn with_addresses(stream: TcpStream, peer: SocketAddr) -> TcpStreamOfPingora {
    use std::os::fd::AsRawFd;
    let digest = SocketDigest::from_raw_fd(stream.as_raw_fd());
    let _ = digest.peer_addr.set(Some(peer.into()));
    let mut stream = TcpStreamOfPingora::from(stream);
    stream.set_socket_digest(digest);
    stream
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
