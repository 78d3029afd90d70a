//! A request with its values in it.

use std::sync::Arc;
use std::time::Duration;

use subrosa_secret::{Name, Origin, SecretValue};
use zeroize::Zeroizing;

use crate::auth::{Credentials, SharedSession};
use crate::connection::{Connection, Protocol};
use crate::cookie::{CookieJar, Site};
use crate::payload::Payload;
use crate::proxy_plan::FilledProxy;
use crate::response::ResponseHead;

/// A request that is ready to be sent. Holds secrets: no `Debug`, wiped when dropped.
///
/// Made by [`Plan::fill`](crate::Plan::fill) only, so nothing is sent that was not planned.
pub struct Request {
    pub(crate) method: String,
    pub(crate) origin: Origin,
    pub(crate) target: Zeroizing<Vec<u8>>,
    /// Names, and everything after the colon.
    pub(crate) headers: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// User and password for a server that asks for them, and what is known of it.
    pub(crate) credentials: Option<(Arc<Credentials>, SharedSession)>,
    /// Where among the headers the answer stands.
    pub(crate) answer_at: usize,
    /// Whether the body is a form of parts.
    pub(crate) is_form: bool,
    pub(crate) body: Option<Payload>,
    pub(crate) chunked: bool,
    pub(crate) expect: Expect,
    /// How long a server that was asked may take before the body is sent nonetheless.
    pub(crate) expect_timeout: Duration,
    /// Where the cookies of the answer go.
    pub(crate) jar: Option<CookieJar>,
    /// The path for them as far as it holds no value.
    pub(crate) cookie_path: String,
    pub(crate) must_end_on_loopback: bool,
    pub(crate) proxy: Option<FilledProxy>,
    pub(crate) proxy_must_end_on_loopback: bool,
    pub(crate) injected: Vec<Injected>,
    /// Whether chunks of the answer stay as they are.
    pub(crate) raw: bool,
    /// Whether the answer ends with the connection.
    pub(crate) ignores_length: bool,
    /// Whether the target is the user's own (`--request-target`).
    pub(crate) own_target: bool,
    pub(crate) connection: Arc<Connection>,
}

/// Whether the server is asked before the body is sent (RFC 9110, 10.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    No,
    /// With a header that is added for it, over HTTP/1.1 only.
    ByItself,
    /// With a header that the user wrote.
    AsWritten,
}

/// A value that went into a request.
pub(crate) struct Injected {
    pub(crate) name: Name,
    pub(crate) value: SecretValue,
    pub(crate) in_url: bool,
    pub(crate) in_body: bool,
    /// Whether the host got it, and not a proxy alone.
    pub(crate) to_host: bool,
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

    /// The host that its connection leads to.
    pub(crate) fn connected_host(&self) -> String {
        self.connection.endpoint(&self.origin).host.to_string()
    }

    pub(crate) fn is_http10(&self) -> bool {
        self.connection.options().protocol == Protocol::Http10
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn keep_cookies(&self, head: &ResponseHead) {
        if let Some(jar) = &self.jar {
            jar.absorb(&Site::new(&self.origin, &self.cookie_path), head);
        }
    }

    /// Whether the method may be repeated without asking (RFC 9110, 9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
    }
}
