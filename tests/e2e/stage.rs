//! A user with a vault, and a server on loopback that keeps what reached it.

use subrosa_testkit::{Answer, CaptureOptions, CaptureServer, Captured};

use crate::home::{Home, Run, text};

/// A made-up value that cannot be mistaken for anything else.
pub(crate) const VALUE: &str = "made-up-5f0c1e9b7d3a";

/// One user and one server.
pub(crate) struct Stage {
    pub(crate) home: Home,
    pub(crate) server: CaptureServer,
}

impl Stage {
    /// A server without TLS.
    pub(crate) fn new() -> Self {
        Self::with(CaptureOptions::default())
    }

    /// A server without TLS that answers like this.
    pub(crate) fn answering(answer: impl Fn(usize, &Captured) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(CaptureOptions::default().answering(answer))
    }

    /// A server with a certificate for these names.
    pub(crate) fn tls(names: &[&str]) -> Self {
        Self::with(CaptureOptions::tls_for(names))
    }

    /// A server of this kind.
    pub(crate) fn with(options: CaptureOptions) -> Self {
        Self { home: Home::new(), server: CaptureServer::start(options) }
    }

    /// The server's origin, which is also the rule that allows it.
    pub(crate) fn origin(&self) -> String {
        self.server.url("")
    }

    /// The flags that lead any host to this server, and trust it.
    pub(crate) fn route(&self) -> Vec<String> {
        let mut words = vec!["--connect-to".to_owned(), format!("::{}", self.server.addr())];
        if self.origin().starts_with("https:") {
            words.extend(["--cacert".to_owned(), text(&self.server.ca_path())]);
        }
        words
    }

    /// Stores [`VALUE`], allowed for this server.
    pub(crate) fn allowed(&self, name: &str) {
        self.home.store(name, VALUE, &["--host", &self.origin()]);
    }

    /// Runs `send`.
    pub(crate) fn send(&self, words: &[&str]) -> Run {
        self.home.run(&[&["send"], words].concat())
    }

    /// Runs `send` with whatever host led to this server.
    pub(crate) fn send_routed(&self, words: &[&str]) -> Run {
        let route = self.route();
        let route: Vec<&str> = route.iter().map(String::as_str).collect();
        self.send(&[&route[..], words].concat())
    }

    /// Runs `send` to this server.
    pub(crate) fn send_here(&self, words: &[&str], path: &str) -> Run {
        self.send(&[words, &[self.server.url(path).as_str()]].concat())
    }

    /// The only request that reached the server.
    #[track_caller]
    pub(crate) fn request(&self) -> Captured {
        let mut requests = self.server.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// Nothing reached the server: no request, not even a connection.
    #[track_caller]
    pub(crate) fn untouched(&self) {
        assert_eq!(self.server.requests(), []);
        assert_eq!(self.server.connections(), 0, "a connection was made");
    }
}
