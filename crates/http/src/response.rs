//! What came back: the head as it was received, and how long each step took.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// The protocol version of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl fmt::Display for Version {
    /// As curl's `%{http_version}` writes it: `1.0`, `1.1`, `2`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        })
    }
}

/// Status line and header lines of a response.
///
/// Headers are in the order of arrival; over HTTP/1 names keep the case in which the server wrote them.
/// A response may repeat secrets, so this has no `Debug`.
#[derive(Clone)]
pub struct ResponseHead {
    /// The protocol version.
    pub version: Version,
    /// The status code, 100 to 999.
    pub status: u16,
    /// The reason phrase of HTTP/1; empty over HTTP/2.
    pub reason: String,
    /// Names and values, surrounding white space and line folding removed.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The head as curl's `-i` writes it: the received bytes over HTTP/1, the same layout made up over HTTP/2.
    pub raw: Vec<u8>,
}

impl ResponseHead {
    /// The first header of that name, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| &value[..])
    }

    /// All headers of that name, in order.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| &value[..])
    }

    /// Whether one of the comma-separated members of the headers of that name is `token`, without case.
    pub(crate) fn lists(&self, name: &str, token: &str) -> bool {
        self.headers_named(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|member| member.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }
}

/// When each step was done, counted from the start of the request, for `-w`.
///
/// A step that did not take place (a name lookup for an address, TLS over plain http, anything on a reused
/// connection) is zero, as with curl.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// The host's name was resolved.
    pub name_lookup: Duration,
    /// The TCP connection stood.
    pub connect: Duration,
    /// The TLS handshake was done.
    pub app_connect: Duration,
    /// Everything was ready for the first byte of the request.
    pub pre_transfer: Duration,
    /// The first byte of the response was there.
    pub start_transfer: Duration,
    /// The response was complete, or as far as it has come.
    pub total: Duration,
}

/// How many bytes went and came, for `-w`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Bytes of the request head. Over HTTP/2 that of the same head in HTTP/1's form.
    pub request_head: u64,
    /// Bytes of the request body.
    pub request_body: u64,
    /// Bytes of all response heads, interim ones included.
    pub response_head: u64,
    /// Bytes of the response body as received, before any decoding.
    pub response_body: u64,
}

/// The two ends of the connection that a response came through.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// The server's address; a Unix socket has none.
    pub remote: Option<SocketAddr>,
    /// This machine's address, likewise.
    pub local: Option<SocketAddr>,
    /// Which connection of its client it is, counted from 0.
    pub number: u64,
}
