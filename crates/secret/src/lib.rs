//! Secret values, their names and references, and the rules for where they may go.
//!
//! This is the leaf that everything in subrosa stands on. It says what a secret is ([`SecretValue`], [`Name`]),
//! how it is referred to ([`scan`], [`Reference`]), what a request's destination is ([`UrlParts`], [`Origin`],
//! [`Destination`]), whether a secret may go there ([`Policy`], [`HostRule`], [`TrustRules`]), and how its value
//! is masked where something is shown ([`Redactor`]).
//!
//! # What it is not
//! It does no I/O, keeps nothing, looks nothing up and sends nothing. It does not encrypt.
//!
//! # Invariants
//! - No type that holds plain text can be printed, compared, cloned or serialised by itself; reading one is the
//!   visible call [`SecretValue::expose_secret`].
//! - No error or notice quotes a value.
//! - What two parsers could read differently is refused, not repaired: [`Host`], [`UrlParts`].
//! - A policy is judged on origin and placement alone, before a value is opened.
//! - Masking is a display aid, never a boundary.
//!
//! # Example
//! ```
//! use subrosa_secret::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let request = "Authorization: Bearer <<vault:example-key>>";
//! let found = scan(request.as_bytes());
//! let name = &found.references[0].name;
//! assert_eq!(name.as_str(), "example-key");
//!
//! let rule = HostRule::parse("*.example.com;header")?.rule;
//! let policy = Policy { access: Access::Restricted(vec![rule]), ..Policy::default() };
//! let api = Origin::of_url("https://API.example.com./v1")?;
//! assert_eq!(policy.judge(&api, Placement::Header), Verdict::Allowed);
//! assert_ne!(policy.judge(&api, Placement::Body), Verdict::Allowed);
//!
//! let value = SecretValue::new(b"correct horse".to_vec())?;
//! let redactor = Redactor::new([(name.clone(), &value)]);
//! assert_eq!(redactor.redact_str("you sent correct%20horse"), "you sent <<vault:example-key>>");
//! # Ok(())
//! # }
//! ```

mod authority;
mod destination;
mod detector;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod name;
mod origin;
mod placement;
mod policy;
mod postman;
mod profile;
mod redact;
mod reference;
mod rule;
mod scheme;
mod stack;
mod tag;
mod trust;
mod url;
mod value;

pub use destination::{Destination, Deviation, UnknownDeviation};
pub use detector::Detector;
pub use host::{Host, HostError};
pub use name::{MAX_NAME_LEN, Name, NameError};
pub use origin::Origin;
pub use placement::{Placement, UnknownPlacement};
pub use policy::{Access, Policy, Verdict};
pub use postman::{PostmanRule, import_postman_rule};
pub use profile::{MAX_PROFILE_LEN, Profile};
pub use redact::{RedactStream, Redactor};
pub use reference::{Fault, Form, Malformed, Reference, Scan, scan};
pub use rule::{HostRule, Notice, Overlap, Parsed, RuleError};
pub use scheme::{Scheme, UnknownScheme};
pub use stack::wipe_dead_stack;
pub use tag::{MAX_TAG_LEN, Tag};
pub use trust::TrustRules;
pub use url::{AuthorityPart, UrlError, UrlParts};
pub use value::{MAX_VALUE_LEN, SecretValue, ValueTooLarge};
