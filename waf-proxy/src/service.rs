//! A request's way through Pingora, one hook after the other.

use std::any::Any;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::{HttpPeer, Result};
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::{Error, ErrorType};

use crate::block::Answer;
use crate::context::Context;
use crate::inspect::{drain, trouble_of};
use crate::shared::Shared;
use crate::wire::{Handover, Streams};
use crate::{heads, outgoing, upstream};

/// The firewall, as Pingora calls it.
pub struct Service {
    shared: Arc<Shared>,
}

impl Service {
    /// A service over what all requests share.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

#[async_trait]
impl ProxyHttp for Service {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context::default()
    }

    /// HTTP/1.x: takes over what our own head reader has read.
    fn on_connection_reuse(
        &self,
        _session: &mut Session,
        ctx: &mut Context,
        handover: Box<dyn Any + Send + Sync>,
    ) {
        if let Ok(handover) = handover.downcast::<Handover>() {
            ctx.take_over(*handover);
        }
    }

    /// Bounds every wait that is Pingora's.
    async fn early_request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<()> {
        if !ctx.has_begun() {
            if let Some(streams) = Streams::of(session) {
                streams.seen();
            }
            let head = heads::of_http2(session.req_header());
            ctx.begin(&self.shared, head, peer_address(session));
            heads::join_cookies(session.req_header_mut())?;
        }
        let timeouts = &ctx.exchange()?.settings.timeouts;
        session.set_read_timeout(Some(timeouts.body_gap));
        session.set_write_timeout(Some(timeouts.body_gap));
        session.set_total_drain_timeout(Some(timeouts.drain));
        Ok(())
    }

    /// Judges the head, then the part of the body that is held. Nothing has gone to the origin.
    async fn request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<bool> {
        let mut answer = ctx.judge_head()?;
        if answer.is_none() {
            answer = hold_body(session, ctx).await?;
        } else if session.is_body_done() {
            ctx.exchange_mut()?.inspection.end_candidate();
        }
        match (answer, ctx.is_abandoned()) {
            (Some(answer), _) => respond(session, ctx, answer).await.map(|()| true),
            (None, true) => Error::e_explain(ErrorType::ConnectionClosed, "the client is gone"),
            (None, false) => Ok(false),
        }
    }

    async fn upstream_peer(
        &self,
        _session: &mut Session,
        ctx: &mut Context,
    ) -> Result<Box<HttpPeer>> {
        ctx.begin_attempt();
        let route = ctx.exchange()?.route();
        let route = route.ok_or_else(|| Error::explain(ErrorType::HTTPStatus(404), "no route"))?;
        let mut peer = upstream::peer(&route.upstream)?;
        if !route.head.websocket {
            upstream::forbid_upgrades(&mut peer);
        }
        Ok(peer)
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        upstream::write_head(request, ctx.exchange()?, heads::is_secure(session))
    }

    /// The rest of the body, behind the verdict.
    async fn request_body_filter(
        &self,
        session: &mut Session,
        piece: &mut Option<Bytes>,
        last: bool,
        ctx: &mut Context,
    ) -> Result<()> {
        if session.was_upgraded() {
            return Ok(());
        }
        match ctx.forward(piece.take(), last) {
            Ok(out) => {
                *piece = out;
                Ok(())
            }
            Err(trouble) => Err(ctx.error_of(trouble)),
        }
    }

