//! The body of a response on its way back: watched as it passes, or held until it is judged.
//!
//! ```text
//! origin ─ read ─> engine ─┐             up to `hold`: the client has not even the head
//!    └──────────> pending ─┴─> client    beyond: what the engine cleared, but for the last byte
//! ```
//!
//! Pingora 0.9.1 writes the head of a response at once and asks nobody. But it passes over heads
//! of interim responses (HTTP/2 always, HTTP/1.x when told to). So [`hold_head`] puts one in the
//! place of the real head, which [`send_head`] writes later.

use std::pin::pin;
use std::task::{self, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use pingora::http::ResponseHeader;
use pingora::prelude::Result;
use pingora::proxy::Session;
use pingora::{Error, ErrorType};
use tokio::task::unconstrained;

use crate::engine::Inspection;
use crate::held::Share;
use crate::inspect::Trouble;
use crate::settings::{BodySettings, HoldFull};

/// The body of one response.
pub struct Outgoing {
    /// Bytes that are held before the head goes out; `None` where nothing is delayed.
    hold: Option<u64>,
    /// The head announces an empty body.
    announced_empty: bool,
    /// The head, until it goes out.
    head: Option<Box<ResponseHeader>>,
    /// Received and inspected, not sent yet.
    pending: BytesMut,
    received: u64,
    sent: u64,
    ended: bool,
    share: Share,
}

impl Outgoing {
    /// A body that goes on as it comes.
    pub fn watched(response: &ResponseHeader, share: Share) -> Self {
        Self {
            hold: None,
            announced_empty: announces_empty(response),
            head: None,
            pending: BytesMut::new(),
            received: 0,
            sent: 0,
            ended: false,
            share,
        }
    }

    /// A body of which so many bytes are held, and the head with them.
    pub fn held(head: Box<ResponseHeader>, hold: u64, share: Share) -> Self {
        Self { hold: Some(hold), ..Self::watched(&head, share) }.with_head(head)
    }

    /// Whether all of it came.
    pub fn is_complete(&self) -> bool {
        self.ended || (self.announced_empty && self.received == 0)
    }

    /// What may go on to the client of a piece that Pingora is about to send. An error must cut the
    /// response, or answer it where its head has not gone out yet.
    pub fn pass(
        &mut self,
        piece: Option<Bytes>,
        last: bool,
        inspection: &mut Inspection,
        settings: &BodySettings,
    ) -> Result<Option<Bytes>, Trouble> {
        let cleared = self.inspect(piece.as_deref().unwrap_or_default(), last, inspection)?;
        let Some(hold) = self.hold else { return Ok(piece) };
        self.pending.extend_from_slice(piece.as_deref().unwrap_or_default());
        let room = self.make_room(settings)?;
        if self.head.is_some() && !last && self.received <= hold && room {
            return Ok(Some(Bytes::new()));
        }
        let ready = usize::try_from(cleared - self.sent).unwrap_or(usize::MAX);
        let out = self.pending.split_to(ready.min(self.pending.len())).freeze();
        self.sent += out.len() as u64;
        let _ = self.make_room(settings)?;
        Ok((!last || !out.is_empty()).then_some(out))
    }

    /// The head, when it was held and what follows it goes on: once.
    pub fn release_head(&mut self, going_on: Option<&Bytes>) -> Option<Box<ResponseHeader>> {
        let goes_on = self.ended || going_on.is_some_and(|bytes| !bytes.is_empty());
        if goes_on { self.head.take() } else { None }
    }

    fn with_head(mut self, head: Box<ResponseHeader>) -> Self {
        self.head = Some(head);
        self
    }

    /// Bytes from the beginning that may go on.
    fn inspect(
        &mut self,
        piece: &[u8],
        last: bool,
        inspection: &mut Inspection,
    ) -> Result<u64, Trouble> {
        self.received += piece.len() as u64;
        let progress = inspection.response_body(piece);
        if progress.refusal.is_some() {
            return Err(Trouble::Refused);
        }
        if last && !std::mem::replace(&mut self.ended, true) && inspection.response_end().is_some()
        {
            return Err(Trouble::Refused);
        }
        let cleared = if last { self.received } else { progress.forward };
        Ok(cleared.clamp(self.sent, self.received))
    }

    /// Asks for memory for what is pending; false when holding must end.
    fn make_room(&mut self, settings: &BodySettings) -> Result<bool, Trouble> {
        let room = self.share.resize(self.pending.len(), settings.hold_total);
        match settings.hold_full {
            HoldFull::Refuse if !room && self.head.is_some() => Err(Trouble::Full),
            _ => Ok(room),
        }
    }
}

/// Whether a body that is judged before it goes on must not wait: each event of such a stream is
/// awaited on its own (HTML Living Standard, section 9.2).
pub fn is_event_stream(response: &ResponseHeader) -> bool {
    let types = response.headers.get_all(CONTENT_TYPE).iter();
    let essence = |value: &[u8]| {
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        value[..end].trim_ascii().to_ascii_lowercase()
    };
    types.map(http::HeaderValue::as_bytes).any(|value| essence(value) == b"text/event-stream")
}

/// Whether a head says that no body follows; Pingora may then end the response without a call for
/// its body.
pub fn announces_empty(response: &ResponseHeader) -> bool {
    let nothing = |value: &http::HeaderValue| {
        !value.as_bytes().iter().any(|byte| (b'1'..=b'9').contains(byte))
    };
    response.headers.get(CONTENT_LENGTH).is_some_and(nothing)
}

/// Keeps the head of a response from being written.
pub fn hold_head(
    session: &mut Session,
    response: &mut ResponseHeader,
) -> Result<Box<ResponseHeader>> {
    session.as_downstream_mut().set_ignore_info_resp(true);
    let nothing = ResponseHeader::build(http::StatusCode::EARLY_HINTS, None)?;
    Ok(Box::new(std::mem::replace(response, nothing)))
}

/// Writes a head that was held. The hook that does so cannot wait, and need not: nothing of this
/// response was written before, so there is room for a head. A client that let even that much pile
/// up is too slow to be served.
pub fn send_head(session: &mut Session, head: Box<ResponseHeader>) -> Result<()> {
    let writing = pin!(unconstrained(session.write_response_header(head, false)));
    match writing.poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Error::e_explain(ErrorType::WriteTimedout, "no room for a head"),
    }
}
