//! From a filled request to the head of its response.

use std::sync::Arc;
use std::time::Instant;

use super::clock::Clock;
use super::connect::{check_loopback, open};
use super::http1::{Exchange, Message};
use super::incoming::{Response, Source, Transfer};
use super::pool::{Channel, Idle, Key, Pool};
use crate::error::HttpError;
use crate::event::{Event, Observer, Sending};
use crate::payload::Payload;
use crate::request::{Expect, Request};
use crate::response::{Sizes, Timings};

const EXPECTATION_FAILED: u16 = 417;
/// Of an answer that only says so, no more than this is read to keep the connection.
const MAX_DISCARD: u64 = 1 << 20;

/// Sends requests, and keeps connections open between them.
///
/// Needs a tokio runtime with I/O and time; [`blocking::Client`](crate::blocking::Client) brings its own.
/// Nothing is set up before the first request. Proxies of the environment are never used.
#[derive(Default)]
pub struct Client {
    pool: Arc<Pool>,
}

/// A connection ready for a request.
pub(super) struct Ready {
    pub(super) idle: Idle,
    pub(super) reused: bool,
    pub(super) timings: Timings,
}

impl Client {
    /// A client without connections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends `request` and reads the head of its response. Redirects are not followed here.
    ///
    /// An idle connection that turns out to be dead is replaced once, for methods that may be repeated.
    ///
    /// # Errors
    /// See [`HttpError`]; until [`Observer::before_send`] was called nothing of the request has left.
    pub async fn send(
        &self,
        request: &Request,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<Response, HttpError> {
        let asks = request.expect != Expect::No;
        let (response, unasked) = self.send_once(request, asks, clock, observer).await?;
        if response.head().status == EXPECTATION_FAILED && unasked {
            // RFC 9110, 10.1.1: the same again without the question; none of the body has left
            let mut response = response;
            response.discard(MAX_DISCARD).await;
            return Ok(self.send_once(request, false, clock, observer).await?.0);
        }
        Ok(response)
    }

    async fn send_once(
        &self,
        request: &Request,
        asks: bool,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<(Response, bool), HttpError> {
        let ready = self.ready(request, clock, observer, true).await?;
        let may_retry = ready.reused && request.is_idempotent();
        match self.exchange(request, asks, ready, clock, observer).await {
            Err(error) if may_retry && is_dead_connection(&error) => {
                let ready = self.ready(request, clock, observer, false).await?;
                self.exchange(request, asks, ready, clock, observer).await
            }
            outcome => outcome,
        }
    }

    async fn ready(
        &self,
        request: &Request,
        clock: &Clock,
        observer: &mut dyn Observer,
        may_reuse: bool,
    ) -> Result<Ready, HttpError> {
        let key = key(request);
        while let Some(mut idle) = may_reuse.then(|| self.pool.take(&key)).flatten() {
            if let Channel::Http1(connection) = &mut idle.channel
                && !connection.is_idle().await
            {
                continue;
            }
            check_loopback(request, &request.origin.host.to_string(), &idle.ends)?;
            observer.event(Event::Reused { remote: idle.ends.remote });
            return Ok(Ready { idle, reused: true, timings: Timings::default() });
        }
        let opened = clock.connecting(open(request, clock, observer)).await?;
        if let Channel::Http2(shared) = &opened.idle.channel {
            let entry = Idle { channel: Channel::Http2(shared.clone()), ends: opened.idle.ends };
            self.pool.put(key, entry);
        }
        Ok(opened)
    }

    async fn exchange(
        &self,
        request: &Request,
        asks: bool,
        ready: Ready,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<(Response, bool), HttpError> {
        let body = request.open_body()?;
        let Ready { idle, mut timings, .. } = ready;
        let ends = idle.ends;
        let endpoint = request.connection.endpoint(&request.origin);
        observer
            .before_send(&Sending {
                origin: &request.origin.to_string(),
                host: &endpoint.host.to_string(),
                remote: ends.remote,
            })
            .map_err(|source| HttpError::StoppedBeforeSend { source })?;
        let asks = asks && matches!(idle.channel, Channel::Http1(_));
        let head = request.head(asks);
        timings.pre_transfer = clock.started().elapsed();
        observer.event(Event::RequestHead(&head));
        if let Some(body) = request.body.as_ref().and_then(Payload::at_hand) {
            observer.event(Event::RequestBody(body));
        }
        let sizes = Sizes { request_head: head.len() as u64, ..Sizes::default() };
        let mut transfer = Transfer { ends, timings, sizes, sent: body.sent(), clock: *clock };
        let host = request.origin.host.to_string();
        let (head, source, unasked) = match idle.channel {
            Channel::Http1(connection) => {
                let hold = asks.then_some(request.expect_timeout);
                let message = Message { head, body, chunked: request.chunked, hold };
                let exchange = Exchange::start(*connection, &host, message, request.method == "HEAD");
                let (exchange, answer) = clock.within("waiting for the response", exchange).await?;
                transfer.note_first_byte(answer.first_byte);
                for interim in &answer.interim {
                    observer.event(Event::ResponseHead(interim));
                    transfer.sizes.response_head += interim.raw.len() as u64;
                }
                let source = Source::http1(exchange, self.pool.clone(), key(request));
                (answer.head, source, answer.unasked)
            }
            Channel::Http2(mut shared) => {
                let sending = shared.send(request, body);
                let (head, body) = clock.within("waiting for the response", sending).await?;
                transfer.note_first_byte(Some(Instant::now()));
                (head, Source::http2(body, host), false)
            }
        };
        transfer.sizes.response_head += head.raw.len() as u64;
        request.keep_cookies(&head);
        observer.event(Event::ResponseHead(&head));
        Ok((Response::new(head, source, transfer), unasked))
    }
}

fn key(request: &Request) -> Key {
    Key { origin: request.origin.clone(), connection: request.connection.clone() }
}

/// Nothing came back: what the server closed while the connection was idle looks like this. Over HTTP/2 it may
/// have said goodbye (GOAWAY) as the request went out.
fn is_dead_connection(error: &HttpError) -> bool {
    matches!(error, HttpError::EmptyReply { .. } | HttpError::Send { .. } | HttpError::Http2 { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connection, Ends, RequestDraft};

    #[test]
    fn hostile_e65a_a_way_that_was_to_end_here_must() {
        let ends =
            |remote: &str| Ends { remote: remote.parse().unwrap(), local: "127.0.0.1:1".parse().unwrap() };
        let here = RequestDraft::new("http://localhost/").fill(&Connection::plain(), &()).unwrap();
        assert!(check_loopback(&here, "localhost", &ends("127.0.0.1:80")).is_ok());
        assert!(check_loopback(&here, "localhost", &ends("[::1]:80")).is_ok());
        for remote in ["6.6.6.6:80", "10.0.0.1:80", "[::ffff:6.6.6.6]:80"] {
            assert_eq!(
                check_loopback(&here, "localhost", &ends(remote)).err().unwrap().kind(),
                "not_loopback"
            );
        }
        let away = RequestDraft::new("http://api.example.com/").fill(&Connection::plain(), &()).unwrap();
        assert!(check_loopback(&away, "api.example.com", &ends("6.6.6.6:80")).is_ok());
    }
}
