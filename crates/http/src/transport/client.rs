//! From a filled request to the head of its response.

use std::sync::Arc;
use std::time::Instant;

use subrosa_secret::Scheme;
use tokio_rustls::client::TlsStream;

use super::clock::Clock;
use super::dial::dial;
use super::http1::{Exchange, Http1, Message};
use super::http2::Http2;
use super::incoming::{Response, Source, Transfer};
use super::pool::{Channel, Idle, Key, Pool, ends_here};
use super::stream::Stream;
use super::tls;
use crate::certificate;
use crate::error::HttpError;
use crate::event::{Event, Observer, Sending, TlsFacts};
use crate::payload::Payload;
use crate::request::{Expect, Request};
use crate::response::{Ends, Sizes, Timings};

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
struct Ready {
    idle: Idle,
    reused: bool,
    timings: Timings,
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
            check_loopback(request, &idle.ends)?;
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
        observer.event(Event::ResponseHead(&head));
        Ok((Response::new(head, source, transfer), unasked))
    }
}

fn key(request: &Request) -> Key {
    Key { origin: request.origin.clone(), connection: request.connection.clone() }
}

fn check_loopback(request: &Request, ends: &Ends) -> Result<(), HttpError> {
    if request.must_end_on_loopback && !ends_here(ends.remote) {
        return Err(HttpError::NotLoopback { host: request.origin.host.to_string(), peer: ends.remote });
    }
    Ok(())
}

/// Nothing came back: what the server closed while the connection was idle looks like this. Over HTTP/2 it may
/// have said goodbye (GOAWAY) as the request went out.
fn is_dead_connection(error: &HttpError) -> bool {
    matches!(error, HttpError::EmptyReply { .. } | HttpError::Send { .. } | HttpError::Http2 { .. })
}

/// Name lookup, TCP, the loopback check, TLS: in this order, before a byte of the request.
async fn open(request: &Request, clock: &Clock, observer: &mut dyn Observer) -> Result<Ready, HttpError> {
    let endpoint = request.connection.endpoint(&request.origin);
    let host = endpoint.host.to_string();
    let dialed = dial(&endpoint, observer).await?;
    let mut timings = Timings {
        name_lookup: dialed.resolved - clock.started(),
        connect: clock.started().elapsed(),
        ..Timings::default()
    };
    let failed =
        |source| HttpError::Connect { host: host.clone(), port: endpoint.port, source: Some(source) };
    let ends = Ends {
        remote: dialed.stream.peer_addr().map_err(failed)?,
        local: dialed.stream.local_addr().map_err(failed)?,
    };
    check_loopback(request, &ends)?;
    observer.event(Event::Connected { host: &host, remote: ends.remote });
    let channel = match request.origin.scheme {
        Scheme::Https => {
            let config = request.connection.tls(&request.origin)?;
            let stream = tls::handshake(config, &request.origin.host, dialed.stream).await?;
            timings.app_connect = clock.started().elapsed();
            observer.event(Event::Tls(&facts(&stream)));
            let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let stream = Stream::Tls(Box::new(stream));
            if speaks_http2 {
                Channel::Http2(Http2::new(stream, &host).await?)
            } else {
                Channel::Http1(Box::new(Http1::new(stream)))
            }
        }
        _ => Channel::Http1(Box::new(Http1::new(Stream::Plain(dialed.stream)))),
    };
    Ok(Ready { idle: Idle { channel, ends }, reused: false, timings })
}

fn facts(stream: &TlsStream<tokio::net::TcpStream>) -> TlsFacts {
    let session = stream.get_ref().1;
    let version = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLS",
    };
    let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str().map(str::to_owned));
    let certificates = session.peer_certificates().unwrap_or_default();
    TlsFacts {
        version: version.to_owned(),
        cipher: suite.unwrap_or_default(),
        alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        certificate: certificates.first().and_then(|first| certificate::facts(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connection, RequestDraft};

    #[test]
    fn hostile_e65a_a_way_that_was_to_end_here_must() {
        let ends =
            |remote: &str| Ends { remote: remote.parse().unwrap(), local: "127.0.0.1:1".parse().unwrap() };
        let here = RequestDraft::new("http://localhost/").fill(&Connection::plain(), &()).unwrap();
        assert!(check_loopback(&here, &ends("127.0.0.1:80")).is_ok());
        assert!(check_loopback(&here, &ends("[::1]:80")).is_ok());
        for remote in ["6.6.6.6:80", "10.0.0.1:80", "[::ffff:6.6.6.6]:80"] {
            assert_eq!(check_loopback(&here, &ends(remote)).err().unwrap().kind(), "not_loopback");
        }
        let away = RequestDraft::new("http://api.example.com/").fill(&Connection::plain(), &()).unwrap();
        assert!(check_loopback(&away, &ends("6.6.6.6:80")).is_ok());
    }
}
