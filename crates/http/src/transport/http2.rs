//! One request and its response over HTTP/2, on hyper.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use zeroize::Zeroizing;

use super::awaited::{Awaited, Counted};
use super::stream::Stream;
use super::upload::{Brake, OutgoingBody};
use crate::assemble::authority;
use crate::error::HttpError;
use crate::leg::Leg;
use crate::payload::PayloadReader;
use crate::request::Request;
use crate::response::{ResponseHead, Version};
use crate::tls_fault::TlsFault;

const MAX_HEADER_LIST: u32 = 300 * 1024;
/// Headers that belong to a connection and are not sent over HTTP/2 (RFC 9113, 8.2.2), as curl leaves them out.
const CONNECTION_HEADERS: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"];

/// A connection that any number of requests share.
#[derive(Clone)]
pub(crate) struct Http2 {
    sender: SendRequest<OutgoingBody>,
    awaited: Arc<Awaited>,
    /// What of TLS has ended the connection.
    ended: Arc<OnceLock<TlsFault>>,
}

/// The body of a response.
pub(crate) struct IncomingBody {
    incoming: Incoming,
    awaited: Arc<Awaited>,
    brake: Brake,
    /// How much is to come, if the head says so.
    rest: Option<u64>,
}

impl Http2 {
    /// Greets the server. The request itself goes out later.
    pub(crate) async fn new(stream: Stream, host: &str) -> Result<Self, HttpError> {
        let awaited = Arc::<Awaited>::default();
        let stream = Counted { stream, awaited: awaited.clone() };
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(MAX_HEADER_LIST)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(host, &error))?;
        // the connection's own errors also end its requests, which report them, if without those of TLS behind them
        let ended = Arc::<OnceLock<TlsFault>>::default();
        let end = ended.clone();
        tokio::spawn(async move {
            if let Err(error) = connection.await
                && let Some(fault) = TlsFault::behind(&error)
            {
                let _ = end.set(fault);
            }
        });
        Ok(Self { sender, awaited, ended })
    }

    /// TLS 1.3 asks for a client certificate when the handshake is over.
    async fn failed(&self, host: &str, error: &hyper::Error) -> HttpError {
        // the task of the connection may be about to say why
        tokio::task::yield_now().await;
        match self.ended.get() {
            Some(fault @ TlsFault::ClientCertificate) => {
                HttpError::Tls { host: host.to_owned(), fault: fault.clone() }
            }
            _ => failed(host, error),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends the request and reads the response head.
    pub(crate) async fn send(
        &mut self,
        leg: &Leg<'_>,
        body: PayloadReader,
    ) -> Result<(ResponseHead, IncomingBody), HttpError> {
        let host = leg.request.origin.host.to_string();
        let _wait = self.awaited.head();
        if let Err(error) = self.sender.ready().await {
            return Err(self.failed(&host, &error).await);
        }
        let brake = Brake::default();
        let message = message(leg, OutgoingBody::new(body, brake.clone()))?;
        let sent = self.sender.send_request(message).await;
        let response = match (sent, brake.fault()) {
            (Ok(response), _) => response,
            (Err(_), Some(fault)) => return Err(fault),
            (Err(error), None) => return Err(self.failed(&host, &error).await),
        };
        let (parts, incoming) = response.into_parts();
        if parts.status.as_u16() >= 300 {
            // as over HTTP/1: the rest of a body that nobody waits for is not sent
            brake.hold();
        }
        let rest = incoming.size_hint().exact();
        Ok((head(&parts), IncomingBody { incoming, awaited: self.awaited.clone(), brake, rest }))
    }
}

impl Drop for IncomingBody {
    /// Whoever has the answer waits for no more of the request.
    fn drop(&mut self) {
        self.brake.cut();
    }
}

/// The next piece of a response body; `None` at its end. Trailers are dropped.
pub(crate) async fn chunk(body: &mut IncomingBody, host: &str) -> Result<Option<Bytes>, HttpError> {
    while let Some(frame) = body.incoming.frame().await {
        body.awaited.progress();
        let fault = |error| body.brake.fault().unwrap_or_else(|| failed(host, &error));
        match frame.map_err(fault)?.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => {
                body.rest = body.rest.map(|rest| rest.saturating_sub(data.len() as u64));
                return Ok(Some(data));
            }
            Err(_) => {}
        }
    }
    // hyper takes a reset without an error for the end: it is that only behind a whole answer, to stop the request
    let is_cut = body.brake.is_sent() || body.rest.is_some_and(|rest| rest > 0);
    if is_cut && !body.incoming.is_end_stream() {
        return Err(HttpError::Partial { host: host.to_owned() });
    }
    Ok(None)
}

