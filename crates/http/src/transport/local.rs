//! Connections over a Unix socket, which take the place of the network.

use super::stream::Stream;
use crate::error::HttpError;
use crate::request::Request;
use crate::socket::UnixSocket;

/// How a socket is written in messages, as curl writes it.
pub(super) fn shown(socket: &UnixSocket) -> String {
    match socket {
        UnixSocket::Path(path) => path.display().to_string(),
        UnixSocket::Abstract(name) => format!("@{name}"),
    }
}

/// Connects to `socket`, which has to be the user's own or root's if the request holds a secret. Also gives the path at
/// which it was made.
#[cfg(unix)]
pub(super) async fn connect(socket: &UnixSocket, request: &Request) -> Result<(Stream, String), HttpError> {
    let failed = |source| HttpError::Socket { path: shown(socket), source };
    let stream = match socket {
        UnixSocket::Path(path) => tokio::net::UnixStream::connect(path).await.map_err(failed)?,
        UnixSocket::Abstract(name) => of_name(name).map_err(failed)?,
    };
    let owner = stream.peer_cred().map_err(failed)?.uid();
    if !request.injected.is_empty() && owner != 0 && owner != rustix::process::getuid().as_raw() {
        return Err(HttpError::SocketNotOurs { path: shown(socket) });
    }
    let made = stream.peer_addr().ok().and_then(|end| Some(end.as_pathname()?.display().to_string()));
    Ok((Stream::Local(stream), made.unwrap_or_else(|| shown(socket))))
}

/// A name that is no file (unix(7)).
#[cfg(target_os = "linux")]
fn of_name(name: &str) -> std::io::Result<tokio::net::UnixStream> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixStream};
    let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)?;
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn of_name(_: &str) -> std::io::Result<tokio::net::UnixStream> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub(super) async fn connect(socket: &UnixSocket, _: &Request) -> Result<(Stream, String), HttpError> {
    let source = std::io::ErrorKind::Unsupported.into();
    Err(HttpError::Socket { path: shown(socket), source })
}
