//! Secret values, their names and references, and the rules for where they may go.

mod authority;
mod host;
mod name;
mod origin;
mod placement;
mod profile;
mod reference;
mod scheme;
mod tag;
mod url;
mod value;

pub use host::{Host, HostError};
pub use name::{MAX_NAME_LEN, Name, NameError};
pub use origin::Origin;
pub use placement::{Placement, UnknownPlacement};
pub use profile::{MAX_PROFILE_LEN, Profile};
pub use reference::{Fault, Form, Malformed, Reference, Scan, scan};
pub use scheme::{Scheme, UnknownScheme};
pub use tag::{MAX_TAG_LEN, Tag};
pub use url::{AuthorityPart, UrlError, UrlParts};
pub use value::{MAX_VALUE_LEN, SecretValue, ValueTooLarge};
