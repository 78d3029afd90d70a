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
use super::{local, tls, tunnel};
use crate::certificate;
use crate::connection::{ConnectionOptions, Endpoint, Protocol, Trust};
use crate::error::HttpError;
use crate::event::{Event, Observer, Sending, TlsFacts};
use crate::proxy::{Proxy, ProxyKind};
use crate::proxy_plan::FilledProxy;
use crate::request::Request;
use crate::response::{Ends, Timings};
use crate::socket::{Family, UnixSocket};

/// What a server may choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    /// What the request's connection allows.
    All,
    /// One connection for one exchange at a time.
    Http1,
}

/// How a connection is opened, and which of its client it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    pub(super) versions: Versions,
    /// Counted from 0.
    pub(super) number: u64,
}

/// Name lookup, TCP, the loopback check, the proxy, TLS: in this order, before a byte of the request.
pub(super) async fn open(
    request: &Request,
    opening: Opening,
    clock: &Clock,
    observer: &mut dyn Observer,
) -> Result<Ready, HttpError> {
    let (connection, number) = (&request.connection, opening.number);
    let proxy = connection.proxy_for(&request.origin);
    let endpoint = connection.endpoint(&request.origin);
    let host = endpoint.host.to_string();
    let (mut stream, ends, mut timings) = match &connection.options().unix_socket {
        Some(socket) => here(socket, &endpoint, request, number, clock, observer).await?,
        None => {
            let opened = over_network(&endpoint, request, number, clock, observer).await;
            opened.map_err(|error| of_proxy(error, proxy))?
        }
    };
    if let Some(proxy) = proxy {
        stream = through(proxy, request, stream, &ends, observer).await?;
    }
    let channel = match request.origin.scheme {
        Scheme::Https => {
            let config = connection.tls(&request.origin, opening.versions == Versions::Http1)?;
            let offered = config.alpn_protocols.clone();
            let stream = tls::handshake(config, &request.origin.host, stream).await?;
            timings.app_connect = clock.started().elapsed();
            observer.event(Event::Tls(&facts(&stream, &offered, connection.options())));
            let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2") || is_told(request);
            let stream = Stream::Tls(Box::new(stream));
            if speaks_http2 {
                Channel::Http2(Http2::new(stream, &host).await?)
            } else {
                Channel::Http1(Box::new(Http1::new(stream)))
            }
        }
        _ if is_told(request) => Channel::Http2(Http2::new(stream, &host).await?),
        _ => Channel::Http1(Box::new(Http1::new(stream))),
    };
    Ok(Ready { idle: Idle { channel, ends }, reused: false, timings })
}

/// Whether the server is known to speak HTTP/2. A proxy that forwards the request is not.
fn is_told(request: &Request) -> bool {
    let told = request.connection.options().protocol == Protocol::Http2Only;
    told && !matches!(request.proxy, Some(FilledProxy::Request))
}

/// Over TCP.
async fn over_network(
    endpoint: &Endpoint,
    request: &Request,
    number: u64,
    clock: &Clock,
    observer: &mut dyn Observer,
) -> Result<(Stream, Ends, Timings), HttpError> {
    let host = endpoint.host.to_string();
    let dialed = dial(endpoint, &request.connection.options().socket, observer).await?;
    let timings = Timings {
        name_lookup: dialed.resolved - clock.started(),
        connect: clock.started().elapsed(),
        ..Timings::default()
    };
    let failed =
        |source| HttpError::Connect { host: host.clone(), port: endpoint.port, source: Some(source) };
    let remote = dialed.stream.peer_addr().map_err(failed)?;
    let local = dialed.stream.local_addr().map_err(failed)?;
    let ends = Ends { remote: Some(remote), local: Some(local), number };
    check_loopback(request, &host, &ends)?;
    let at = remote.ip().to_string();
    observer.event(Event::Connected { host: &host, at: &at, port: endpoint.port, number });
    Ok((Stream::Plain(dialed.stream), ends, timings))
}

/// Over a socket of this machine.
async fn here(
    socket: &UnixSocket,
    endpoint: &Endpoint,
    request: &Request,
    number: u64,
    clock: &Clock,
    observer: &mut dyn Observer,
) -> Result<(Stream, Ends, Timings), HttpError> {
    observer.event(Event::Trying { to: &format!("{}:0", local::shown(socket)) });
    let (stream, at) = local::connect(socket, request).await?;
    let host = endpoint.host.to_string();
    observer.event(Event::Connected { host: &host, at: &at, port: endpoint.port, number });
    let elapsed = clock.started().elapsed();
    let timings = Timings { name_lookup: elapsed, connect: elapsed, ..Timings::default() };
    Ok((stream, Ends { remote: None, local: None, number }, timings))
}

/// What was allowed because it ends here must end here, the credentials of a proxy among it.
pub(super) fn check_loopback(request: &Request, host: &str, ends: &Ends) -> Result<(), HttpError> {
    let must = request.must_end_on_loopback || request.proxy_must_end_on_loopback;
    // a socket without an address is on this machine
    match ends.remote {
        Some(peer) if must && !ends_here(peer) => Err(HttpError::NotLoopback { host: host.to_owned(), peer }),
        _ => Ok(()),
    }
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
            let target = socks_target(proxy, &end, request.connection.options().socket.family).await?;
            tunnel::socks(stream, &name, credentials.as_ref(), target).await
        }
        Some(FilledProxy::Request) | None => Ok(stream),
    }
}

/// The name, or an address that was looked up here.
async fn socks_target(proxy: &Proxy, end: &Endpoint, family: Family) -> Result<tunnel::Target, HttpError> {
    let host = end.host.to_string();
    let known = end.addresses.is_some() || proxy.kind() == ProxyKind::Socks5;
    match &end.host {
        Host::Domain(name) if !known => Ok(tunnel::Target::Name(name.clone(), end.port)),
        _ => {
            let found = addresses(end, family, &host).await?;
            let first = found.into_iter().next();
            first.map(tunnel::Target::Address).ok_or(HttpError::Resolve { host, source: None })
        }
    }
}

fn facts(stream: &TlsStream<Stream>, offered: &[Vec<u8>], options: &ConnectionOptions) -> TlsFacts {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
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
        offered: offered.iter().map(|name| text(name)).collect(),
        is_verified: !matches!(options.trust, Trust::InsecureAnybody),
        alpn: session.alpn_protocol().map(text),
        certificate: certificates.first().and_then(|first| certificate::facts(first)),
    }
}
