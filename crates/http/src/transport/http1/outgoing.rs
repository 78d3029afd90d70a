//! What is still to be written of a request: the head, then the body as it is read.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::time::{Sleep, sleep};
use zeroize::Zeroizing;

use crate::error::HttpError;
use crate::payload::PayloadReader;
use crate::source::Owned;
use crate::transport::stream::Stream;

/// A request as it goes over HTTP/1.
pub(crate) struct Message {
    pub(crate) head: Zeroizing<Vec<u8>>,
    pub(crate) body: PayloadReader,
    pub(crate) chunked: bool,
    /// How long the body is held back until the server asks for it, if it is.
    pub(crate) hold: Option<Duration>,
}

/// A message on its way.
pub(super) struct Outgoing {
    ready: VecDeque<Bytes>,
    body: PayloadReader,
    chunked: bool,
    hold: Option<Duration>,
    state: Writing,
}

enum Writing {
    Bytes,
    /// The head is out, and the body waits for an answer or for the end of this time.
    Held(Pin<Box<Sleep>>),
    LastChunk,
    Flush,
    Done,
    Stopped,
}

/// Why no more is written.
pub(super) enum WriteFault {
    Connection(io::Error),
    Body(HttpError),
}

impl Outgoing {
    pub(super) fn new(message: Message) -> Self {
        let Message { head, body, chunked, hold } = message;
        let ready = VecDeque::from([Bytes::from_owner(Owned(head))]);
        Self { ready, body, chunked, hold, state: Writing::Bytes }
    }

    /// Writes as much as the connection takes now; ready once everything is flushed.
    pub(super) fn poll(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<Result<(), WriteFault>> {
        loop {
            while let Some(bytes) = self.ready.front_mut() {
                match ready!(Pin::new(&mut *stream).poll_write(cx, bytes)).map_err(WriteFault::Connection)? {
                    0 => return Poll::Ready(Err(WriteFault::Connection(io::ErrorKind::WriteZero.into()))),
                    count if count == bytes.len() => drop(self.ready.pop_front()),
                    count => bytes.advance(count),
                }
            }
            match &mut self.state {
                Writing::Bytes => match self.hold.take() {
                    Some(limit) => {
                        ready!(self.flush_then(stream, cx, limit))?;
                    }
                    None => match ready!(self.body.poll_piece(cx)).map_err(WriteFault::Body)? {
                        Some(piece) => self.frame(piece),
                        None if self.chunked => self.state = Writing::LastChunk,
                        None => self.state = Writing::Flush,
                    },
                },
                Writing::Held(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.state = Writing::Bytes;
                }
                Writing::LastChunk => {
                    self.ready.push_back(Bytes::from_static(b"0\r\n\r\n"));
                    self.state = Writing::Flush;
                }
                Writing::Flush => {
                    ready!(Pin::new(&mut *stream).poll_flush(cx)).map_err(WriteFault::Connection)?;
                    self.state = Writing::Done;
                }
                Writing::Done | Writing::Stopped => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Sees to it that the server has the head before it is waited for.
    fn flush_then(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
        limit: Duration,
    ) -> Poll<Result<(), WriteFault>> {
        if Pin::new(stream).poll_flush(cx).map_err(WriteFault::Connection)?.is_pending() {
            self.hold = Some(limit);
            return Poll::Pending;
        }
        self.state = Writing::Held(Box::pin(sleep(limit)));
        Poll::Ready(Ok(()))
    }

    fn frame(&mut self, piece: Bytes) {
        if self.chunked {
            self.ready.push_back(format!("{:x}\r\n", piece.len()).into());
            self.ready.push_back(piece);
            self.ready.push_back(Bytes::from_static(b"\r\n"));
        } else {
            self.ready.push_back(piece);
        }
    }

    /// The server wants the body.
    pub(super) fn release(&mut self) {
        self.hold = None;
        if matches!(self.state, Writing::Held(_)) {
            self.state = Writing::Bytes;
        }
    }

    /// Whether the body waits for an answer. Nothing of it has left then.
    pub(super) fn is_held(&self) -> bool {
        self.hold.is_some() || matches!(self.state, Writing::Held(_))
    }

    /// The rest is not sent, and the connection is good for nothing more.
    pub(super) fn stop(&mut self) {
        self.ready.clear();
        self.body = PayloadReader::default();
        self.state = Writing::Stopped;
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, Writing::Done)
    }
}
