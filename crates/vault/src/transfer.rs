//! Many secrets at once, whole: out of a vault in one snapshot, into one in one change.
//!
//! Seals are made and opened on all processors; the engine is spoken to by one thread, in the order of the rows' places.
//! Neither way do more secrets stand in memory than those that are just worked on: what is kept of the others is the
//! caller's business.

mod arrivals;
mod export;
mod restore;

use std::collections::BTreeSet;

use subrosa_secret::{Name, Policy, SecretValue, Tag as Label};

use crate::{Entry, Link, RecordId, Seen};

pub use arrivals::{Arrival, Arrivals, Given};

/// A secret with everything that is told of it: what an export holds and an import brings.
pub struct Portable {
    /// The name by which references ask for it.
    pub name: Name,
    /// The value; `None` where it has none yet, or is linked.
    pub value: Option<SecretValue>,
    /// Where the value is kept instead. Never beside a value.
    pub link: Option<Link>,
    /// Free text for people.
    pub description: String,
    /// Words to find it by.
    pub tags: BTreeSet<Label>,
    /// Where it may go.
    pub policy: Policy,
    /// When it was made, in seconds since 1970; `None` is now.
    pub created: Option<i64>,
    /// When it was last changed, in seconds since 1970; `None` is now.
    pub changed: Option<i64>,
    /// Earlier values, oldest first.
    pub history: Vec<Past>,
}

impl Portable {
    /// How many bytes its values have.
    #[must_use]
    pub fn weight(&self) -> usize {
        let current = self.value.as_ref().map_or(0, SecretValue::len);
        current + self.history.iter().map(|past| past.value.len()).sum::<usize>()
    }
}

/// A secret that the vault gave out.
pub struct Exported {
    /// Which state of it this is.
    pub seen: Seen,
    /// All that is told of it.
    pub secret: Portable,
}

impl Exported {
    /// An entry with its value, and without earlier ones.
    #[must_use]
    pub fn of(entry: Entry, value: Option<SecretValue>) -> Self {
        let seen = entry.seen();
        let Entry { metadata, policy, link, .. } = entry;
        let secret = Portable {
            name: metadata.name,
            value,
            link,
            description: metadata.description,
            tags: metadata.tags,
            policy,
            created: Some(metadata.created),
            changed: Some(metadata.changed),
            history: Vec::new(),
        };
        Self { seen, secret }
    }
}

/// A value that was current once.
pub struct Past {
    /// The value.
    pub value: SecretValue,
    /// When it became current, in seconds since 1970.
    pub changed: i64,
}

/// What becomes of the secret that has the name already.
#[derive(Clone, Copy)]
pub enum Over {
    /// There is none.
    Nothing,
    /// It is deleted as [`Change::remove`](crate::Change::remove) deletes, so that it can be brought back until it is purged.
    Replacing(Seen),
    /// It stays the same record: its value or link goes into the history, as the last one before what is new.
    Keeping(Seen),
}

/// The ciphertext of a value, and where it will stand.
pub(crate) struct Body {
    pub record: RecordId,
    pub version: u64,
    /// Whether nothing can stand there: the record is new.
    pub is_new: bool,
    pub content: Vec<u8>,
}
