//! Errors of reading and writing files of secrets, grouped by who can mend them.

use subrosa_secret::{NameError, ValueTooLarge};
use subrosa_vault::KdfError;

use crate::document::MAX_LEN;
use crate::format::list;
use crate::{Format, MAX_DEPTH, MAX_FILE_LEN, MAX_ITEMS, Place};

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
    /// The file is made as this format is, and does not say that it is one: it was damaged, or is of a version to come.
    /// Read as what it says, it would be something else.
    #[error(
        "the file looks like {}, damaged or of a newer subrosa: its format is not {:?}",
        match format {
            Format::Subrosa => "an encrypted export of subrosa",
            _ => "an export of subrosa in plain text",
        },
        match format {
            Format::Subrosa => "subrosa-export",
            _ => "subrosa-plain",
        }
    )]
    NearMiss {
        /// What it looks like.
        format: Format,
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
    /// The passphrase is too short for a new file.
    #[error(
        "the passphrase has {characters} characters; a file that leaves the vault needs at least {}",
        crate::subrosa::MIN_PASSPHRASE
    )]
    PassphraseTooShort {
        /// Characters that it has, in Unicode NFC.
        characters: usize,
    },
    /// A passphrase that cannot be used, or parameters of its key derivation that are refused.
    #[error(transparent)]
    Kdf(#[from] KdfError),
    /// Parameters that are accepted from a file, but not for a new one.
    #[error("a new export needs at least {}", subrosa_vault::KdfParams::MINIMUM)]
    WeakKdf,
    /// Another passphrase, or a damaged file: which, cannot be told and is not.
    #[error("the file does not open with that passphrase: it is another one, or the file is damaged")]
    DoesNotOpen,
    /// None of the keys given is that of a recipient.
    #[error("none of the keys given opens the file")]
    NoKeyFits,
    /// A file for nobody was to be written.
    #[error("there is no recipient to write the file for")]
    NoRecipients,
    /// The passphrase of an age file costs more work than is done.
    #[error(
        "the passphrase of the file asks for 2^{required} steps of scrypt; at most 2^{} are done",
        crate::age::MAX_WORK
    )]
    TooMuchWork {
        /// The exponent that the file says.
        required: u8,
    },
    /// The file says something that this version does not know.
    #[error("{place}: {what} needs a newer subrosa")]
    NeedsNewer {
        /// Where.
        place: Place,
        /// What is not known.
        what: &'static str,
    },

    // whoever can write the file
    /// A part of the file is not the one that was written there, though the passphrase is right.
    #[error("the file is damaged or was tampered with: {place} {what}")]
    Damaged {
        /// Where.
        place: Place,
        /// What is wrong there.
        what: &'static str,
    },
    /// The file is longer than any that is read.
    #[error("the file has {len} bytes; at most {MAX_FILE_LEN} are read")]
    TooLong {
        /// Bytes that it has.
        len: u64,
    },
    /// A YAML or TOML document is longer than any that is read.
    #[error("the document has {len} bytes; of YAML and TOML at most {MAX_LEN} are read")]
    DocumentTooLong {
        /// Bytes that it has.
        len: u64,
    },
    /// Deeper nesting than is followed.
    #[error("{place}: more than {MAX_DEPTH} levels")]
    TooDeep {
        /// Where.
        place: Place,
    },
    /// More secrets than one file may hold.
    #[error("the file holds more than {MAX_ITEMS} secrets")]
    TooMany,

    // the environment
    /// The system's random generator failed.
    #[error("the system's random generator failed: {0}")]
    Random(#[from] getrandom::Error),
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
            Self::NearMiss { .. } => "format_near_miss",
            Self::Unsupported { .. } => "format_unsupported",
            Self::Encoding { .. } => "encoding",
            Self::NotText { .. } => "not_text",
            Self::PassphraseTooShort { .. } => "passphrase_too_short",
            Self::Kdf(error) => error.kind(),
            Self::WeakKdf => "kdf_weak",
            Self::DoesNotOpen => "wrong_passphrase",
            Self::NoKeyFits => "no_key_fits",
            Self::NoRecipients => "no_recipients",
            Self::TooMuchWork { .. } => "kdf_parameters",
            Self::NeedsNewer { .. } => "needs_newer",
            Self::Damaged { .. } => "damaged",
            Self::Random(_) => "random",
            Self::TooLong { .. } => "too_long",
            Self::DocumentTooLong { .. } => "document_too_long",
            Self::TooDeep { .. } => "too_deep",
            Self::TooMany => "too_many",
        }
    }
}
