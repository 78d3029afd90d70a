//! What a capture server answers.

use std::net::SocketAddr;
use std::time::Duration;

/// One answer. Over HTTP/2 only status, headers, body and delay count.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) delay: Duration,
    pub(super) raw: Option<Vec<u8>>,
    pub(super) close: bool,
    pub(super) tunnel: Option<SocketAddr>,
}

impl Answer {
    /// An answer with that status and no body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            delay: Duration::ZERO,
            raw: None,
            close: false,
            tunnel: None,
        }
    }

    /// 200 with that body.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::status(200) }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).with("Location", location)
    }

    /// These bytes as they are, then the end of the connection (HTTP/1 only). Without any the connection just closes.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { raw: Some(bytes.into()), close: true, ..Self::status(200) }
    }

    /// 200 to a CONNECT, and whatever comes goes to `server` and back (HTTP/1 only).
    #[must_use]
    pub fn tunnel_to(server: SocketAddr) -> Self {
        let raw = b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n";
        Self { tunnel: Some(server), raw: Some(raw.to_vec()), ..Self::status(200) }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with that body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same after a pause.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same, and the connection closes behind it without a word (HTTP/1 only).
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.close = true;
        self
    }

    /// The same, and the connection stays open behind it.
    #[must_use]
    pub fn left_open(mut self) -> Self {
        self.close = false;
        self
    }

    /// The bytes of HTTP/1.1, with a Content-Length unless a header says otherwise.
    pub(super) fn to_bytes(&self, to_head: bool) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut bytes = format!("HTTP/1.1 {} Scripted\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let framed = ["content-length", "transfer-encoding"];
        let own = self.headers.iter().any(|(name, _)| framed.contains(&name.to_ascii_lowercase().as_str()));
        if !own && !matches!(self.status, 100..=199 | 204 | 304) {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        if !to_head {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}
