//! Sending a filled request and reading its response.
//!
//! HTTP/2 is hyper's. HTTP/1.1 is written here, for the sake of curl's case and order of headers: see `http1`.
//! Both stand on tokio with one thread, and on rustls with ring.

mod authenticate;
mod awaited;
mod client;
mod clock;
mod connect;
mod dial;
pub(crate) mod http1;
mod http2;
mod incoming;
mod local;
mod pace;
mod pool;
mod stream;
pub(crate) mod tls;
mod tunnel;
mod upload;
mod verifier;

pub use client::Client;
pub use clock::{Clock, Limits, Slowest};
pub use incoming::Response;
