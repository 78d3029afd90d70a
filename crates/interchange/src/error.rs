//! Errors of reading and writing files of secrets, grouped by who can mend them.

use subrosa_secret::{NameError, ValueTooLarge};

use crate::{MAX_FILE_LEN, MAX_ITEMS, Place};

/// Why a file of secrets cannot be read or written. No message holds a value or a passphrase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterchangeError {
    // the user, or whoever wrote the file
    /// A name in the file cannot be the name of a secret.
    #[error("{place}: {source}")]
    Name {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        source: NameError,
    },
    /// A value is longer than a value may be.
    #[error("{place}: {source}")]
    Value {
        /// Where it stands.
        place: Place,
        /// How long it is.
        source: ValueTooLarge,
    },
    /// The file is not of the format that it was read as.
    #[error("{place}: {what}")]
    Malformed {
        /// Where.
        place: Place,
        /// What is wrong there, without quoting it.
        what: String,
    },

    // whoever can write the file
    /// The file is longer than any that is read.
    #[error("the file has {len} bytes; at most {MAX_FILE_LEN} are read")]
    TooLong {
        /// Bytes that it has.
        len: u64,
    },
    /// More secrets than one file may hold.
    #[error("the file holds more than {MAX_ITEMS} secrets")]
    TooMany,
}

impl InterchangeError {
    /// The stable name of this kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Name { .. } => "name",
            Self::Value { .. } => "value_too_large",
            Self::Malformed { .. } => "malformed",
            Self::TooLong { .. } => "too_long",
            Self::TooMany => "too_many",
        }
    }
}
