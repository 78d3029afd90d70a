//! The body of a request over HTTP/2, as hyper asks for it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use crate::error::HttpError;
use crate::payload::PayloadReader;

/// How much hyper is given at a time: what it has taken, it sends.
const PIECE: usize = 64 * 1024;

/// Piece by piece, without a copy of the whole.
///
/// It does not tell its length: hyper would add a Content-Length of its own where curl sends none.
pub(super) struct OutgoingBody {
    reader: PayloadReader,
    rest: Bytes,
    brake: Brake,
}

/// Stops a body that is being sent from outside of it.
#[derive(Clone, Default)]
pub(super) struct Brake(Arc<Mutex<Braking>>);

#[derive(Default)]
struct Braking {
    state: State,
    waiting: Option<Waker>,
    sent: bool,
    fault: Option<HttpError>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Goes,
    /// No more is sent, and the stream stays open for the answer.
    Held,
    /// The stream is reset unless it was sent to its end.
    Cut,
}

/// Why a body ends before its end. What it is about is kept in the brake, where an error of ours stays one.
#[derive(Debug, thiserror::Error)]
#[error("the request body was cut off")]
pub(super) struct CutOff;

impl Brake {
    fn locked(&self) -> MutexGuard<'_, Braking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more of the body is wanted, the answer still is.
    pub(super) fn hold(&self) {
        self.locked().state = State::Held;
    }

    /// Neither is wanted any more.
    pub(super) fn cut(&self) {
        let waiting = {
            let mut braking = self.locked();
            braking.state = State::Cut;
            braking.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Whether all of the body was handed on.
    pub(super) fn is_sent(&self) -> bool {
        self.locked().sent
    }

    /// What went wrong with the body, once.
    pub(super) fn fault(&self) -> Option<HttpError> {
        self.locked().fault.take()
    }
}

impl OutgoingBody {
    pub(super) fn new(reader: PayloadReader, brake: Brake) -> Self {
        brake.locked().sent = reader.is_empty();
        Self { reader, rest: Bytes::new(), brake }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, HttpError>> {
        if self.rest.is_empty() {
            match ready!(self.reader.poll_piece(cx))? {
                Some(piece) => self.rest = piece,
                None => return Poll::Ready(Ok(None)),
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Poll::Ready(Ok(Some(piece)))
    }
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        {
            let mut braking = self.brake.locked();
            match braking.state {
                State::Cut => return Poll::Ready(Some(Err(CutOff))),
                State::Held => {
                    braking.waiting = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                // also woken while the source is waited for
                State::Goes => braking.waiting = Some(cx.waker().clone()),
            }
        }
        match ready!(self.poll_piece(cx)) {
            Ok(piece) => {
                self.brake.locked().sent |= piece.is_none() || self.is_end_stream();
                Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
            }
            Err(fault) => {
                self.brake.locked().fault = Some(fault);
                Poll::Ready(Some(Err(CutOff)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.reader.is_empty()
    }
}
