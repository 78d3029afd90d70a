//! A body that is filled: bytes at hand and sources that are read on the way, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::error::HttpError;
use crate::source::{Reading, Source};

/// The body of a request, values in it.
#[derive(Clone)]
pub(crate) struct Payload(Arc<[Piece]>);

pub(crate) enum Piece {
    Bytes(Arc<Zeroizing<Vec<u8>>>),
    Source(Source),
}

impl Payload {
    pub(crate) fn new(pieces: Vec<Piece>) -> Self {
        Self(pieces.into())
    }

    /// `None` if a part of it is a stream.
    pub(crate) fn length(&self) -> Option<u64> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Bytes(bytes) => Some(bytes.len() as u64),
                Piece::Source(source) => source.length(),
            })
            .sum()
    }

    /// The whole of it, if it is one piece of memory.
    pub(crate) fn at_hand(&self) -> Option<&[u8]> {
        match &self.0[..] {
            [] => Some(b""),
            [Piece::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Begins to read it from the front.
    ///
    /// # Errors
    /// `BodyNotRepeatable`: a part of it was a stream, and is gone.
    pub(crate) fn open(&self) -> Result<PayloadReader, HttpError> {
        let open = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => Ok(Opened::Bytes(bytes.clone())),
            Piece::Source(source) => source.open().map(Opened::Source),
        };
        let pieces = self.0.iter().map(open).collect::<Result<_, _>>()?;
        Ok(PayloadReader { pieces, sent: Sent::default() })
    }
}

/// A body on its way.
#[derive(Default)]
pub(crate) struct PayloadReader {
    pieces: VecDeque<Opened>,
    sent: Sent,
}

/// How much of a body was read to be sent.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<AtomicU64>);

impl Sent {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

enum Opened {
    Bytes(Arc<Zeroizing<Vec<u8>>>),
    Source(Reading),
}

impl PayloadReader {
    /// The next piece, never empty; `None` at the end.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, HttpError>> {
        while let Some(first) = self.pieces.front_mut() {
            let piece = match first {
                Opened::Bytes(bytes) => {
                    let piece = Bytes::from_owner(Shared(std::mem::take(bytes)));
                    Some(piece).filter(|piece| !piece.is_empty())
                }
                Opened::Source(reading) => ready!(reading.poll_piece(cx))?,
            };
            if let Some(piece) = piece {
                self.sent.0.fetch_add(piece.len() as u64, Ordering::Relaxed);
                return Poll::Ready(Ok(Some(piece)));
            }
            self.pieces.pop_front();
        }
        Poll::Ready(Ok(None))
    }

    /// A count that goes on while it is read.
    pub(crate) fn sent(&self) -> Sent {
        self.sent.clone()
    }

    /// Whether nothing is left. A source has to be asked before that is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Opened::Bytes(bytes) if bytes.is_empty()))
    }
}

/// Lets `Bytes` look at what is wiped when the last owner drops it.
struct Shared(Arc<Zeroizing<Vec<u8>>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
