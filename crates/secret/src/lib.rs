//! Secret values, their names and references, and the rules for where they may go.

mod authority;
mod destination;
mod host;
mod name;
mod origin;
mod placement;
mod policy;
mod postman;
mod profile;
mod reference;
mod rule;
mod scheme;
mod tag;
mod trust;
mod url;
mod value;

pub use destination::{Destination, Deviation, UnknownDeviation};
pub use host::{Host, HostError};
pub use name::{MAX_NAME_LEN, Name, NameError};
pub use origin::Origin;
pub use placement::{Placement, UnknownPlacement};
pub use policy::{Access, Policy, Verdict};
pub use postman::{PostmanRule, import_postman_rule};
pub use profile::{MAX_PROFILE_LEN, Profile};
pub use reference::{Fault, Form, Malformed, Reference, Scan, scan};
pub use rule::{HostRule, Notice, Parsed, RuleError};
pub use scheme::{Scheme, UnknownScheme};
pub use tag::{MAX_TAG_LEN, Tag};
pub use trust::TrustRules;
pub use url::{AuthorityPart, UrlError, UrlParts};
pub use value::{MAX_VALUE_LEN, SecretValue, ValueTooLarge};