    /// Rules on status and headers; after a 101 the connection is a tunnel.
    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        if response.status == 101 {
            ctx.open_tunnel();
            // Nobody owes a tunnel a body; it may rest as long as the origin may.
            session.set_read_timeout(ctx.exchange()?.route().map(|route| route.upstream.read));
        } else if response.status.is_informational() {
            return Ok(());
        }
        ctx.tell_upstream_answered();
        if let Some(answer) = ctx.judge_response(response)? {
            return Err(refusal(answer));
        }
        if self.shared.is_draining() {
            session.set_keepalive(None);
        }
        response.insert_header("x-request-id", ctx.exchange()?.request_id.as_str())?;
        if session.req_header().version == http::Version::HTTP_10 {
            // It cannot read chunks: the end of the connection ends the body.
            response.remove_header("transfer-encoding");
        }
        ctx.begin_response_body(session, response)
    }

    /// Rules on the body of the response.
    fn response_body_filter(
        &self,
        session: &mut Session,
        piece: &mut Option<Bytes>,
        last: bool,
        ctx: &mut Context,
    ) -> Result<Option<Duration>> {
        if session.was_upgraded() {
            return Ok(None);
        }
        let (head, out) = match ctx.pass_response(piece.take(), last) {
            Ok(passed) => passed,
            Err(trouble) => return Err(ctx.error_of(trouble)),
        };
        if let Some(head) = head
            && let Err(error) = outgoing::send_head(session, head)
        {
            ctx.abandon();
            return Err(error);
        }
        *piece = out;
        Ok(None)
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        error.set_retry(ctx.may_retry());
        ctx.tell_upstream_failed("connect");
        error
    }

    fn error_while_proxy(
        &self,
        peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        ctx: &mut Context,
        reused: bool,
    ) -> Box<Error> {
        let mut error = error.more_context(format!("Peer: {peer}"));
        // Only a connection that the origin had closed meanwhile is worth another try.
        let idempotent = session.req_header().method.is_idempotent();
        if idempotent && ctx.may_retry() && session.response_written().is_none() {
            error.retry.decide_reuse(reused);
        } else {
            error.set_retry(false);
        }
        error
    }

    /// Gives the answer that belongs to an error.
    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut Context,
    ) -> FailToProxy {
        let answer = answer_to(error, ctx);
        if let Some(answer) = answer
            && respond(session, ctx, answer).await.is_err()
        {
            tracing::debug!("the client left before the answer");
        }
        let error_code = answer.map_or(0, |answer| answer.status);
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _error: Option<&Error>, ctx: &mut Context) {
        let seen = session.response_written().map(|response| response.status);
        let seen = seen.filter(|status| !status.is_informational() || *status == 101);
        ctx.finish(seen.map(|status| status.as_u16()));
    }

    /// Our own refusals, and clients that leave, are in the records.
    fn suppress_error_log(&self, _session: &Session, ctx: &Context, _error: &Error) -> bool {
        ctx.is_abandoned() || ctx.exchange().is_ok_and(|exchange| exchange.answer.is_some())
    }
}

/// Reads, inspects and holds the first part of the body.
async fn hold_body(session: &mut Session, ctx: &mut Context) -> Result<Option<Answer>> {
    ctx.begin_body(heads::content_length(session.req_header()))?;
    if let Err(trouble) = ctx.check_length() {
        return Ok(ctx.answer_to(trouble));
    }
    if ctx.exchange()?.expects_continue() && !session.is_body_done() {
        session.write_continue_response().await?;
    }
    match ctx.hold(session).await {
        Ok(()) => Ok(None),
        Err(trouble) => Ok(ctx.answer_to(trouble)),
    }
}

/// Sends an answer of ours unless another one has begun, and reads away what still comes.
async fn respond(session: &mut Session, ctx: &Context, answer: Answer) -> Result<()> {
    let exchange = ctx.exchange()?;
    let begun = session.response_written().is_some_and(|have| !have.status.is_informational());
    if begun {
        return Ok(());
    }
    let page = exchange.page(answer);
    let mut response = ResponseHeader::build(page.status, Some(page.headers.len()))?;
    for (name, value) in page.headers {
        response.insert_header(name, value)?;
    }
    let empty = page.body.is_empty();
    session.write_response_header(Box::new(response), empty).await?;
    if !empty {
        session.write_response_body(Some(Bytes::from(page.body)), true).await?;
    }
    session.as_downstream_mut().finish_body().await?;
    drain(session, exchange.settings.timeouts.drain).await;
    Ok(())
}

/// The answer to an error, ours or another's; none when nobody is left to read it.
fn answer_to(error: &Error, ctx: &mut Context) -> Option<Answer> {
    let decided = ctx.exchange().ok().and_then(|exchange| exchange.answer);
    if decided.is_some() || ctx.is_abandoned() {
        return decided;
    }
    if upstream::is_to_blame(error) {
        ctx.tell_upstream_failed(if upstream::status_of(error) == 504 {
            "timeout"
        } else {
            "broken"
        });
        return ctx.give_up(Answer::proxy(upstream::status_of(error)));
    }
    match (error.esource(), error.etype()) {
        (_, ErrorType::HTTPStatus(status)) => ctx.give_up(Answer::proxy(*status)),
        (pingora::ErrorSource::Downstream, _) => ctx.answer_to(trouble_of(error)),
        _ => ctx.give_up(Answer::proxy(500)),
    }
}

/// The error that makes Pingora drop the upstream request.
pub fn refusal(answer: Answer) -> Box<Error> {
    Error::explain(ErrorType::HTTPStatus(answer.status), "refused")
}

fn peer_address(session: &Session) -> IpAddr {
    let address = session.client_addr().and_then(|address| address.as_inet());
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}
