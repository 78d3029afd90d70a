//! Name lookup and TCP connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::Instant;

use socket2::{SockRef, TcpKeepalive};
use subrosa_secret::Host;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connection::Endpoint;
use crate::error::HttpError;
use crate::event::{Event, Observer};
use crate::socket::{Family, Interface, KeepAlive, SocketOptions};

/// A connection and when its host was found.
pub(super) struct Dialed {
    pub(super) stream: TcpStream,
    pub(super) resolved: Instant,
}

/// Why an address was not connected to.
enum Failed {
    /// The near end is not to be had.
    Bind(io::Error),
    Connect(io::Error),
}

/// Connects to the first address of `endpoint` that answers.
pub(super) async fn dial(
    endpoint: &Endpoint,
    options: &SocketOptions,
    observer: &mut dyn Observer,
) -> Result<Dialed, HttpError> {
    let host = endpoint.host.to_string();
    let addresses = addresses(endpoint, options.family, &host).await?;
    let resolved = Instant::now();
    observer.event(Event::Resolved { host: &host, addresses: &addresses });
    match race(addresses, options, observer).await {
        Ok(stream) => {
            // requests are written whole; waiting for more to send only costs time
            let _ = stream.set_nodelay(true);
            if let Some(keep_alive) = &options.keep_alive {
                // as with curl, a system that has no such setting is no reason to give up
                let _ = SockRef::from(&stream).set_tcp_keepalive(&questions(keep_alive));
            }
            Ok(Dialed { stream, resolved })
        }
        Err(Some(Failed::Bind(source))) => Err(HttpError::Bind { source }),
        Err(Some(Failed::Connect(source))) => {
            Err(HttpError::Connect { host, port: endpoint.port, source: Some(source) })
        }
        Err(None) => Err(HttpError::Connect { host, port: endpoint.port, source: None }),
    }
}

fn questions(keep_alive: &KeepAlive) -> TcpKeepalive {
    let questions = TcpKeepalive::new().with_time(keep_alive.time).with_interval(keep_alive.time);
    match keep_alive.count {
        Some(count) => questions.with_retries(count),
        None => questions,
    }
}

/// The addresses of a host, in the order in which they are to be tried.
pub(super) async fn addresses(
    endpoint: &Endpoint,
    family: Family,
    host: &str,
) -> Result<Vec<SocketAddr>, HttpError> {
    let mut found = all_addresses(endpoint, host).await?;
    found.retain(|address| family.takes(address.ip()));
    if found.is_empty() {
        let family = if family == Family::V6 { "IPv6" } else { "IPv4" };
        let is_literal = !matches!(endpoint.host, Host::Domain(_));
        return Err(HttpError::NoAddress { host: host.to_owned(), family, is_literal });
    }
    Ok(found)
}

async fn all_addresses(endpoint: &Endpoint, host: &str) -> Result<Vec<SocketAddr>, HttpError> {
    let with_port = |address: IpAddr| SocketAddr::new(address, endpoint.port);
    if let Some(known) = &endpoint.addresses {
        return Ok(known.iter().copied().map(with_port).collect());
    }
    // never left to a resolver: what is called localhost must end here (RFC 6761, 6.3)
    if matches!(&endpoint.host, Host::Domain(name) if name == "localhost") {
        return Ok(vec![with_port(Ipv6Addr::LOCALHOST.into()), with_port(Ipv4Addr::LOCALHOST.into())]);
    }
    let failed = |source| HttpError::Resolve { host: host.to_owned(), source };
    let (name, port) = (host.to_owned(), endpoint.port);
    let found = lookup(move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect)).await;
    let found = found.map_err(|error| failed(Some(error)))?;
    if found.is_empty() { Err(failed(None)) } else { Ok(interleave(found)) }
}

/// Asks the system's resolver, in a thread of its own: one of the runtime's would be waited for at the end, also
/// after a time limit gave up on it.
async fn lookup(
    resolver: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
) -> io::Result<Vec<SocketAddr>> {
    let (answer, answered) = oneshot::channel();
    thread::Builder::new().name("name lookup".to_owned()).spawn(move || {
        // nobody listens any more once a time limit has passed
        let _ = answer.send(resolver());
    })?;
    answered.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

/// Families take turns, beginning with that of the first address (RFC 8305, 4).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut ordered = Vec::with_capacity(first.len() + second.len());
    (first, second) = (first.into_iter().rev().collect(), second.into_iter().rev().collect());
    while !first.is_empty() || !second.is_empty() {
        ordered.extend(first.pop());
        ordered.extend(second.pop());
    }
    ordered
}

/// Tries the addresses one after the other, each with a head start; the first that connects wins.
async fn race(
    addresses: Vec<SocketAddr>,
    options: &SocketOptions,
    observer: &mut dyn Observer,
) -> Result<TcpStream, Option<Failed>> {
    let mut attempts = JoinSet::new();
    let mut last_error = None;
    for address in addresses {
        observer.event(Event::Trying { to: &address.to_string() });
        attempts.spawn(connect(address, options.clone()));
        if let Ok(Some(outcome)) = timeout(options.head_start, attempts.join_next()).await {
            match outcome {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last_error = Some(error),
                Err(_) => {}
            }
        }
    }
    while let Some(outcome) = attempts.join_next().await {
        match outcome {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last_error = Some(error),
            Err(_) => {}
        }
    }
    Err(last_error)
}

