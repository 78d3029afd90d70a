//! From nothing to a connection that a request can go through: TCP, a proxy, TLS.

use subrosa_secret::{Host, Scheme};
use tokio_rustls::client::TlsStream;

use super::client::Ready;
use super::clock::Clock;
use super::dial::{addresses, dial};
use super::http1::Http1;
use super::http2::Http2;
use super::pool::{Channel, Idle, ends_here};
use super::stream::Stream;
use super::{tls, tunnel};
use crate::certificate;
use crate::connection::Endpoint;
use crate::error::HttpError;
use crate::event::{Event, Observer, Sending, TlsFacts};
use crate::proxy::{Proxy, ProxyKind};
use crate::proxy_plan::FilledProxy;
use crate::request::Request;
use crate::response::{Ends, Timings};

/// What a server may choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    /// What the request's connection allows.
    All,
    /// One connection for one exchange at a time.
    Http1,
}

/// Name lookup, TCP, the loopback check, the proxy, TLS: in this order, before a byte of the request.
pub(super) async fn open(
    request: &Request,
    versions: Versions,
    clock: &Clock,
    observer: &mut dyn Observer,
) -> Result<Ready, HttpError> {
    let connection = &request.connection;
    let proxy = connection.proxy_for(&request.origin);
    let endpoint = connection.endpoint(&request.origin);
    let host = endpoint.host.to_string();
    let dialed = dial(&endpoint, observer).await.map_err(|error| of_proxy(error, proxy))?;
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
    check_loopback(request, &host, &ends)?;
    observer.event(Event::Connected { host: &host, remote: ends.remote });
    let mut stream = Stream::Plain(dialed.stream);
    if let Some(proxy) = proxy {
        stream = through(proxy, request, stream, &ends, observer).await?;
    }
    let channel = match request.origin.scheme {
        Scheme::Https => {
            let config = connection.tls(&request.origin, versions == Versions::Http1)?;
            let stream = tls::handshake(config, &request.origin.host, stream).await?;
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
        _ => Channel::Http1(Box::new(Http1::new(stream))),
    };
    Ok(Ready { idle: Idle { channel, ends }, reused: false, timings })
}

/// What was allowed because it ends here must end here, the credentials of a proxy among it.
pub(super) fn check_loopback(request: &Request, host: &str, ends: &Ends) -> Result<(), HttpError> {
    let must = request.must_end_on_loopback || request.proxy_must_end_on_loopback;
    if must && !ends_here(ends.remote) {
        return Err(HttpError::NotLoopback { host: host.to_owned(), peer: ends.remote });
    }
    Ok(())
}

fn of_proxy(error: HttpError, proxy: Option<&Proxy>) -> HttpError {
    match error {
        HttpError::Resolve { host, source } if proxy.is_some() => HttpError::ResolveProxy { host, source },
        other => other,
    }
}

/// Through the proxy to the host, or to the proxy where it is to forward the request.
async fn through(
    proxy: &Proxy,
    request: &Request,
    mut stream: Stream,
    ends: &Ends,
    observer: &mut dyn Observer,
) -> Result<Stream, HttpError> {
    if proxy.origin().scheme == Scheme::Https {
        let config = request.connection.proxy_tls(proxy)?;
        stream = Stream::Tls(Box::new(tls::handshake(config, &proxy.origin().host, stream).await?));
    }
    let name = proxy.origin().host.to_string();
    let end = request.connection.far_end(&request.origin);
    if !matches!(request.proxy, Some(FilledProxy::Request)) {
        // what the proxy is told may hold secrets: the first byte of them is recorded before it leaves
        let remote = ends.remote;
        let sending = Sending { origin: &proxy.origin().to_string(), host: &name, remote };
        observer.before_send(&sending).map_err(|source| HttpError::StoppedBeforeSend { source })?;
    }
    match &request.proxy {
        Some(FilledProxy::Connect(head)) => tunnel::connect(stream, proxy, head, observer).await,
        Some(FilledProxy::Socks(credentials)) => {
            let target = socks_target(proxy, &end).await?;
            tunnel::socks(stream, &name, credentials.as_ref(), target).await
        }
        Some(FilledProxy::Request) | None => Ok(stream),
    }
}

/// The name, or an address that was looked up here.
async fn socks_target(proxy: &Proxy, end: &Endpoint) -> Result<tunnel::Target, HttpError> {
    let host = end.host.to_string();
    let known = end.addresses.is_some() || proxy.kind() == ProxyKind::Socks5;
    match &end.host {
        Host::Domain(name) if !known => Ok(tunnel::Target::Name(name.clone(), end.port)),
        _ => {
            let found = addresses(end, &host).await?;
            let first = found.into_iter().next();
            first.map(tunnel::Target::Address).ok_or(HttpError::Resolve { host, source: None })
        }
    }
}

fn facts(stream: &TlsStream<Stream>) -> TlsFacts {
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
