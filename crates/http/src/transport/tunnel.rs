//! Asking a proxy for a connection to the host: CONNECT (RFC 9110, 9.3.6), and SOCKS 5 (RFC 1928), which is
//! tokio-socks'. What a proxy answers is bounded as a server's head is; the time is that of connecting.

use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_socks::tcp::Socks5Stream;
use zeroize::Zeroizing;

use super::http1::{HeadFault, parse_head};
use super::stream::Stream;
use crate::error::HttpError;
use crate::event::{Event, Observer};
use crate::proxy::Proxy;
use crate::response::ResponseHead;

const READ_SIZE: usize = 4 * 1024;
/// Interim answers are of no use to a CONNECT.
const MAX_INTERIM: usize = 8;

/// Where a SOCKS proxy is to connect to.
pub(super) enum Target {
    Name(String, u16),
    Address(SocketAddr),
}

/// Asks with `head` for a tunnel; what comes through the stream afterwards is the host's.
pub(super) async fn connect(
    mut stream: Stream,
    proxy: &Proxy,
    head: &Zeroizing<Vec<u8>>,
    observer: &mut dyn Observer,
) -> Result<Stream, HttpError> {
    let host = proxy.origin().host.to_string();
    let failed = |why| HttpError::ProxyReply { host: host.clone(), why };
    observer.event(Event::ConnectHead(head));
    let sent = async {
        stream.write_all(head).await?;
        stream.flush().await
    };
    sent.await.map_err(|_| failed("it closed the connection"))?;
    let mut inbox = BytesMut::new();
    for _ in 0..=MAX_INTERIM {
        let answer = next_head(&mut stream, &mut inbox).await.map_err(failed)?;
        observer.event(Event::ConnectResponseHead { head: &answer, is_output: !proxy.hides_answers });
        match answer.status {
            100..=199 => {}
            // the host speaks after the client, so that whatever stands behind the head is the proxy's own
            200..=299 if inbox.is_empty() => return Ok(stream),
            200..=299 => return Err(failed("it says more than it was asked")),
            status => return Err(HttpError::ProxyRefused { host, status }),
        }
    }
    Err(failed("too many interim responses"))
}

async fn next_head(stream: &mut Stream, inbox: &mut BytesMut) -> Result<ResponseHead, &'static str> {
    loop {
        if !inbox.is_empty() {
            match parse_head(inbox) {
                Ok(Some((head, length))) => {
                    let _ = inbox.split_to(length);
                    return Ok(head);
                }
                Ok(None) => {}
                Err(HeadFault::NotHttp) => return Err("it does not speak HTTP/1"),
                Err(HeadFault::TooLong) => return Err("its answer is too long"),
                Err(HeadFault::Malformed) => return Err("its answer is malformed"),
            }
        }
        inbox.reserve(READ_SIZE);
        match stream.read_buf(inbox).await {
            Ok(0) | Err(_) => return Err("it closed the connection"),
            Ok(_) => {}
        }
    }
}

/// Asks a SOCKS proxy for a connection to `target`.
pub(super) async fn socks(
    stream: Stream,
    proxy: &str,
    credentials: Option<&[Zeroizing<Vec<u8>>; 2]>,
    target: Target,
) -> Result<Stream, HttpError> {
    let text = |part: &'_ Zeroizing<Vec<u8>>| Zeroizing::new(String::from_utf8_lossy(part).into_owned());
    let credentials = credentials.map(|[user, password]| (text(user), text(password)));
    let connected = match (&credentials, target) {
        (None, Target::Name(name, port)) => {
            Socks5Stream::connect_with_socket(stream, (name.as_str(), port)).await
        }
        (None, Target::Address(address)) => Socks5Stream::connect_with_socket(stream, address).await,
        (Some((user, password)), Target::Name(name, port)) => {
            let target = (name.as_str(), port);
            Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
        }
        (Some((user, password)), Target::Address(address)) => {
            Socks5Stream::connect_with_password_and_socket(stream, address, user, password).await
        }
    };
    let refused = |error| HttpError::Socks { host: proxy.to_owned(), why: words(&error) };
    connected.map(Socks5Stream::into_inner).map_err(refused)
}

/// RFC 1928, section 6, in words that fit behind the proxy's name.
fn words(error: &tokio_socks::Error) -> &'static str {
    use tokio_socks::Error;
    match error {
        Error::Io(_) => "it closed the connection",
        Error::ConnectionNotAllowedByRuleset => "it does not allow the connection",
        Error::NetworkUnreachable => "the network of the host cannot be reached from it",
        Error::HostUnreachable => "the host cannot be reached from it",
        Error::ConnectionRefused => "the host refuses the connection",
        Error::TtlExpired => "the host is too far away from it",
        Error::CommandNotSupported | Error::AddressTypeNotSupported => "it cannot connect to such a host",
        Error::PasswordAuthFailure(_) => "it does not know this user and password",
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => "it wants to be told who asks",
        Error::InvalidAuthValues(_) => "it takes a user and a password of 1 to 255 bytes of text each",
        Error::InvalidTargetAddress(_) => "it cannot be told a host of this name",
        Error::GeneralSocksServerFailure => "it failed",
        _ => "it does not answer as a SOCKS 5 proxy",
    }
}
