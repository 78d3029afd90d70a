//! Name lookup and TCP connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use subrosa_secret::Host;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connection::Endpoint;
use crate::error::HttpError;
use crate::event::{Event, Observer};

/// How long one address is waited for before the next is tried beside it (RFC 8305, 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

pub(super) struct Dialed {
    pub(super) stream: TcpStream,
    pub(super) resolved: Instant,
}

/// Connects to the first address of `endpoint` that answers.
pub(super) async fn dial(endpoint: &Endpoint, observer: &mut dyn Observer) -> Result<Dialed, HttpError> {
    let host = endpoint.host.to_string();
    let addresses = addresses(endpoint, &host).await?;
    let resolved = Instant::now();
    observer.event(Event::Resolved { host: &host, addresses: &addresses });
    match race(addresses).await {
        Ok(stream) => {
            // requests are written whole; waiting for more to send only costs time
            let _ = stream.set_nodelay(true);
            Ok(Dialed { stream, resolved })
        }
        Err(source) => Err(HttpError::Connect { host, port: endpoint.port, source }),
    }
}

/// The addresses of a host, in the order in which they are to be tried.
pub(super) async fn addresses(endpoint: &Endpoint, host: &str) -> Result<Vec<SocketAddr>, HttpError> {
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
async fn race(addresses: Vec<SocketAddr>) -> Result<TcpStream, Option<io::Error>> {
    let mut attempts = JoinSet::new();
    let mut last_error = None;
    for address in addresses {
        attempts.spawn(TcpStream::connect(address));
        if let Ok(Some(outcome)) = timeout(ATTEMPT_DELAY, attempts.join_next()).await {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Limits};

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
            Limits { connect: Some(Duration::from_millis(1)), total: None },
            Limits { connect: None, total: Some(Duration::from_millis(1)) },
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
