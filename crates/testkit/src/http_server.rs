//! A server that shows what reached it, byte for byte, and answers as the test says.

mod answer;
pub(crate) mod certificates;
mod frames;
mod http2;
mod raw;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

pub use answer::Answer;
pub use certificates::CertificateFault;
use certificates::Certificates;
pub use frames::Frames;

/// What a request gets for an answer: told its place in the order of requests, from 0, and the request.
pub type Script = dyn Fn(usize, &Captured) -> Answer + Send + Sync;

/// What a request over HTTP/2 gets in frames made by hand: told its connection and its place there, each from 0.
pub type FrameScript = dyn Fn(usize, usize) -> Frames + Send + Sync;

/// How a [`CaptureServer`] is to be.
#[derive(Clone)]
pub struct CaptureOptions {
    /// TLS, with a certificate for these names or addresses.
    pub tls: Option<Vec<String>>,
    /// What is wrong with that certificate.
    pub fault: CertificateFault,
    /// The certificate of another server that it shows in place of its own, whose key it does not have.
    pub copied: Option<CertificateDer<'static>>,
    /// Whether HTTP/2 is agreed to over TLS.
    pub http2: bool,
    /// Whether only clients with a certificate of the same CA are let in.
    pub client_certificate: bool,
    /// Listens on `::1` in place of `127.0.0.1`.
    pub ipv6: bool,
    /// The answers; without it every request gets 200 and `ok`.
    pub script: Option<Arc<Script>>,
    /// The frames of HTTP/2, in place of answers; requests are not captured then.
    pub frames: Option<Arc<FrameScript>>,
}

impl Default for CaptureOptions {
    /// HTTP/1.1 on 127.0.0.1 without TLS.
    fn default() -> Self {
        Self {
            tls: None,
            fault: CertificateFault::None,
            copied: None,
            http2: true,
            client_certificate: false,
            ipv6: false,
            script: None,
            frames: None,
        }
    }
}

impl CaptureOptions {
    /// Shows the certificate of another server, as whoever has seen it can.
    ///
    /// # Panics
    /// For another server without TLS.
    #[must_use]
    pub fn showing_that_of(self, other: &CaptureServer) -> Self {
        let copied = other.certificates.as_ref().expect("a server with TLS").shown();
        Self { copied: Some(copied), ..self }
    }

    /// TLS for `localhost` and both loopback addresses, HTTP/2 agreed to.
    #[must_use]
    pub fn tls() -> Self {
        Self::tls_for(&["localhost", "127.0.0.1", "::1"])
    }

    /// TLS with a certificate for `names`.
    #[must_use]
    pub fn tls_for(names: &[&str]) -> Self {
        Self { tls: Some(names.iter().map(|name| (*name).to_owned()).collect()), ..Self::default() }
    }

    /// The same with these answers.
    #[must_use]
    pub fn answering(mut self, script: impl Fn(usize, &Captured) -> Answer + Send + Sync + 'static) -> Self {
        self.script = Some(Arc::new(script));
        self
    }

    /// The same with these frames for answers over HTTP/2.
    #[must_use]
    pub fn framing(mut self, script: impl Fn(usize, usize) -> Frames + Send + Sync + 'static) -> Self {
        self.frames = Some(Arc::new(script));
        self
    }
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// The method as sent.
    pub method: String,
    /// The request target as sent: path and query.
    pub target: String,
    /// Header names and values in the order of arrival, values without surrounding white space. Over HTTP/2 the
    /// authority stands first under `:authority`, and equal names stand together.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, chunks put together.
    pub body: Vec<u8>,
    /// `HTTP/1.1`, `HTTP/2` ...
    pub version: String,
    /// The bytes of the head over HTTP/1, with the empty line; empty over HTTP/2.
    pub raw_head: Vec<u8>,
    /// The bytes of the body over HTTP/1, with the frames of its chunks; empty over HTTP/2.
    pub raw_body: Vec<u8>,
    /// Which connection it came through, counted from 0.
    pub connection: usize,
}

impl Captured {
    /// The values of the headers of that name, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Vec<&[u8]> {
        let same = |(have, _): &&(String, Vec<u8>)| have.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| &value[..]).collect()
    }

    /// Whether `needle` stands in the head or the body.
    #[must_use]
    pub fn contains(&self, needle: &str) -> bool {
        let mut all = format!("{} {}\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            all.extend_from_slice(name.as_bytes());
            all.extend_from_slice(value);
        }
        all.extend_from_slice(&self.body);
        String::from_utf8_lossy(&all).contains(needle)
    }
}

