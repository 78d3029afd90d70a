//! Logging a person in at a server that speaks OAuth 2.0 or OpenID Connect: in a browser, or by a code that is typed on another
//! device; and going on with what was left of it.
//!
//! An [`Authority`] is the server, a [`Client`] what this program is to it, [`Tokens`] what a login gives. A browser's login is the
//! authorization code with PKCE (RFC 7636, S256 alone), and comes back to a listener on this machine (RFC 8252, section 7.3).
//!
//! What it is not: it asks no API with a token, and trusts no signature. What a token is worth, the server says that it is for.
//!
//! Invariants:
//! - The listener is bound to 127.0.0.1, lives for one login, and takes one answer: a GET of the agreed path with the agreed host
//!   and the state of this login. Everything else is refused and changes nothing. What it shows holds nothing that it was sent.
//! - An identity token is for this client, of this authority, and of this login (its nonce).
//! - An authority whose discovery document names another issuer is none.
//! - Codes, verifiers and tokens are [`SecretValue`](subrosa_secret::SecretValue)s; errors hold the registered code of a refusal and
//!   nothing else of an answer.
//!
//! ```no_run
//! use subrosa_oauth::{Authority, Browser, Client, Loopback};
//!
//! # fn log_in(person: &dyn subrosa_provider::Person) -> Result<(), subrosa_provider::ProviderError> {
//! let authority = Authority::discover("https://id.example.com", None, false)?;
//! let client = Client::public("subrosa");
//! let loopback = Loopback { ports: &[10545, 10534], ..Loopback::default() };
//! let wish = Browser { scope: "openid", loopback, ..Browser::default() };
//! let tokens = authority.log_in(&client, &wish, person)?;
//! assert!(tokens.id.is_some());
//! # Ok(()) }
//! ```

mod authority;
mod browser;
mod callback;
mod claims;
mod clock;
mod device;
mod listener;
mod page;
mod proof;
mod refusal;
mod tokens;

pub use authority::{Authority, Client, Endpoints};
pub use browser::{Browser, Explain, PATIENCE};
pub use listener::Loopback;
pub use tokens::Tokens;
