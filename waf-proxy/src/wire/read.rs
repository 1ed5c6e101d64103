//! Reads the next head from a connection: under limits, with a deadline.

use std::time::Duration;

use bytes::Buf;
use pingora::server::ShutdownWatch;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};
use waf_core::finding::Finding;
use waf_core::limits::Limits;
use waf_core::parse::head::{HeadParser, HeadState, RequestHead};

use super::stream::Wire;

/// Bytes of one read; most heads come whole.
const ROOM: usize = 4 * 1024;

/// How long a head may take.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    /// Before its first byte.
    pub(super) idle: Duration,
    /// From its first byte to its end.
    pub(super) whole: Duration,
}

/// What came of waiting for a head.
#[derive(Debug)]
pub(super) enum ReadHead {
    /// A head.
    Complete(RequestHead),
    /// A head, as far as it is known, that must be refused for these reasons.
    Refused(RequestHead, Vec<(Finding, u64)>),
    /// The client left within a head.
    Broken(RequestHead),
    /// Nothing came.
    Closed,
}

impl Wire {
    /// Reads the next head.
    pub(super) async fn read_head(
        &mut self,
        limits: &Limits,
        patience: &Patience,
        shutdown: &mut ShutdownWatch,
    ) -> ReadHead {
        if self.ahead.is_empty() && !self.awaits_first_byte(patience.idle, shutdown).await {
            return ReadHead::Closed;
        }
        let deadline = Instant::now() + patience.whole;
        let mut parser = HeadParser::new(limits);
        loop {
            let progress = parser.feed(&self.ahead);
            self.ahead.advance(progress.consumed);
            match (progress.state, parser.head()) {
                (HeadState::Complete, Some(head)) => return ReadHead::Complete(head.clone()),
                (HeadState::NeedMore, _) => {}
                _ => return ReadHead::Refused(parser.partial(), parser.findings().to_vec()),
            }
            self.ahead.reserve(ROOM);
            match timeout_at(deadline, self.inner.read_buf(&mut self.ahead)).await {
                Ok(Ok(read)) if read > 0 => {}
                Ok(_) => return ReadHead::Broken(parser.partial()),
                Err(_) => {
                    let mut wrong = parser.findings().to_vec();
                    wrong.push((Finding::LimitTime, 0));
                    return ReadHead::Refused(parser.partial(), wrong);
                }
            }
        }
    }

    async fn awaits_first_byte(&mut self, idle: Duration, shutdown: &mut ShutdownWatch) -> bool {
        let deadline = Instant::now() + idle;
        loop {
            if *shutdown.borrow_and_update() {
                return false;
            }
            self.ahead.reserve(ROOM);
            tokio::select! {
                biased;
                read = timeout_at(deadline, self.inner.read_buf(&mut self.ahead)) => {
                    return matches!(read, Ok(Ok(1..)));
                }
                changed = shutdown.changed() => {
                    if changed.is_err() {
                        return false;
                    }
                }
            }
        }
    }
}
