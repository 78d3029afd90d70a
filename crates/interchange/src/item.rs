//! What a file of secrets says.

use std::collections::BTreeSet;
use std::fmt;

use subrosa_secret::{HostRule, MAX_VALUE_LEN, Name, Policy, SecretValue, Tag};
use zeroize::Zeroizing;

use crate::{InterchangeError, Items, Link, Notices};

/// Everything that one file holds, in the order of the file.
#[derive(Default)]
pub struct Contents {
    /// The secrets; the same name can stand several times.
    pub items: Items,
    /// What was left out or read differently from how its own program would, for the user to know.
    pub notices: Notices,
}

/// One secret of a file.
pub struct Item {
    /// The name that it will have.
    pub name: Name,
    /// The value; `None` where the file names a secret without one.
    pub value: Option<SecretValue>,
    /// Where the value is kept instead, which only an export of subrosa says. Never beside a value.
    pub link: Option<Box<Link>>,
    /// Free text for people; empty where the file has none.
    pub description: String,
    /// Words to find it by.
    pub tags: BTreeSet<Tag>,
    /// What it may be used for. Only an export of subrosa says more here than [`Policy::default`].
    pub policy: Policy,
    /// Where the file suggests that it belongs. Widens nothing before the user has agreed.
    pub proposed: Vec<HostRule>,
    /// When it was made, in seconds since 1970, where the file tells.
    pub created: Option<i64>,
    /// When it was last changed, in seconds since 1970, where the file tells.
    pub changed: Option<i64>,
    /// Earlier values, oldest first.
    pub history: Vec<Earlier>,
    /// Where in the file it stands.
    pub place: Place,
}

/// A value that was current once.
pub struct Earlier {
    /// The value.
    pub value: SecretValue,
    /// When it was set, in seconds since 1970.
    pub changed: i64,
}

/// Where in a file something stands, for messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Place {
    /// The file as a whole.
    #[default]
    File,
    /// A line, counted from 1.
    Line(usize),
    /// One of the secrets of an export, counted from 0.
    Secret(usize),
    /// A path into a document, such as `values[3]` or `services.api.token`. Holds names, never values.
    Path(String),
}

/// A file that was written.
pub struct Written {
    /// The file.
    pub bytes: Zeroizing<Vec<u8>>,
    /// What its format cannot say, or says differently.
    pub notices: Notices,
}

/// Refuses to write links in a format of names and values alone: without its link a secret would be another one.
pub(crate) fn check_unlinked(items: &Items, format: &str) -> Result<(), InterchangeError> {
    match items.linked().next() {
        Some(item) => {
            let what = format!("{format} cannot hold the link of {}: its value is kept elsewhere", item.name);
            Err(InterchangeError::Unwritable { what })
        }
        None => Ok(()),
    }
}

/// Whether a value is no secret but refers to one. What is too long for a value is refused as that, and not searched: it
/// could hold any number of them.
pub(crate) fn holds_reference(value: &[u8]) -> bool {
    value.len() <= MAX_VALUE_LEN && !subrosa_secret::scan(value).references.is_empty()
}

impl Item {
    /// A secret about which the file says no more than this.
    #[must_use]
    pub fn new(name: Name, value: Option<SecretValue>, place: Place) -> Self {
        Self {
            name,
            value,
            link: None,
            description: String::new(),
            tags: BTreeSet::new(),
            policy: Policy::default(),
            proposed: Vec::new(),
            created: None,
            changed: None,
            history: Vec::new(),
            place,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Secret(number) => write!(f, "secrets[{number}]"),
            Self::Path(path) => f.write_str(path),
        }
    }
}
