//! Errors of reading and writing files of secrets, grouped by who can mend them.

use subrosa_secret::{NameError, ValueTooLarge};

use crate::format::list;
use crate::{Format, MAX_FILE_LEN, MAX_ITEMS, Place};

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
    /// What is to be written cannot be said in the format.
    #[error("{what}")]
    Unwritable {
        /// What of which secret.
        what: String,
    },
    /// The file is of no format that can be read.
    #[error("the format of the file is not recognised; these can be read: {}", list(&Format::ALL))]
    Unrecognised,
    /// The file can be read in several ways.
    #[error("the file can be read as {}, and its content does not tell which", list(candidates))]
    Ambiguous {
        /// The formats that it can be of.
        candidates: Vec<Format>,
    },
    /// The file is of a program that is known, and cannot be read.
    #[error("this is {what}; importing it is not supported yet")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// The file is text in another encoding than UTF-8.
    #[error("the file is {encoding} text; only UTF-8 is read")]
    Encoding {
        /// The encoding.
        encoding: &'static str,
    },
    /// The file is not text.
    #[error("the file is not text: byte {at} is no part of UTF-8 text")]
    NotText {
        /// Where, counted from 0.
        at: usize,
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
            Self::Unwritable { .. } => "unwritable",
            Self::Unrecognised => "format_unrecognised",
            Self::Ambiguous { .. } => "format_ambiguous",
            Self::Unsupported { .. } => "format_unsupported",
            Self::Encoding { .. } => "encoding",
            Self::NotText { .. } => "not_text",
            Self::TooLong { .. } => "too_long",
            Self::TooMany => "too_many",
        }
    }
}
