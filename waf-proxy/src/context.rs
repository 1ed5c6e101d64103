//! What one request carries from hook to hook.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pingora::http::ResponseHeader;
use pingora::prelude::Result;
use pingora::proxy::Session;
use pingora::{Error, ErrorType};
use waf_core::finding::Finding;
use waf_core::parse::head::RequestHead;
use waf_core::record::Stop;

use crate::block::Answer;
use crate::exchange::Exchange;
use crate::heads;
use crate::inspect::{Body, Trouble};
use crate::observer::Observer;
use crate::outgoing::{self, Outgoing};
use crate::service::refusal;
use crate::shared::Shared;
use crate::wire::{Control, Handover};

/// What one request carries from hook to hook.
#[derive(Default)]
pub struct Context {
    /// Attempts to reach an upstream.
    attempts: usize,
    /// When the last one began, until it has ended well or badly.
    asked: Option<Instant>,
    exchange: Option<Exchange>,
    found: Option<Vec<(Finding, u64)>>,
    body: Option<Body>,
    outgoing: Option<Outgoing>,
    control: Option<Arc<Control>>,
    abandoned: bool,
}

impl Context {
    /// HTTP/1.x: the exchange began when our reader had the head.
    pub fn take_over(&mut self, handover: Handover) {
        self.exchange = Some(handover.exchange);
        self.found = Some(handover.found);
        self.control = Some(handover.control);
    }

    /// HTTP/2: the exchange begins with Pingora's head.
    pub fn begin(&mut self, shared: &Arc<Shared>, head: RequestHead, peer: IpAddr) {
        let settings = shared.settings.load_full();
        self.exchange = Some(Exchange::new(shared, settings, head, peer));
    }

    /// Whether there is an exchange yet.
    pub fn has_begun(&self) -> bool {
        self.exchange.is_some()
    }

    /// The exchange. An error would be a bug.
    pub fn exchange(&self) -> Result<&Exchange> {
        self.exchange.as_ref().ok_or_else(no_exchange)
    }

    /// The exchange. An error would be a bug.
    pub fn exchange_mut(&mut self) -> Result<&mut Exchange> {
        self.exchange.as_mut().ok_or_else(no_exchange)
    }

    /// Whether the client has left.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// See [`Exchange::judge_head`].
    pub fn judge_head(&mut self) -> Result<Option<Answer>> {
        let found = self.found.take();
        let exchange = self.exchange_mut()?;
        // What the reader found holds where the route asks for nothing else.
        let found = found.filter(|_| *exchange.head_policy() == exchange.settings.head);
        Ok(exchange.judge_head(found))
    }

    /// A body is about to be read.
    pub fn begin_body(&mut self, length: Option<u64>) -> Result<()> {
        let exchange = self.exchange_mut()?;
        exchange.body_total = length;
        let body = Body::new(exchange.limits(), length, exchange.shared().held.share());
        self.body = Some(body);
        Ok(())
    }

    /// Judges the announced length.
    pub fn check_length(&mut self) -> Result<(), Trouble> {
        let (exchange, body) = self.parts()?;
        body.check_length(&mut exchange.inspection)
    }

    /// See [`Body::hold`].
    pub async fn hold(&mut self, session: &mut Session) -> Result<(), Trouble> {
        let (exchange, body) = self.parts()?;
        let settings = Arc::clone(&exchange.settings);
        body.hold(session, &mut exchange.inspection, &settings).await
    }

    /// See [`Body::forward`].
    pub fn forward(&mut self, piece: Option<Bytes>, last: bool) -> Result<Option<Bytes>, Trouble> {
        let (exchange, body) = self.parts()?;
        let settings = Arc::clone(&exchange.settings);
        body.forward(piece, last, &mut exchange.inspection, &settings)
    }

    /// The answer that trouble with the body leads to; none when the client has left.
    pub fn answer_to(&mut self, trouble: Trouble) -> Option<Answer> {
        let broken = self.control.as_ref().and_then(|control| control.broken());
        let exchange = self.exchange.as_mut()?;
        match trouble {
            Trouble::Refused => exchange.refuse(exchange.inspection.refusal()),
            Trouble::Found(finding) => exchange.find(finding),
            Trouble::Full => self.give_up(Answer::proxy(503)),
            Trouble::Lost => self.give_up(Answer::proxy(500)),
            Trouble::Gone => match broken {
                Some(finding) => exchange.find(finding),
                None => {
                    self.abandon();
                    None
                }
            },
        }
    }

    /// The error that stops the upstream request for such trouble.
    pub fn error_of(&mut self, trouble: Trouble) -> Box<Error> {
        match self.answer_to(trouble) {
            Some(answer) => refusal(answer),
            None => Error::explain(ErrorType::ConnectionClosed, "the client is gone"),
        }
    }

