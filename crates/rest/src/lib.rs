//! Asking the API of an external vault: JSON over HTTPS, for every provider that has no client library of its own.
//!
//! A [`Server`] is a place and whom it is trusted by; a [`Call`] is one question, an [`Answer`] what came back. Several calls are
//! sent at the same time, over one connection where the server speaks HTTP/2. A [`Relay`] sends what somebody else's client library makes.
//!
//! What it is not: it knows no API. What a status means, the provider says.
//!
//! Invariants:
//! - Plain http is refused, unless the address was [settled](settle_address) with the user's word for it. No certificate is ever
//!   accepted unseen, and no proxy, authority or address of the environment is used.
//! - A redirect is never followed, so that no credential goes where it was not meant for.
//! - An answer has at most [`MAX_ANSWER`] bytes and [`PATIENCE`] to come.
//! - Credentials go into a call as [`SecretValue`](subrosa_secret::SecretValue)s, by the same hand as those of a request of the
//!   user's; no error quotes one, nor anything of an answer.
//!
//! ```
//! use subrosa_rest::{Call, Server, settle_address};
//!
//! # fn main() -> Result<(), subrosa_provider::ProviderError> {
//! let address = settle_address("https://Vault.example.com:8200/", false)?;
//! assert_eq!(address, "https://vault.example.com:8200");
//! let server = Server::new(&address, Some("no certificate at all"));
//! assert!(server.is_err());
//! let call = Call::get("/v1/sys/health").header("X-Vault-Request", "true");
//! # let _ = call;
//! # Ok(()) }
//! ```

mod address;
mod answer;
mod call;
mod fault;
mod relay;
mod server;
mod settings;

pub use address::settle_address;
pub use answer::{Answer, text_of};
pub use call::{Call, Form, JsonObject, encoded};
pub use relay::{Outgoing, Relay, RelayHandle};
pub use server::{MAX_ANSWER, PATIENCE, Server};
pub use settings::{settle_authorities, settle_server};
