//! The requests of one HTTP/2 connection, counted from below: those that Pingora or the library
//! under it refuses reach no hook, and would leave no record.
//!
//! The hooks cannot tell which stream they serve, so it is a sum: requests that came, less requests
//! that a hook has seen.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pingora::proxy::Session;
use waf_core::finding::Finding;

use super::frames::{CONTINUATION, Frame, Frames, GOAWAY, HEADERS, RST_STREAM};

/// Bytes of the connection preface (RFC 9113 section 3.4).
pub(super) const PREFACE: usize = 24;

/// Flags.
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// Error codes (RFC 9113 section 7).
const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;

/// `:status: 400` in a head: entry 12 of the static table (RFC 7541 appendix A).
const STATUS_400: u8 = 0x80 | 12;

/// Bytes of a head that is a status and nothing else. Our own answers have an id and a length.
const BARE: usize = 6;

/// Refusals remembered; the library closes a connection that has earned more.
const REFUSALS: usize = 2_048;

/// A request that no hook has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// It was refused for this; with the status that the client saw.
    Refused(Finding, Option<u16>),
    /// One too many at the same time.
    TooMany,
    /// The client left before it was looked at.
    Gone,
}

/// One connection.
#[derive(Debug)]
pub struct Streams(Mutex<State>);

#[derive(Debug)]
struct State {
    received: Frames,
    sent: Frames,
    /// The last stream whose head began.
    last: u32,
    /// Heads that came whole.
    came: u64,
    /// Requests that a hook has seen, and those told of as unseen.
    known: u64,
    /// Answers that hooks do not give, in order.
    refusals: VecDeque<Unseen>,
    /// The stream of the last of them, which more may be about.
    refused: u32,
    /// The connection was given up with this error.
    broken: bool,
}

impl Default for Streams {
    fn default() -> Self {
        Self(Mutex::new(State {
            received: Frames::behind(PREFACE),
            sent: Frames::default(),
            last: 0,
            came: 0,
            known: 0,
            refusals: VecDeque::new(),
            refused: 0,
            broken: false,
        }))
    }
}

impl Streams {
    /// Those of the connection that a session came on; `None` where it speaks no HTTP/2.
    pub fn of(session: &Session) -> Option<&Self> {
        let digest = session.digest()?.proxy_digest.as_ref()?;
        digest.user_data.as_ref()?.downcast_ref::<Arc<Self>>().map(AsRef::as_ref)
    }

    /// A hook has seen a request.
    pub fn seen(&self) {
        self.state().known += 1;
    }

    /// Requests that no hook has seen so far. One that is on its way to a hook is among them.
    pub(super) fn unseen(&self) -> u64 {
        let state = self.state();
        state.came.saturating_sub(state.known)
    }

    /// What is known of so many of them. They count as known from now on.
    pub(super) fn take(&self, count: u64) -> Vec<Unseen> {
        let mut state = self.state();
        state.known += count;
        let bad = Unseen::Refused(Finding::ProtocolHead, None);
        let unanswered = if state.broken { bad } else { Unseen::Gone };
        (0..count).map(|_| state.refusals.pop_front().unwrap_or(unanswered)).collect()
    }

    /// Whether the connection was given up for an error of the client's.
    pub(super) fn is_broken(&self) -> bool {
        self.state().broken
    }

    /// Bytes from the client.
    pub(super) fn received(&self, bytes: &[u8]) {
        let state = &mut *self.state();
        let State { received, last, came, .. } = state;
        received.feed(bytes, &mut |frame| {
            let opens = frame.kind == HEADERS && frame.stream > *last;
            if opens {
                *last = frame.stream;
            }
            // The trailers of a request have a head of their own, on a stream that is known.
            let of_head = opens || (frame.kind == CONTINUATION && frame.stream == *last);
            *came += u64::from(of_head && frame.flags & END_HEADERS != 0);
        });
    }

    /// Bytes to the client: the first `count` of some slices.
    pub(super) fn sent(&self, slices: &[IoSlice<'_>], count: usize) {
        let state = &mut *self.state();
        let State { sent, refusals, refused, broken, .. } = state;
        let mut left = count;
        for slice in slices {
            let written = left.min(slice.len());
            left -= written;
            sent.feed(&slice[..written], &mut |frame| {
                *broken |= frame.kind == GOAWAY && code(&frame, 4) != NO_ERROR;
                let refusal = refusal(&frame).filter(|_| frame.stream != *refused);
                if refusal.is_some() && refusals.len() < REFUSALS {
                    refusals.extend(refusal);
                    *refused = frame.stream;
                }
            });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal that a frame tells, none of our own.
fn refusal(frame: &Frame) -> Option<Unseen> {
    let [first, ..] = frame.payload;
    match frame.kind {
        HEADERS if frame.flags & END_STREAM != 0 && frame.length <= BARE => Some(match first {
            STATUS_400 => Unseen::Refused(Finding::ProtocolHead, Some(400)),
            // The only other one (RFC 6585 section 5).
            _ => Unseen::Refused(Finding::LimitHeaders, Some(431)),
        }),
        RST_STREAM => match code(frame, 0) {
            PROTOCOL_ERROR => Some(Unseen::Refused(Finding::ProtocolHead, None)),
            REFUSED_STREAM => Some(Unseen::TooMany),
            _ => None,
        },
        _ => None,
    }
}

/// The error code at a place of the payload.
fn code(frame: &Frame, at: usize) -> u32 {
    let bytes = frame.payload.iter().skip(at).take(4);
    bytes.fold(0, |code, &byte| code << 8 | u32::from(byte))
}