async fn connect(address: SocketAddr, options: SocketOptions) -> Result<TcpStream, Failed> {
    if !options.binds() {
        return TcpStream::connect(address).await.map_err(Failed::Connect);
    }
    let socket = || if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let mut failed = Failed::Bind(io::ErrorKind::AddrNotAvailable.into());
    for local in options.local_addresses(address) {
        let socket = socket().map_err(Failed::Connect)?;
        match leave_by(&socket, &options).and_then(|()| socket.bind(local)) {
            Ok(()) => return socket.connect(address).await.map_err(Failed::Connect),
            Err(error) => failed = Failed::Bind(error),
        }
    }
    Err(failed)
}

#[cfg(target_os = "linux")]
fn leave_by(socket: &TcpSocket, options: &SocketOptions) -> io::Result<()> {
    match &options.interface {
        Some(Interface::Device(name)) => socket.bind_device(Some(name.as_bytes())),
        _ => Ok(()),
    }
}

/// Where no socket can be tied to an interface, its address is what can be given.
#[cfg(not(target_os = "linux"))]
fn leave_by(_: &TcpSocket, options: &SocketOptions) -> io::Result<()> {
    match &options.interface {
        Some(Interface::Device(_)) => Err(io::ErrorKind::Unsupported.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unobserved;
    use crate::{Clock, Limits};
    use std::net::TcpListener;
    use std::time::Duration;

    fn dialed(options: &SocketOptions, to: SocketAddr) -> Result<TcpStream, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let endpoint = Endpoint {
            host: Host::parse(&to.ip().to_string()).unwrap(),
            port: to.port(),
            addresses: Some(vec![to.ip()]),
        };
        runtime.block_on(dial(&endpoint, options, &mut Unobserved)).map(|dialed| dialed.stream)
    }

    #[test]
    fn sockets_are_made_as_it_is_wanted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let plain = SocketOptions::default();
        let stream = dialed(&plain, to).unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        let silent = SocketOptions { keep_alive: None, ..plain.clone() };
        assert!(!SockRef::from(&dialed(&silent, to).unwrap()).keepalive().unwrap());
        // all of 127.0.0.0/8 is loopback on Linux, elsewhere its first address alone
        let first = if cfg!(target_os = "linux") { "127.0.0.9" } else { "127.0.0.1" };
        let own = SocketOptions { interface: Some(Interface::parse(first).unwrap()), ..plain.clone() };
        assert_eq!(dialed(&own, to).unwrap().local_addr().unwrap().ip().to_string(), first);
        let foreign =
            SocketOptions { interface: Some(Interface::parse("192.0.2.1").unwrap()), ..plain.clone() };
        assert_eq!(dialed(&foreign, to).unwrap_err().kind(), "bind");
        let sixth = SocketOptions { family: Family::V6, ..plain };
        assert_eq!(dialed(&sixth, to).unwrap_err().curl_code(), Some(7));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn questions_are_asked_after_the_time_given() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let keep_alive = KeepAlive { time: Duration::from_secs(7), count: Some(3) };
        let options = SocketOptions { keep_alive: Some(keep_alive), ..SocketOptions::default() };
        let stream = dialed(&options, listener.local_addr().unwrap()).unwrap();
        let socket = SockRef::from(&stream);
        assert_eq!(socket.tcp_keepalive_time().unwrap(), keep_alive.time);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), keep_alive.time);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    }

    /// The ports are tried in their order; one that is taken is passed over.
    #[test]
    fn the_first_free_port_of_a_range_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let options = |ports| SocketOptions { local_ports: Some(ports), ..SocketOptions::default() };
        let to = listener.local_addr().unwrap();
        assert_eq!(dialed(&options(port..=port), to).unwrap_err().curl_code(), Some(45));
        let Some(last) = port.checked_add(20) else { return };
        let used = dialed(&options(port..=last), to).unwrap().local_addr().unwrap().port();
        assert!((port + 1..=last).contains(&used), "{used}");
    }

    #[test]
    fn families_take_turns() {
        let parse =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let given = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let wanted = parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(interleave(given), wanted);
    }

    /// A resolver that never answers holds up neither the request, beyond its time limit, nor the end of the program.
    #[test]
    fn a_lookup_without_an_answer_ends_with_the_time_limit() {
        let (keep_waiting, waits) = std::sync::mpsc::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let silent = lookup(move || {
            let _ = waits.recv();
            Err(io::ErrorKind::NotFound.into())
        });
        let limits = [
            Limits { connect: Some(Duration::from_millis(1)), ..Limits::default() },
            Limits { total: Some(Duration::from_millis(1)), ..Limits::default() },
        ];
        let mut silent = std::pin::pin!(async { silent.await.map_err(|_| HttpError::MethodMalformed) });
        for limits in limits {
            let outcome = runtime.block_on(Clock::start(&limits).connecting(silent.as_mut()));
            assert_eq!(outcome.err().map(|error| error.kind()), Some("timeout"));
        }
        drop(runtime);
        // the resolver waited all the while
        drop(keep_waiting);
    }
}
