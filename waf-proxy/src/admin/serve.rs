//! The admin listener's connections.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Response;
use pingora::apps::HttpServerApp;
use pingora::apps::http_app::ServeHttp;
use pingora::protocols::http::ServerSession;
use pingora::protocols::{Stream, l4};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::Admin;

/// Connections at the same time: a scraper, a probe and a few operators.
const CONNECTIONS: usize = 64;

/// Bytes of a body: a token and where to go on.
const BODY: usize = 4 << 10;

/// How long a connection may take to ask and be answered, however slowly it speaks. A page that
/// renews itself over the same connection begins anew with every request.
const LONGEST: Duration = Duration::from_secs(60);

/// Answers on `listener` until `stop` changes.
pub async fn serve(listener: TcpListener, admin: Admin, stop: watch::Receiver<bool>) {
    let app = Arc::new(App(Arc::new(admin)));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stopped = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely: waiting is all that can be done.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (app, stop) = (Arc::clone(&app), stop.clone());
        tokio::spawn(async move {
            converse(&app, Box::new(l4::stream::Stream::from(stream)), &stop).await;
            drop(place);
        });
    }
}

/// One request after the other; a connection that takes too long is closed, which is all there is
/// to it.
async fn converse(app: &Arc<App>, stream: Stream, stop: &watch::Receiver<bool>) {
    let mut session = ServerSession::new_http1(stream);
    loop {
        let exchange = app.process_new_http(session, stop);
        let Some(kept) = timeout(LONGEST, exchange).await.ok().flatten() else { return };
        let (stream, settings) = kept.consume();
        session = ServerSession::new_http1(stream);
        if let Some(settings) = settings {
            settings.apply_to_session(&mut session);
        }
    }
}

struct App(Arc<Admin>);

#[async_trait]
impl ServeHttp for App {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let parts = session.req_header().as_owned_parts();
        let Some(body) = body(session).await else {
            session.set_keepalive(None);
            return Admin::too_long();
        };
        let admin = Arc::clone(&self.0);
        // A reload compiles rules, which is no work for a thread of connections.
        let answer = tokio::task::spawn_blocking(move || admin.answer(&parts, &body)).await;
        answer.unwrap_or_else(|_| {
            let mut answer = Response::new(Vec::new());
            *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            answer
        })
    }
}

/// The body of a request; `None` for one that is too long or breaks off.
async fn body(session: &mut ServerSession) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = session.read_request_body().await.ok()? {
        body.extend_from_slice(&piece);
        if body.len() > BODY {
            return None;
        }
    }
    Some(body)
}
