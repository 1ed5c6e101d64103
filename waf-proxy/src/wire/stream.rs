//! The stream below Pingora: gives it one request at a time, never a byte more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use pingora::protocols::Stream;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};
use waf_core::finding::Finding;
use waf_core::parse::framing::{Chunk, Chunked, Framing};

use super::control::Control;
use super::streams::{PREFACE, Streams};
use crate::inspect::READ;

/// Bytes that a client may send ahead of the current request before we stop reading.
const AHEAD: usize = READ;

/// Bytes of one read while a client should be silent.
const PROBE: usize = 1024;

/// A connection as Pingora sees it.
pub(super) struct Wire {
    pub(super) inner: Stream,
    /// Received, not given to anyone yet.
    pub(super) ahead: BytesMut,
    /// The normalised head, as far as Pingora has not read it.
    head: Bytes,
    body: Rest,
    control: Arc<Control>,
    /// The requests of an HTTP/2 connection.
    pub(super) streams: Option<Arc<Streams>>,
    /// Until when an HTTP/2 client must have shown that it is one.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Bytes read through the tunnel before the deadline was met.
    preface: usize,
}

/// What is left of the current body.
#[derive(Debug)]
enum Rest {
    Bytes(u64),
    Chunks(Chunked),
}

impl Wire {
    pub(super) fn new(inner: Stream) -> Self {
        Self {
            inner,
            ahead: BytesMut::new(),
            head: Bytes::new(),
            body: Rest::Bytes(0),
            control: Arc::default(),
            streams: None,
            deadline: None,
            preface: 0,
        }
    }

    /// A connection that speaks HTTP/2: everything passes, but its preface must come in time.
    pub(super) fn for_http2(inner: Stream, patience: Duration) -> Self {
        let wire = Self::new(inner);
        wire.control.open_tunnel();
        let deadline = Some(Box::pin(sleep(patience)));
        Self { deadline, streams: Some(Arc::default()), ..wire }
    }

    /// The requests of an HTTP/2 connection.
    pub(super) fn streams(&self) -> Arc<Streams> {
        self.streams.clone().unwrap_or_default()
    }

    /// Gives Pingora this head, and the body that it announces.
    pub(super) fn begin(&mut self, head: Vec<u8>, framing: Framing) -> Arc<Control> {
        self.head = Bytes::from(head);
        self.body = match framing {
            Framing::None => Rest::Bytes(0),
            Framing::Length(length) => Rest::Bytes(length),
            Framing::Chunked => Rest::Chunks(Chunked::new()),
        };
        self.control = Arc::default();
        Arc::clone(&self.control)
    }

    /// Whether the current request was read to its exact end.
    pub(super) fn is_at_end(&self) -> bool {
        self.head.is_empty() && self.body.is_over() && self.control.broken().is_none()
    }

    /// The connection itself; what was read ahead is dropped.
    pub(super) fn into_inner(self) -> Stream {
        self.inner
    }

    /// The next bytes of the body. None at all only when the client has closed.
    fn poll_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            ready!(self.poll_fill(cx, &mut [0; READ]))?;
        }
        let most = self.ahead.len().min(buf.remaining()).min(READ);
        let length = match self.body.measure(&self.ahead[..most]) {
            Ok(length) => length,
            Err(finding) => {
                self.control.break_off(finding);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        };
        buf.put_slice(&self.ahead[..length]);
        self.ahead.advance(length);
        Poll::Ready(Ok(()))
    }

    /// Between the end of the body and the end of the answer: waits for the client to close. What
    /// it sends ahead is kept for the next request, up to a bound.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.ahead.len() < AHEAD {
            let before = self.ahead.len();
            ready!(self.poll_fill(cx, &mut [0; PROBE]))?;
            if self.ahead.len() == before {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending
    }

    fn poll_tunnel(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            give(&mut self.ahead, buf);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if let Some(streams) = &self.streams {
            streams.received(&buf.filled()[before..]);
        }
        if let Some(deadline) = &mut self.deadline {
            self.preface += buf.filled().len() - before;
            if self.preface >= PREFACE {
                self.deadline = None;
            } else if deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }

    /// Reads once; nothing is added when the client has closed.
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<()>> {
        let mut buf = ReadBuf::new(room);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf))?;
        self.ahead.extend_from_slice(buf.filled());
        Poll::Ready(Ok(()))
    }
}

impl Rest {
    fn is_over(&self) -> bool {
        match self {
            Self::Bytes(left) => *left == 0,
            Self::Chunks(chunks) => chunks.is_ended(),
        }
    }

    /// How many of these bytes belong to the body; they are taken as read.
    fn measure(&mut self, bytes: &[u8]) -> Result<usize, Finding> {
        match self {
            Self::Bytes(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= length as u64;
                Ok(length)
            }
            Self::Chunks(chunks) => {
                let mut input = bytes;
                while let Chunk::Data(_) = chunks.next(&mut input)? {}
                Ok(bytes.len() - input.len())
            }
        }
    }
}

fn give(from: &mut impl Buf, buf: &mut ReadBuf<'_>) {
    let length = from.chunk().len().min(buf.remaining());
    buf.put_slice(&from.chunk()[..length]);
    from.advance(length);
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.head.is_empty() {
            give(&mut self.head, buf);
            return Poll::Ready(Ok(()));
        }
        if self.control.is_tunnel() {
            return self.poll_tunnel(cx, buf);
        }
        if self.control.broken().is_some() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        if self.body.is_over() { self.poll_end(cx) } else { self.poll_body(cx, buf) }
    }
}
