//! What happens on the way, for `-v` and for the audit.

use std::net::SocketAddr;

use crate::certificate::CertificateFacts;
use crate::error::BoxError;
use crate::response::ResponseHead;

/// What TLS agreed on.
#[derive(Debug, Clone)]
pub struct TlsFacts {
    /// `TLSv1.3`, `TLSv1.2`.
    pub version: String,
    /// The cipher suite by its IANA name.
    pub cipher: String,
    /// The protocols that were offered (RFC 7301).
    pub offered: Vec<String>,
    /// Whether the server's certificate was checked: it was not with `-k`.
    pub is_verified: bool,
    /// The protocol that ALPN chose, such as `h2`.
    pub alpn: Option<String>,
    /// The server's certificate, as far as it can be read.
    pub certificate: Option<CertificateFacts>,
}

/// One step of an exchange. Nothing is masked: whoever shows an event masks it.
#[non_exhaustive]
pub enum Event<'a> {
    /// The addresses of the host are known; they are tried in this order.
    Resolved {
        /// The host that was looked up, after `--connect-to`.
        host: &'a str,
        /// The addresses with the port.
        addresses: &'a [SocketAddr],
    },
    /// A connection is tried.
    Trying {
        /// Where to: an address with its port, or a Unix socket.
        to: &'a str,
    },
    /// A connection stands, over TCP or a Unix socket.
    Connected {
        /// The host connected to, after `--connect-to`.
        host: &'a str,
        /// Where it ended: an address, or a Unix socket.
        at: &'a str,
        /// The port connected to.
        port: u16,
        /// Which connection of the client it is, counted from 0.
        number: u64,
    },
    /// TLS stands and the server's certificate was verified (or not, with `-k`).
    Tls(&'a TlsFacts),
    /// An idle connection is used again.
    Reused {
        /// The host that it leads to.
        host: &'a str,
        /// Which connection of the client it is, counted from 0.
        number: u64,
    },
    /// A response was read to its end, and another request follows: a redirect, or one that is sent again.
    Left {
        /// The host connected to.
        host: &'a str,
        /// Which connection of the client it is.
        number: u64,
        /// Whether it can be used again.
        is_kept: bool,
    },
    /// A redirect is followed to this URL.
    Redirected {
        /// As the server gave it, made absolute.
        url: &'a [u8],
    },
    /// The request for a tunnel goes to the proxy.
    ConnectHead(&'a [u8]),
    /// The proxy has answered to it.
    ConnectResponseHead {
        /// The answer.
        head: &'a ResponseHead,
        /// Whether it belongs to what is shown of the response.
        is_output: bool,
    },
    /// The request head goes out. Over HTTP/2 it is shown as curl shows it, in the form of HTTP/1.
    RequestHead(&'a [u8]),
    /// The request body goes out.
    RequestBody(&'a [u8]),
    /// A response head came in, interim (1xx) ones included.
    ResponseHead(&'a ResponseHead),
}

/// What a request is about to be sent through.
pub struct Sending<'a> {
    /// The origin of the URL, `https://api.example.com`.
    pub origin: &'a str,
    /// The host that the connection was made to, after `--connect-to`.
    pub host: &'a str,
    /// Where the connection ends; a Unix socket has no address.
    pub remote: Option<SocketAddr>,
}

/// Watches an exchange.
pub trait Observer {
    /// Told of each step as it happens.
    fn event(&mut self, _event: Event<'_>) {}

    /// Called once the connection stands and TLS is verified, immediately before the first byte of the request; on a
    /// way through a proxy also before that is told anything, with the proxy as the origin.
    /// An error keeps the request from being sent: the place to write an audit entry.
    ///
    /// # Errors
    /// Whatever must stop the request.
    fn before_send(&mut self, _sending: &Sending<'_>) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Watches nothing.
pub struct Unobserved;

impl Observer for Unobserved {}
