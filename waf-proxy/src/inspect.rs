//! The body on its way: held until it is judged, then streamed behind the verdict.
//!
//! ```text
//! client ─ read ─> engine ─┐            up to `hold`: nothing goes on before the verdict
//!    └──────────> kept ────┴─> origin   beyond: what the engine cleared, but for the last byte
//! ```
//!
//! Pingora sends the head to the origin as soon as its upstream phase starts, so the first part is
//! read before that, in [`Body::hold`], and comes back in [`Body::forward`]: what Pingora's retry
//! buffer holds it replays itself as one piece, what was read before that buffer was switched on is
//! kept here. The buffer takes 64 KiB and is thrown away when it overflows; hence the bounds.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use pingora::proxy::Session;
use pingora::{Error, ErrorType};
use tokio::time::timeout;
use waf_core::finding::Finding;
use waf_core::limits::Limits;
use waf_core::verdict::Progress;

use crate::engine::Inspection;
use crate::held::Share;
use crate::settings::{HoldFull, Settings, Timeouts};

/// Bytes that Pingora's retry buffer takes.
const REPLAY: u64 = 64 * 1024;

/// Bytes of one read at most: HTTP/2 frames by their default size, HTTP/1.x by our own wire.
pub const READ: usize = 16 * 1024;

/// Bytes of a body of unknown length that can be held whole: with one read more it still fits the
/// retry buffer.
pub const MAX_HOLD_UNKNOWN: u64 = REPLAY - READ as u64;

/// Why a body cannot go on. A refusal by the rules is told by [`Inspection::refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The rules, or a finding that the mode blocks on.
    Refused,
    /// Something is wrong with the body itself.
    Found(Finding),
    /// `hold_total` is used up and the operator wants 503 then.
    Full,
    /// The client is gone.
    Gone,
    /// Bytes that were read would not reach the origin. A bug: fail closed.
    Lost,
}

/// The body of one request.
pub struct Body {
    hold: u64,
    length: Option<u64>,
    /// `limits.body`.
    limit: Option<u64>,
    /// Bytes that the engine has seen.
    seen: u64,
    /// The engine knows that the body is complete.
    ended: bool,
    /// What was read before Pingora kept it, until it is emitted.
    kept: BytesMut,
    /// [`Self::forward`] has begun: bytes were given to Pingora, or may have been.
    flowing: bool,
    /// Holding was given up, because `hold_total` is used up.
    released: bool,
    /// Received and inspected, not forwarded yet.
    pending: BytesMut,
    /// Bytes forwarded.
    sent: u64,
    cleared: u64,
    share: Share,
    began: Instant,
}

impl Body {
    /// A body of so many bytes, if known.
    pub fn new(limits: &Limits, length: Option<u64>, share: Share) -> Self {
        Self {
            hold: limits.hold,
            length,
            limit: limits.body,
            seen: 0,
            ended: false,
            kept: BytesMut::new(),
            flowing: false,
            released: false,
            pending: BytesMut::new(),
            sent: 0,
            cleared: 0,
            share,
            began: Instant::now(),
        }
    }

    /// Whether a byte of it may have left for the origin; a retry is not safe then.
    pub fn has_begun_to_flow(&self) -> bool {
        self.flowing && self.seen > 0
    }

    /// Bytes that the engine has seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether the engine has seen all of it.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Judges the announced length, before anything is read. The engine counts what comes.
    pub fn check_length(&self, inspection: &mut Inspection) -> Result<(), Trouble> {
        if self.limit.is_none_or(|limit| self.length.unwrap_or(0) <= limit) {
            return Ok(());
        }
        let refusal = inspection.finding(Finding::LimitBody);
        if refusal.is_some() { Err(Trouble::Refused) } else { Ok(()) }
    }

    /// Reads and inspects the part that is held. Afterwards the upstream phase may start.
    pub async fn hold(
        &mut self,
        session: &mut Session,
        inspection: &mut Inspection,
        settings: &Settings,
    ) -> Result<(), Trouble> {
        while !session.is_body_done() && self.wants_more(settings) {
            if self.must_be_replayable() {
                session.enable_retry_buffering();
            }
            let Some(piece) = read(session, &settings.timeouts).await? else { break };
            if !self.must_be_replayable() {
                self.kept.extend_from_slice(&piece);
            }
            self.inspect(&piece, inspection, settings)?;
            self.make_room(self.seen, settings)?;
        }
        if session.is_body_done() {
            self.end(inspection)?;
            self.check_replay(session)?;
        }
        Ok(())
    }

    /// What may go on to the origin of a piece that Pingora is about to forward.
    pub fn forward(
        &mut self,
        piece: Option<Bytes>,
        last: bool,
        inspection: &mut Inspection,
        settings: &Settings,
    ) -> Result<Option<Bytes>, Trouble> {
        let piece = piece.unwrap_or_default();
        let fresh = self.take_back(&piece)?;
        self.inspect(&piece[fresh..], inspection, settings)?;
        if last {
            self.end(inspection)?;
        }
        let ready = usize::try_from(self.may_go() - self.sent).unwrap_or(usize::MAX);
        let out = self.pending.split_to(ready.min(self.pending.len())).freeze();
        self.sent += out.len() as u64;
        self.make_room(self.pending.len() as u64, settings)?;
        // None would tell Pingora that the body has ended.
        Ok((!last || !out.is_empty()).then_some(out))
    }

