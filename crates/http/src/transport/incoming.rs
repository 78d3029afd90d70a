//! A response whose body is still to be read.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::clock::Clock;
use super::http1::Exchange;
use super::http2::{self, IncomingBody};
use super::pace::Pace;
use super::pool::{Channel, Idle, Key, Pool};
use crate::decode::Decoder;
use crate::error::HttpError;
use crate::event::{Event, Observer};
use crate::payload::Sent;
use crate::response::{Ends, ResponseHead, Sizes, Timings};

/// A response: its head, and its body as it comes in.
pub struct Response {
    head: ResponseHead,
    source: Source,
    transfer: Transfer,
    decoder: Option<Decoder>,
    is_kept: bool,
}

/// Where the body comes from.
pub(super) enum Source {
    Http1 { exchange: Box<Exchange>, pool: Arc<Pool>, key: Key, pooled: bool },
    Http2 { body: IncomingBody, host: String },
    Done,
}

/// The figures of one exchange.
pub(super) struct Transfer {
    pub(super) ends: Ends,
    pub(super) timings: Timings,
    pub(super) sizes: Sizes,
    /// How much of the body has been handed to the connection.
    pub(super) sent: Sent,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
}

impl Transfer {
    pub(super) fn note_first_byte(&mut self, at: Option<Instant>) {
        self.timings.start_transfer = at.map_or_else(Default::default, |at| at - self.clock.started());
        self.timings.total = self.clock.started().elapsed();
    }
}

impl Source {
    pub(super) fn http1(exchange: Exchange, pool: Arc<Pool>, key: Key) -> Self {
        Self::Http1 { exchange: Box::new(exchange), pool, key, pooled: true }
    }

    pub(super) fn http2(body: IncomingBody, host: String) -> Self {
        Self::Http2 { body, host }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        match self {
            Self::Http1 { exchange, .. } => exchange.chunk().await,
            Self::Http2 { body, host } => http2::chunk(body, host).await,
            Self::Done => Ok(None),
        }
    }

    /// The body was read to its end: whether its connection can carry the next request.
    fn finish(&mut self, ends: Ends) -> bool {
        match std::mem::replace(self, Self::Done) {
            Self::Http1 { exchange, pool, key, pooled: true } => match exchange.into_idle() {
                Some(connection) => {
                    pool.put(key, Idle { channel: Channel::Http1(Box::new(connection)), ends });
                    true
                }
                None => false,
            },
            Self::Http2 { .. } => true,
            Self::Http1 { .. } | Self::Done => false,
        }
    }
}

impl Response {
    pub(super) fn new(head: ResponseHead, source: Source, transfer: Transfer) -> Self {
        Self { head, source, transfer, decoder: None, is_kept: false }
    }

    /// Status line and headers as received.
    #[must_use]
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// Decodes gzip, deflate, br and zstd from here on if the head says that the body is so encoded (`--compressed`).
    pub fn decode(&mut self) {
        self.decoder = Decoder::for_codings(self.head.headers_named("content-encoding"));
    }

    /// The next piece of the body, at most 64 KiB when decoded; `None` at its end.
    ///
    /// # Errors
    /// The body ended early, the time is up, or it does not decode.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            if let Some(data) = self.decoder.as_mut().map(Decoder::output).transpose()?.flatten() {
                return Ok(Some(data));
            }
            let clock = self.transfer.clock;
            let (sent, received) = (self.transfer.sent.clone(), self.transfer.sizes.response_body);
            let bytes = || sent.bytes() + received;
            let chunk = {
                let chunk = pin!(self.source.chunk());
                let chunk = self.transfer.pace.watch(bytes, chunk);
                clock.within("reading the response", chunk).await?
            };
            self.transfer.timings.total = clock.started().elapsed();
            if let Some(data) = &chunk {
                self.transfer.pace.judge(Instant::now(), bytes() + data.len() as u64)?;
            }
            match (chunk, &mut self.decoder) {
                (Some(data), None) => {
                    self.transfer.sizes.response_body += data.len() as u64;
                    return Ok(Some(data));
                }
                (Some(data), Some(decoder)) => {
                    self.transfer.sizes.response_body += data.len() as u64;
                    decoder.input(&data);
                }
                (None, decoder) => {
                    if !matches!(self.source, Source::Done) {
                        self.is_kept = self.source.finish(self.transfer.ends);
                    }
                    return match decoder {
                        Some(decoder) => decoder.finish(),
                        None => Ok(None),
                    };
                }
            }
        }
    }

    /// Reads and drops the rest, so that the connection can be used again; gives up after `limit` bytes.
    pub(crate) async fn discard(&mut self, limit: u64) {
        let start = self.transfer.sizes.response_body;
        while let Ok(Some(_)) = self.chunk().await {
            if self.transfer.sizes.response_body - start > limit {
                return;
            }
        }
    }

    /// Reads and drops the rest: the connection, if it is good for another request; none if more than `limit` bytes come.
    pub(super) async fn into_connection(mut self, limit: u64) -> Option<Idle> {
        let (clock, ends, mut read) = (self.transfer.clock, self.transfer.ends, 0);
        let Source::Http1 { exchange, .. } = &mut self.source else { return None };
        while let Some(data) = clock.within("reading the response", exchange.chunk()).await.ok()? {
            read += data.len() as u64;
            if read > limit {
                return None;
            }
        }
        let Source::Http1 { exchange, .. } = self.source else { return None };
        let connection = exchange.into_idle()?;
        Some(Idle { channel: Channel::Http1(Box::new(connection)), ends })
    }

    /// Leaves the connection to nobody.
    pub(super) fn close_behind(&mut self) {
        if let Source::Http1 { pooled, .. } = &mut self.source {
            *pooled = false;
        }
    }

    /// Says that its connection is left for another request.
    pub(crate) fn tell_left(&self, host: &str, observer: &mut dyn Observer) {
        let number = self.transfer.ends.number;
        observer.event(Event::Left { host, number, is_kept: self.is_kept });
    }

    /// Whether it was read to its end and its connection can be used again.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// When each step was done; `total` goes on until the body is read.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.transfer.timings
    }

    /// Bytes so far.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        Sizes { request_body: self.transfer.sent.bytes(), ..self.transfer.sizes }
    }

    /// The addresses of both ends.
    #[must_use]
    pub fn ends(&self) -> Ends {
        self.transfer.ends
    }
}