fn message(leg: &Leg<'_>, body: OutgoingBody) -> Result<http::Request<OutgoingBody>, HttpError> {
    let request = leg.request;
    let refused = |why: &str| HttpError::Http2 { host: request.origin.host.to_string(), why: why.to_owned() };
    let mut message = http::Request::new(body);
    *message.method_mut() = http::Method::from_bytes(request.method.as_bytes())
        .map_err(|_| refused("the method cannot be sent"))?;
    *message.uri_mut() = uri(request).ok_or_else(|| refused("the URL cannot be sent"))?;
    for (name, value) in leg.headers() {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("a header name cannot be sent"))?;
        let trimmed = value.trim_ascii();
        let kept = name != http::header::HOST
            && !CONNECTION_HEADERS.contains(&name.as_str())
            && (name != http::header::TE || trimmed.eq_ignore_ascii_case(b"trailers"));
        if kept {
            let mut value =
                HeaderValue::from_bytes(trimmed).map_err(|_| refused("a header value cannot be sent"))?;
            // kept out of HPACK's tables, here and at the other end (RFC 7541, 7.1.3)
            value.set_sensitive(leg.is_sensitive());
            message.headers_mut().append(name, value);
        }
    }
    Ok(message)
}

/// Scheme, authority (the Host header's, as with curl) and target.
fn uri(request: &Request) -> Option<Uri> {
    let host = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map(|(_, value)| value.trim_ascii()).filter(|value| !value.is_empty());
    let authority = match host {
        Some(value) => Authority::try_from(value).ok()?,
        None => Authority::try_from(authority(&request.origin)).ok()?,
    };
    let mut parts = http::uri::Parts::default();
    let is_encrypted = request.origin.scheme.is_encrypted();
    parts.scheme = Some(if is_encrypted { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(authority);
    let target = PathAndQuery::try_from(&request.target[..])
        .or_else(|_| PathAndQuery::try_from(&encode_rejected(&request.target)[..]));
    parts.path_and_query = Some(target.ok()?);
    Uri::from_parts(parts).ok()
}

/// The few characters that curl sends as they are and this type of URI does not hold: percent-encoded here.
fn encode_rejected(target: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = crate::text::Sink::with_capacity(target.len() + 16);
    for byte in target {
        match byte {
            b'"' | b'<' | b'>' | b'`' | 0x80.. => crate::percent::encode(&[*byte], &mut out),
            _ => out.push(*byte),
        }
    }
    out.into_bytes()
}

fn head(parts: &http::response::Parts) -> ResponseHead {
    let mut raw = format!("HTTP/2 {} \r\n", parts.status.as_u16()).into_bytes();
    let mut headers = Vec::with_capacity(parts.headers.len());
    for (name, value) in &parts.headers {
        raw.extend_from_slice(name.as_str().as_bytes());
        raw.extend_from_slice(b": ");
        raw.extend_from_slice(value.as_bytes());
        raw.extend_from_slice(b"\r\n");
        headers.push((name.as_str().to_owned(), value.as_bytes().to_vec()));
    }
    raw.extend_from_slice(b"\r\n");
    ResponseHead {
        version: Version::Http2,
        status: parts.status.as_u16(),
        reason: String::new(),
        headers,
        raw,
    }
}

/// hyper's message alone says "http2 error"; the cause behind it says which.
fn failed(host: &str, error: &hyper::Error) -> HttpError {
    if let Some(fault @ TlsFault::ClientCertificate) = TlsFault::behind(error) {
        return HttpError::Tls { host: host.to_owned(), fault };
    }
    let why = match error.source() {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    };
    HttpError::Http2 { host: host.to_owned(), why }
}
