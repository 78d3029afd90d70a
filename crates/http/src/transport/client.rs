//! From a filled request to the head of its response.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::authenticate::Authenticating;
use super::clock::Clock;
use super::connect::{Opening, Versions, check_loopback, open};
use super::http1::{Exchange, Message, Reading};
use super::incoming::{Response, Source, Transfer};
use super::pace::Pace;
use super::pool::{Channel, Idle, Key, Pool};
use crate::auth::without_answer;
use crate::error::HttpError;
use crate::event::{Event, Observer, Sending};
use crate::leg::Leg;
use crate::request::Request;
use crate::response::{Sizes, Timings};

const EXPECTATION_FAILED: u16 = 417;
/// Of an answer that only says so, no more than this is read to keep the connection.
pub(super) const MAX_DISCARD: u64 = 1 << 20;

/// Sends requests, and keeps connections open between them.
///
/// Needs a tokio runtime with I/O and time; [`blocking::Client`](crate::blocking::Client) brings its own.
/// Nothing is set up before the first request. Proxies of the environment are never used.
#[derive(Default)]
pub struct Client {
    pool: Arc<Pool>,
    /// How many were begun.
    connections: AtomicU64,
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
    /// An idle connection that turns out to be dead is replaced once, for methods that may be repeated. A request whose
    /// user and password answer a question is sent again with the answer; the last response is what comes back.
    ///
    /// # Errors
    /// See [`HttpError`]; until [`Observer::before_send`] was called nothing of the request has left.
    pub async fn send(
        &self,
        request: &Request,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<Response, HttpError> {
        match &request.credentials {
            Some((credentials, session)) => {
                Authenticating { client: self, request, credentials, session, clock }.send(observer).await
            }
            None => self.send_leg(&Leg::whole(request), clock, observer).await,
        }
    }

    /// Sends one leg of a request, twice if the server must not be asked whether it wants the body.
    pub(super) async fn send_leg(
        &self,
        leg: &Leg<'_>,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<Response, HttpError> {
        let (response, unasked) = self.send_once(leg, leg.asks(), clock, observer).await?;
        if response.head().status == EXPECTATION_FAILED && unasked {
            // RFC 9110, 10.1.1: the same again without the question; none of the body has left
            let mut response = response;
            response.discard(MAX_DISCARD).await;
            response.tell_left(&leg.request.connected_host(), observer);
            return Ok(self.send_once(leg, false, clock, observer).await?.0);
        }
        Ok(response)
    }

    async fn send_once(
        &self,
        leg: &Leg<'_>,
        asks: bool,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<(Response, bool), HttpError> {
        let ready = match self.idle(leg, observer).await? {
            Some(ready) => ready,
            None => self.opened(leg, clock, observer).await?,
        };
        let was_reused = ready.reused;
        match self.exchange(leg, asks, ready, clock, observer).await {
            Err(error) if was_reused && was_not_applied(leg, &error) => {
                let ready = self.opened(leg, clock, observer).await?;
                self.exchange(leg, asks, ready, clock, observer).await
            }
            outcome => outcome,
        }
    }

    /// A connection that is open already.
    pub(super) async fn idle(
        &self,
        leg: &Leg<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Ready>, HttpError> {
        let (key, request) = (key(leg), leg.request);
        while let Some(mut idle) = self.pool.take(&key) {
            if let Channel::Http1(connection) = &mut idle.channel
                && !connection.is_idle().await
            {
                continue;
            }
            check_loopback(request, &request.origin.host.to_string(), &idle.ends)?;
            let host = request.connected_host();
            observer.event(Event::Reused { host: &host, number: idle.ends.number });
            return Ok(Some(Ready { idle, reused: true, timings: Timings::default() }));
        }
        Ok(None)
    }

    /// A new connection.
    pub(super) async fn opened(
        &self,
        leg: &Leg<'_>,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<Ready, HttpError> {
        // what is bound to a user cannot be shared, as HTTP/2's are
        let versions = if leg.bound.is_some() { Versions::Http1 } else { Versions::All };
        let opening = Opening { versions, number: self.connections.fetch_add(1, Ordering::Relaxed) };
        let opened = clock.connecting(open(leg.request, opening, clock, observer)).await?;
        if let Channel::Http2(shared) = &opened.idle.channel {
            let entry = Idle { channel: Channel::Http2(shared.clone()), ends: opened.idle.ends };
            self.pool.put(key(leg), entry);
        }
        Ok(opened)
    }

    /// Sends a leg over a connection and reads the head of the response; and whether the body was left out unasked.
    pub(super) async fn exchange(
        &self,
        leg: &Leg<'_>,
        asks: bool,
        ready: Ready,
        clock: &Clock,
        observer: &mut dyn Observer,
    ) -> Result<(Response, bool), HttpError> {
        let request = leg.request;
        let body = leg.open_body()?;
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
        let head = leg.head(asks);
        timings.pre_transfer = clock.started().elapsed();
        let shown = match idle.channel {
            Channel::Http1(_) => head.clone(),
            Channel::Http2(_) => leg.head_of_http2(),
        };
        if leg.hides_answer() {
            observer.event(Event::RequestHead(&without_answer(&shown)));
        } else {
            observer.event(Event::RequestHead(&shown));
        }
        drop(shown);
        if let Some(body) = leg.body_at_hand() {
            observer.event(Event::RequestBody(body));
        }
        let sizes = Sizes { request_head: head.len() as u64, ..Sizes::default() };
        let pace = Pace::new(clock.slowest(), Instant::now());
        let mut transfer = Transfer { ends, timings, sizes, sent: body.sent(), clock: *clock, pace };
        let sent = transfer.sent.clone();
        let host = request.origin.host.to_string();
        let (head, source, unasked) = match idle.channel {
            Channel::Http1(connection) => {
                let hold = asks.then_some(request.expect_timeout);
                let message = Message { head, body, chunked: leg.is_chunked(), hold };
                let reading = Reading {
                    to_head: request.method == "HEAD",
                    raw: request.raw,
                    ignores_length: request.ignores_length,
                };
                let exchange = pin!(Exchange::start(*connection, &host, message, reading));
                let exchange = transfer.pace.watch(|| sent.bytes(), exchange);
                let (exchange, answer) = clock.within("waiting for the response", exchange).await?;
                transfer.note_first_byte(answer.first_byte);
                for interim in &answer.interim {
                    observer.event(Event::ResponseHead(interim));
                    transfer.sizes.response_head += interim.raw.len() as u64;
                }
                let source = Source::http1(exchange, self.pool.clone(), key(leg));
                (answer.head, source, answer.unasked)
            }
            Channel::Http2(mut shared) => {
                let sending = pin!(shared.send(leg, body));
                let sending = transfer.pace.watch(|| sent.bytes(), sending);
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

fn key(leg: &Leg<'_>) -> Key {
    let Request { origin, connection, .. } = leg.request;
    Key { origin: origin.clone(), connection: connection.clone(), bound: leg.bound.clone() }
}

/// Whether a request that failed on a connection that was idle before may be sent once more: it may be repeated, or did not leave whole,
/// so that nobody can have acted on it (RFC 9110, 9.2.2).
fn was_not_applied(leg: &Leg<'_>, error: &HttpError) -> bool {
    matches!(error, HttpError::Send { .. }) || (leg.is_repeatable() && is_dead_connection(error))
}

/// Nothing came back: what the server closed while the connection was idle looks like this. Over HTTP/2 it may
/// have said goodbye (GOAWAY) as the request went out.
pub(super) fn is_dead_connection(error: &HttpError) -> bool {
    matches!(error, HttpError::EmptyReply { .. } | HttpError::Send { .. } | HttpError::Http2 { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connection, Ends, RequestDraft};

    #[test]
    fn hostile_e65a_a_way_that_was_to_end_here_must() {
        let ends = |remote: &str| Ends { remote: Some(remote.parse().unwrap()), local: None, number: 0 };
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
