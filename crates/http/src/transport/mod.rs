//! Sending a filled request and reading its response.

mod client;
mod clock;
mod dial;
mod http1;
mod http2;
mod incoming;
mod pool;
mod stream;
pub(crate) mod tls;
mod verifier;

pub use client::Client;
pub use clock::{Clock, Limits};
pub use incoming::Response;