/// What the connections of a server share.
pub(crate) struct Shared {
    script: Option<Arc<Script>>,
    pub(crate) frames: Option<Arc<FrameScript>>,
    requests: Mutex<Vec<Captured>>,
    connections: AtomicUsize,
    bytes: AtomicUsize,
}

impl Shared {
    /// Notes a request and looks up its answer.
    pub(crate) fn capture(&self, captured: Captured) -> Answer {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let place = requests.len();
        let answer = self.script.as_ref().map_or_else(|| Answer::ok("ok"), |script| script(place, &captured));
        requests.push(captured);
        answer
    }

    pub(crate) fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }
}

/// A running server; it stops when dropped.
pub struct CaptureServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    certificates: Option<Certificates>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl CaptureServer {
    /// Starts a server on a free port of loopback.
    ///
    /// # Panics
    /// When it cannot: no test that asked for it can go on.
    #[must_use]
    pub fn start(options: CaptureOptions) -> Self {
        let certificates = options
            .tls
            .as_ref()
            .map(|names| Certificates::new(names, options.fault).copying(options.copied.clone()));
        let acceptor = certificates
            .as_ref()
            .map(|made| TlsAcceptor::from(made.server_config(options.http2, options.client_certificate)));
        let shared = Arc::new(Shared {
            script: options.script,
            frames: options.frames,
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        });
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build()
                .expect("a runtime for the server");
            runtime.block_on(async move {
                let address: SocketAddr = if options.ipv6 {
                    (Ipv6Addr::LOCALHOST, 0).into()
                } else {
                    (Ipv4Addr::LOCALHOST, 0).into()
                };
                let listener = TcpListener::bind(address).await.expect("a free port of loopback");
                ready.send(listener.local_addr().expect("the port")).expect("the test waits for it");
                tokio::spawn(accept(listener, acceptor, serving));
                let _ = stopped.await;
            });
        });
        let address = started.recv().expect("the server has started");
        Self { address, shared, certificates, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://127.0.0.1:PORT` or with https, and `path` behind it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// The PEM file of the CA that signed the server's certificate; of a self-signed one, the certificate itself.
    ///
    /// # Panics
    /// For a server without TLS.
    #[must_use]
    pub fn ca_path(&self) -> PathBuf {
        self.certificates.as_ref().expect("a server with TLS").ca_path()
    }

    /// The PEM files of a client certificate of the same CA, and of its key.
    ///
    /// # Panics
    /// For a server without TLS.
    #[must_use]
    pub fn client_identity(&self) -> (PathBuf, PathBuf) {
        self.certificates.as_ref().expect("a server with TLS").client_identity()
    }

    /// The same client certificate with its key as PKCS #12.
    ///
    /// # Panics
    /// For a server without TLS.
    #[must_use]
    pub fn client_pfx(&self, passphrase: &str) -> Vec<u8> {
        self.certificates.as_ref().expect("a server with TLS").client_pfx(passphrase)
    }

    /// The PEM file of the server's public key.
    ///
    /// # Panics
    /// For a server without TLS.
    #[must_use]
    pub fn public_key_path(&self) -> PathBuf {
        self.certificates.as_ref().expect("a server with TLS").public_key_path()
    }

    /// A revocation list of the server's CA, on which its certificate stands or does not.
    ///
    /// # Panics
    /// For a server without TLS.
    #[must_use]
    pub fn revocation_path(&self, revoked: bool) -> PathBuf {
        self.certificates.as_ref().expect("a server with TLS").revocation_path(revoked)
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Captured> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests since the last call, which are forgotten: the next one's place is 0 again.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Captured> {
        std::mem::take(&mut *self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many connections were made, also those without a request.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many bytes arrived above TLS, also those that never became a request.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shared.bytes.load(Ordering::SeqCst)
    }
}

impl Drop for CaptureServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection = shared.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve(stream, acceptor.clone(), shared.clone(), connection));
    }
}

async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>, connection: usize) {
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = acceptor else { return raw::serve(stream, &shared, connection).await };
    let Ok(stream) = acceptor.accept(stream).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        match shared.frames.clone() {
            Some(script) => frames::serve(stream, &*script, connection).await,
            None => http2::serve(stream, shared, connection).await,
        }
    } else {
        raw::serve(stream, &shared, connection).await;
    }
}