    /// Puts what was held in front of what comes now; returns where the bytes begin that the engine
    /// has not seen.
    fn take_back(&mut self, piece: &Bytes) -> Result<usize, Trouble> {
        let mut seen = 0;
        if !self.flowing {
            self.flowing = true;
            seen = usize::try_from(self.seen).unwrap_or(usize::MAX) - self.kept.len();
            self.pending = std::mem::take(&mut self.kept);
        }
        if seen > piece.len() {
            return Err(Trouble::Lost);
        }
        self.pending.extend_from_slice(piece);
        Ok(seen)
    }

    fn inspect(
        &mut self,
        fresh: &[u8],
        inspection: &mut Inspection,
        settings: &Settings,
    ) -> Result<(), Trouble> {
        if fresh.is_empty() {
            return Ok(());
        }
        self.seen += fresh.len() as u64;
        let progress = inspection.body(fresh);
        self.judge(progress)?;
        if self.is_too_slow(&settings.timeouts) {
            return Err(Trouble::Found(Finding::LimitTime));
        }
        Ok(())
    }

    fn end(&mut self, inspection: &mut Inspection) -> Result<(), Trouble> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        self.judge(inspection.end())
    }

    fn judge(&mut self, progress: Progress) -> Result<(), Trouble> {
        self.cleared = progress.forward.min(self.seen);
        if progress.refusal.is_some() { Err(Trouble::Refused) } else { Ok(()) }
    }

    /// Bytes that may be forwarded: all when the request is decided, nothing while it is held, else
    /// what the engine cleared, but never the last byte.
    fn may_go(&self) -> u64 {
        if self.ended {
            self.seen
        } else if self.seen < self.hold && !self.released {
            self.sent
        } else {
            self.cleared.min(self.seen.saturating_sub(1)).max(self.sent)
        }
    }

    /// Whether there is more to hold. One byte past the bound shows that a body is longer, and lets
    /// the engine judge what is held of it.
    fn wants_more(&self, settings: &Settings) -> bool {
        let unknown = settings.body.hold_unknown_length.min(MAX_HOLD_UNKNOWN).min(self.hold);
        let bound = if self.length.is_some() { self.hold } else { unknown };
        self.seen <= bound && !self.released
    }

    /// Whether what is read now will come back from Pingora: the last 64 KiB of a body, and every
    /// body of unknown length.
    fn must_be_replayable(&self) -> bool {
        self.length.is_none_or(|length| length.saturating_sub(self.seen) <= REPLAY)
    }

    /// A body that was read to its end and that Pingora cannot replay would hang at the origin.
    fn check_replay(&self, session: &Session) -> Result<(), Trouble> {
        let replayed = session.get_retry_buffer().map_or(0, |buffer| buffer.len() as u64);
        if self.kept.len() as u64 + replayed == self.seen && (replayed > 0 || self.seen == 0) {
            Ok(())
        } else {
            Err(Trouble::Lost)
        }
    }

    /// Asks for memory for `bytes`. Without it holding ends: the body streams from here on, or is
    /// refused.
    fn make_room(&mut self, bytes: u64, settings: &Settings) -> Result<(), Trouble> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if self.share.resize(bytes, settings.body.hold_total) || self.released {
            return Ok(());
        }
        match settings.body.hold_full {
            HoldFull::Refuse => Err(Trouble::Full),
            HoldFull::Stream => {
                self.released = true;
                Ok(())
            }
        }
    }

    /// After `body_gap` a body must have come at `body_min_rate` on average.
    fn is_too_slow(&self, timeouts: &Timeouts) -> bool {
        let took = self.began.elapsed();
        let least = timeouts.body_min_rate.saturating_mul(took.as_secs());
        took > timeouts.body_gap && self.seen < least
    }
}

/// Reads away what a refused client still sends, so that it gets to see the answer: without it
/// HTTP/2 clients see a stream error and HTTP/1.x clients a reset. Bounded in bytes and time.
pub async fn drain(session: &mut Session, within: Duration) {
    const ENOUGH: usize = 1024 * 1024;
    let reading = async {
        let mut read = 0;
        while read < ENOUGH && !session.is_body_done() {
            match session.read_request_body().await {
                Ok(Some(piece)) => read += piece.len(),
                Ok(None) | Err(_) => break,
            }
        }
    };
    let _ = timeout(within, reading).await;
}

async fn read(session: &mut Session, timeouts: &Timeouts) -> Result<Option<Bytes>, Trouble> {
    match timeout(timeouts.body_gap, session.read_request_body()).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(error)) => Err(trouble_of(&error)),
        Err(_) => Err(Trouble::Found(Finding::LimitTime)),
    }
}

/// What an error while reading from the client means.
pub fn trouble_of(error: &Error) -> Trouble {
    match error.etype() {
        ErrorType::ReadTimedout => Trouble::Found(Finding::LimitTime),
        ErrorType::InvalidHTTPHeader => Trouble::Found(Finding::ProtocolFraming),
        _ => Trouble::Gone,
    }
}