    /// Answers for another's failure: what was not inspected will not be.
    pub fn give_up(&mut self, answer: Answer) -> Option<Answer> {
        let ended = self.body.as_ref().is_some_and(Body::is_ended);
        let exchange = self.exchange.as_mut()?;
        if !ended {
            exchange.inspection.stop(Stop::Error);
        }
        exchange.answer = exchange.answer.or(Some(answer));
        exchange.answer
    }

    /// Judges the response's head.
    pub fn judge_response(&mut self, response: &ResponseHeader) -> Result<Option<Answer>> {
        let exchange = self.exchange_mut()?;
        let refusal = exchange.inspection.response(&heads::of_response(response));
        Ok(exchange.refuse(refusal))
    }

    /// The body of the response is about to come, where the rules look at it. Its head is kept when
    /// what comes may have to be answered.
    pub fn begin_response_body(
        &mut self,
        session: &mut Session,
        response: &mut ResponseHeader,
    ) -> Result<()> {
        let exchange = self.exchange_mut()?;
        if !exchange.inspection.reads_response_body() {
            return Ok(());
        }
        let share = exchange.shared().held.share();
        let waits = !outgoing::is_event_stream(response) && !outgoing::announces_empty(response);
        let outgoing = if exchange.blocks_response_bodies() && waits {
            let hold = exchange.limits().hold;
            Outgoing::held(outgoing::hold_head(session, response)?, hold, share)
        } else {
            Outgoing::watched(response, share)
        };
        self.outgoing = Some(outgoing);
        Ok(())
    }

    /// See [`Outgoing::pass`]; with the head, when it was held and goes out now.
    pub fn pass_response(
        &mut self,
        piece: Option<Bytes>,
        last: bool,
    ) -> Result<(Option<Box<ResponseHeader>>, Option<Bytes>), Trouble> {
        let Some((exchange, outgoing)) = self.exchange.as_mut().zip(self.outgoing.as_mut()) else {
            return Ok((None, piece));
        };
        let settings = Arc::clone(&exchange.settings);
        let out = outgoing.pass(piece, last, &mut exchange.inspection, &settings.body)?;
        Ok((outgoing.release_head(out.as_ref()), out))
    }

    /// The client takes nothing more: no answer can reach it.
    pub fn abandon(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.inspection.stop(Stop::ClientAbort);
        }
        self.abandoned = true;
    }

    /// From now on the connection carries another protocol.
    pub fn open_tunnel(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.inspection.stop(Stop::Upgraded);
        }
        if let Some(control) = &self.control {
            control.open_tunnel();
        }
    }

    /// Whether another attempt is safe and allowed.
    pub fn may_retry(&self) -> bool {
        let flowing = self.body.as_ref().is_some_and(Body::has_begun_to_flow);
        let allowed = self.upstream_retries();
        !flowing && self.outgoing.is_none() && self.attempts <= allowed
    }

    /// An upstream is about to be asked.
    pub fn begin_attempt(&mut self) {
        self.attempts += 1;
        self.asked = Some(Instant::now());
    }

    /// Tells the observer that the upstream has answered.
    pub fn tell_upstream_answered(&mut self) {
        self.end_attempt(|observer, upstream, time| observer.upstream_answered(upstream, time));
    }

    /// Tells the observer that the upstream has failed before an answer.
    pub fn tell_upstream_failed(&mut self, reason: &'static str) {
        self.end_attempt(|observer, upstream, _| observer.upstream_failed(upstream, reason));
    }

    /// Every attempt is told about once.
    fn end_attempt(&mut self, tell: impl FnOnce(&dyn Observer, &str, Duration)) {
        let Some(asked) = self.asked.take() else { return };
        if let Some(exchange) = &self.exchange
            && let Some(route) = exchange.route()
        {
            tell(&*exchange.shared().observer, &route.upstream.name, asked.elapsed());
        }
    }

    /// Records the request. `seen` is the status that the client saw.
    pub fn finish(&mut self, seen: Option<u16>) {
        let Some(exchange) = &mut self.exchange else { return };
        if let Some(body) = self.body.as_ref().filter(|body| body.is_ended()) {
            exchange.body_total = Some(body.seen());
        }
        if self.outgoing.as_ref().is_some_and(|outgoing| !outgoing.is_complete()) {
            exchange.inspection.stop(Stop::Error);
        }
        exchange.finish(seen);
    }

    fn upstream_retries(&self) -> usize {
        let route = self.exchange.as_ref().and_then(Exchange::route);
        route.map_or(0, |route| route.upstream.retries)
    }

    fn parts(&mut self) -> Result<(&mut Exchange, &mut Body), Trouble> {
        self.exchange.as_mut().zip(self.body.as_mut()).ok_or(Trouble::Lost)
    }
}

fn no_exchange() -> Box<Error> {
    Error::explain(ErrorType::InternalError, "a hook ran before its request began")
}
