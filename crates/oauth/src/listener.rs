//! Where a browser brings the answer: a port of this machine that is open for one login.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use subrosa_provider::{ErrorKind, ProviderError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::callback::{Callback, Expected, MAX_HEAD, Read};
use crate::page;

/// How long one connection may take. Browsers open some that they never use.
const CONNECTION: Duration = Duration::from_secs(20);
/// So many connections are read at the same time; more are closed at once.
const AT_ONCE: usize = 32;

/// Where an authority sends the browser back to: `http://HOST:PORT/PATH`. Only 127.0.0.1 is listened on, whatever the host is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loopback<'l> {
    /// `127.0.0.1`, or `localhost` where the authority knows no other name.
    pub host: &'l str,
    /// Ports to try, the first free one is taken; none for any, where the authority allows that (RFC 8252, section 7.3).
    pub ports: &'l [u16],
    /// The path, with its slash.
    pub path: &'l str,
}

impl Default for Loopback<'_> {
    fn default() -> Self {
        Self { host: "127.0.0.1", ports: &[], path: "/" }
    }
}

/// An open port.
pub(crate) struct Listener {
    runtime: Runtime,
    socket: TcpListener,
    host: String,
    path: String,
}

impl Listener {
    pub(crate) fn open(loopback: &Loopback<'_>) -> Result<Self, ProviderError> {
        let failed = |error: std::io::Error| {
            ProviderError::new(ErrorKind::Unavailable, format!("cannot listen on 127.0.0.1: {error}"))
        };
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let ports = if loopback.ports.is_empty() { &[0][..] } else { loopback.ports };
        let bound = ports.iter().find_map(|port| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
            runtime.block_on(TcpListener::bind(address)).ok()
        });
        let Some(socket) = bound else {
            let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
            let text =
                format!("no port to wait for the browser on: {} of 127.0.0.1 are taken", ports.join(" and "));
            return Err(ProviderError::new(ErrorKind::Unavailable, text)
                .hint_at("end the program that has one of them, another login perhaps"));
        };
        let port = socket.local_addr().map_err(failed)?.port();
        let host = format!("{}:{port}", loopback.host);
        Ok(Self { runtime, socket, host, path: loopback.path.to_owned() })
    }

    /// The address that the browser is to be sent back to.
    pub(crate) fn redirect(&self) -> String {
        format!("http://{}{}", self.host, self.path)
    }

    /// Waits for the answer to the login of this state. The port is closed when it has come.
    pub(crate) fn wait(
        self,
        state: &str,
        issuer: Option<&str>,
        patience: Duration,
    ) -> Result<Callback, ProviderError> {
        let Self { runtime, socket, host, path } = self;
        let expected = Expected { host, path, state: state.to_owned(), issuer: issuer.map(str::to_owned) };
        let local = LocalSet::new();
        let (sender, mut answers) = mpsc::channel(1);
        local.spawn_local(accept(socket, Rc::new(expected), sender));
        let answer = local.block_on(&runtime, async { timeout(patience, answers.recv()).await });
        answer.ok().flatten().unwrap_or_else(|| {
            let text = format!("nobody logged in within {} minutes", patience.as_secs() / 60);
            Err(ProviderError::new(ErrorKind::Expired, text))
        })
    }
}

/// Answers whoever comes, until somebody brings the answer.
async fn accept(
    socket: TcpListener,
    expected: Rc<Expected>,
    answers: mpsc::Sender<Result<Callback, ProviderError>>,
) {
    let mut connections = JoinSet::new();
    loop {
        let stream = match socket.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                let text = format!("cannot listen on 127.0.0.1: {error}");
                let _ = answers.send(Err(ProviderError::new(ErrorKind::Unavailable, text))).await;
                return;
            }
        };
        while connections.try_join_next().is_some() {}
        if connections.len() < AT_ONCE {
            let (expected, answers) = (Rc::clone(&expected), answers.clone());
            connections.spawn_local(async move {
                if let Ok(Some(callback)) = timeout(CONNECTION, serve(stream, &expected)).await {
                    let _ = answers.send(Ok(callback)).await;
                }
            });
        }
    }
}

/// Reads one request and answers it.
async fn serve(mut stream: TcpStream, expected: &Expected) -> Option<Callback> {
    // never moved: it may hold the code
    let mut head = Zeroizing::new(vec![0; MAX_HEAD]);
    let mut filled = 0;
    let (page, callback) = loop {
        match stream.read(&mut head[filled..]).await {
            Ok(count) if count > 0 => filled += count,
            _ => return None,
        }
        match expected.read(&head[..filled]) {
            Read::More => {}
            Read::Refuse(page) => break (page, None),
            Read::Done(callback @ Callback::Code(_)) => break (&page::DONE, Some(callback)),
            Read::Done(callback) => break (&page::REFUSED, Some(callback)),
        }
    };
    // whether or not the page arrives, the answer did
    let _ = timeout(Duration::from_secs(2), answer(&mut stream, page)).await;
    callback
}

/// Sends a page and waits until the other side has closed, so that nothing of it is cut off.
async fn answer(stream: &mut TcpStream, page: &page::Page) -> std::io::Result<()> {
    stream.write_all(&page.answer()).await?;
    stream.shutdown().await?;
    let mut rest = [0; 512];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
