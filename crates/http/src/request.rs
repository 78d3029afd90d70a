//! A request with its values in it.

use std::sync::Arc;

use subrosa_secret::{Name, Origin, SecretValue};
use zeroize::Zeroizing;

use crate::connection::Connection;
use crate::text::Sink;

/// A request that is ready to be sent. Holds secrets: no `Debug`, wiped when dropped.
///
/// Made by [`Plan::fill`](crate::Plan::fill) only, so nothing is sent that was not planned.
pub struct Request {
    pub(crate) method: String,
    pub(crate) origin: Origin,
    pub(crate) target: Zeroizing<Vec<u8>>,
    /// Names, and everything after the colon.
    pub(crate) headers: Vec<(String, Zeroizing<Vec<u8>>)>,
    pub(crate) body: Option<Arc<Zeroizing<Vec<u8>>>>,
    pub(crate) chunked: bool,
    pub(crate) must_end_on_loopback: bool,
    pub(crate) injected: Vec<Injected>,
    pub(crate) connection: Arc<Connection>,
}

/// A value that went into a request.
pub(crate) struct Injected {
    pub(crate) name: Name,
    pub(crate) value: SecretValue,
    pub(crate) in_url: bool,
    pub(crate) in_body: bool,
}

impl Request {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Where it goes.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The head in the form of HTTP/1.1, as it is sent there and as `-v` shows it (masked by whoever shows it).
    pub(crate) fn head(&self) -> Zeroizing<Vec<u8>> {
        let lines: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 3).sum();
        let mut head = Sink::with_capacity(self.method.len() + self.target.len() + lines + 16);
        head.extend(self.method.as_bytes());
        head.push(b' ');
        head.extend(&self.target);
        head.extend(b" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            head.extend(name.as_bytes());
            head.push(b':');
            head.extend(value);
            head.extend(b"\r\n");
        }
        head.extend(b"\r\n");
        head.into_bytes()
    }

    /// The body as it goes over HTTP/1.1: in one chunk if the user asked for chunks.
    pub(crate) fn framed_body(&self) -> Arc<Zeroizing<Vec<u8>>> {
        match &self.body {
            None => Arc::default(),
            Some(body) if !self.chunked => body.clone(),
            Some(body) => {
                let mut out = Sink::with_capacity(body.len() + 32);
                if !body.is_empty() {
                    out.extend(format!("{:x}\r\n", body.len()).as_bytes());
                    out.extend(body);
                    out.extend(b"\r\n");
                }
                out.extend(b"0\r\n\r\n");
                Arc::new(out.into_bytes())
            }
        }
    }

    pub(crate) fn body_length(&self) -> u64 {
        self.body.as_ref().map_or(0, |body| body.len() as u64)
    }

    /// Whether the method may be repeated without asking (RFC 9110, 9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
    }
}
