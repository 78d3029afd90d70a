//! Sending HTTP requests that have references to secrets in them.
//!
//! A [`RequestDraft`] is what its author wrote. [`RequestDraft::plan`] says, before anything is looked up, which
//! secrets it needs, in which places, and where it would really go. The caller judges that, looks the values up,
//! and [`Plan::fill`] puts them in: the one place where values enter a request. [`Client`] sends what was filled,
//! exactly as curl would write it; [`follow`] goes after redirects without taking a secret along.
//!
//! # What it is not
//! It knows no vault and no rules: judging a plan and finding values is the caller's. It masks nothing: whoever
//! shows an [`Event`] or a response does. It reads no proxy, CA or key log variable of the environment.
//!
//! # Invariants
//! - A request leaves only through [`Plan::fill`], bound to the [`Connection`] that it was planned with.
//! - Values are inserted by the rules of their place and never scanned again.
//! - [`Observer::before_send`] runs after TLS is verified and before the first byte of the request.
//! - A connection opened with one [`Connection`] never carries a request planned with another.
//! - No error holds a value, a path or a query.
//! - A body that could not be read to its end, or that changed while it was sent, never looks like a whole one.
//!
//! # Where it differs from curl 7.88
//! On the wire a request is curl's, byte for byte over HTTP/1.1, but for these:
//! - the User-Agent; the host is written in its canonical form (lower case, no trailing dot, A-labels);
//! - a body without a known length is cut into chunks where it is read;
//! - over plain http `--http2` does not offer an upgrade to `h2c`;
//! - a header name has to be a token, a value cannot hold a control character, Host, Content-Length and
//!   Transfer-Encoding stand once at most, and a Content-Length is the body's;
//! - over HTTP/2 values lose surrounding white space (RFC 9113, 8.2.1) and `"`, `<`, `>`, `` ` `` are percent-encoded;
//! - a URL that parsers could read differently, or a Location with control characters, is refused.
//!
//! # Example
//! ```
//! use std::collections::BTreeMap;
//! use subrosa_http::{Connection, HeaderField, RequestDraft};
//! use subrosa_secret::{Name, SecretValue};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut draft = RequestDraft::new("https://api.example.com/v1/items?key=<<vault:example-key>>");
//! draft.headers.push(HeaderField::new("Accept", "application/json"));
//! let plan = draft.plan(&Connection::plain())?;
//! assert_eq!(plan.uses()[0].place, "URL query");
//! assert_eq!(plan.destination().origin.to_string(), "https://api.example.com");
//!
//! let mut values = BTreeMap::new();
//! values.insert(Name::parse("example-key")?, SecretValue::new(b"not a real key".to_vec())?);
//! let request = plan.fill(&values)?;
//! assert_eq!(request.method(), "GET");
//! # Ok(())
//! # }
//! ```

pub mod blocking;
pub mod redirect;

mod assemble;
mod auth;
mod body;
mod certificate;
mod connection;
mod cookie;
mod decode;
mod draft;
mod error;
mod event;
mod framing;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod identity;
mod json;
mod leg;
mod location;
mod multipart;
mod outline;
mod payload;
mod percent;
mod pin;
mod plan;
mod proxy;
mod proxy_plan;
mod request;
mod response;
mod route;
mod schemes;
mod search;
mod socket;
mod source;
mod substitute;
mod target;
mod template;
mod text;
mod tls_fault;
mod tls_options;
mod transport;
mod values;

pub use auth::AuthMethods;
pub use body::{Body, BodyKind};
pub use certificate::CertificateFacts;
pub use connection::{
    Connection, ConnectionOptions, Kept, Protocol, Trust, authorities, authorities_to_keep, read_authorities,
};
pub use cookie::{CookieFileError, CookieJar};
pub use decode::CODINGS;
pub use draft::{KeptPost, RangeHeader, RequestDraft};
pub use error::{BoxError, HttpError, RedirectFault};
pub use event::{Event, Observer, Sending, TlsFacts, Unobserved};
pub use header::HeaderField;
pub use identity::{CertificateForm, Identity, IdentityParts, IdentitySource, read_identity_file};
pub use multipart::{Form, Part, PartContent, PartEncoding};
pub use outline::{BodyOutline, HeaderOutline, RouteOutline, Written};
pub use percent::decode as percent_decoded;
pub use pin::Pin;
pub use plan::{Plan, PlannedUse};
pub use proxy::{NoProxy, Proxy, ProxyKind};
pub use redirect::{Hops, follow};
pub use request::Request;
pub use response::{Ends, ResponseHead, Sizes, Timings, Version};
pub use route::{ConnectTo, Resolve};
pub use rustls::pki_types::CertificateDer;
pub use schemes::Schemes;
pub use search::holds_references;
pub use socket::{Family, Interface, KeepAlive, SocketOptions, UnixSocket};
pub use source::Source;
pub use substitute::Refusal;
pub use template::MalformedUse;
pub use text::Text;
pub use tls_fault::{CertificateFault, TlsFault};
pub use tls_options::{TlsOptions, TlsVersion, read_revocation_lists};
pub use transport::{Client, Clock, Limits, Response, Slowest};
pub use values::Values;
