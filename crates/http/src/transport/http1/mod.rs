//! HTTP/1.1 as a client speaks it (RFC 9112).

mod exchange;
mod framing;
mod head;

pub(crate) use exchange::{Exchange, Http1};
