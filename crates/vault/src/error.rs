//! Errors of the vault, grouped by who can mend them.

use std::path::PathBuf;

use subrosa_secret::{Name, NameError, ValueTooLarge};

/// Why an operation on a vault failed. No message holds a value, a key or a passphrase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    // the user
    /// There is no vault in this folder.
    #[error("no vault in {}", .0.display())]
    NotFound(PathBuf),
    /// There is a vault already where one was to be made.
    #[error("there is a vault in {} already", .0.display())]
    AlreadyExists(PathBuf),
    /// No keyslot opens with the key, passphrase or recovery key given, or the slot is damaged: which, is not told.
    #[error("no keyslot of this vault opens with that key")]
    WrongKey,
    /// No secret has this name.
    #[error("no secret named {0}")]
    NoSuchSecret(Name),
    /// Another secret has this name.
    #[error("there is a secret named {0} already")]
    NameTaken(Name),
    /// What was decided about a secret was decided about another state of it.
    #[error("{0} was changed meanwhile by another process")]
    ChangedMeanwhile(Name),
    /// There is nothing to undo: no earlier value, no deletion.
    #[error("{0} has no earlier value and was not deleted")]
    NothingToUndo(Name),
    /// The value of this secret is kept elsewhere.
    #[error("{0} is linked: its value is kept elsewhere")]
    Linked(Name),
    /// This secret has no link.
    #[error("{0} is not linked")]
    NotLinked(Name),
    /// The target of a link is longer than one may be.
    #[error("the target has {len} bytes; at most {max} can be kept", max = crate::MAX_TARGET_LEN)]
    TargetTooLong {
        /// Bytes that it has.
        len: usize,
    },
    /// The name breaks the rules for names.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The value is longer than a value may be.
    #[error(transparent)]
    ValueTooLarge(#[from] ValueTooLarge),
    /// No keyslot has this id.
    #[error("no keyslot {0}")]
    NoSuchSlot(crate::SlotId),
    /// No document of that kind has this id.
    #[error("no document {0}")]
    NoSuchDocument(crate::RecordId),
    /// A document is longer than one may be.
    #[error("the document has {len} bytes; at most {max} can be kept", max = crate::MAX_DOCUMENT_LEN)]
    DocumentTooLarge {
        /// Bytes that it has.
        len: usize,
    },
    /// Removing this keyslot would leave no way in.
    #[error("this is the last way into the vault")]
    LastWayIn,
    /// A passphrase or KDF parameter that may not be used.
    #[error(transparent)]
    Slot(#[from] crate::SlotError),

    // whoever can write the file
    /// The file is not what a vault of this format is, or a seal or hash in it is wrong.
    #[error("the vault is damaged or was tampered with: {0}")]
    Damaged(String),
    /// The file is older than, or another branch than, what was last seen on this machine.
    #[error(
        "the vault was rolled back or forked: generation {pinned} was last seen here, the file is at generation {found}"
    )]
    RolledBack {
        /// Generation of the pin.
        pinned: u64,
        /// Generation of the file.
        found: u64,
    },

    // the environment
    /// The vault was written by a newer version.
    #[error("the vault has format {format}, suite {suite}; it needs a newer subrosa")]
    NeedsNewer {
        /// Format found.
        format: u32,
        /// Suite found.
        suite: u16,
    },
    /// A path that cannot be trusted: a symbolic link, not a regular file, or writable by others.
    #[error("{} {why}", path.display())]
    Unsafe {
        /// The path.
        path: PathBuf,
        /// What is wrong with it, to be read after the path.
        why: &'static str,
    },
    /// The vault's file or folder cannot be written.
    #[error("the vault in {} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Another process has changed the root key since this one opened the vault: it is to be opened again.
    #[error("the vault's root key was changed meanwhile")]
    Rekeyed,
    /// Other processes kept the vault locked for longer than the time allowed.
    #[error("the vault is locked by another process")]
    Busy,
    /// The disk is full.
    #[error("no space left for the vault")]
    DiskFull,
    /// The roll-back pin cannot be read or written.
    #[error(transparent)]
    Pin(#[from] crate::PinError),
    /// The change was saved, but the pin that protects it from being rolled back was not.
    #[error("the change was saved, but not protected against roll-back: {0}")]
    SavedUnpinned(#[source] crate::PinError),
    /// The change was saved, but what it dropped still lies in the unused parts of the vault's file, sealed.
    #[error("the change was saved, but the vault's file was not rewritten, which the next purge does: {0}")]
    SavedUnwiped(#[source] Box<VaultError>),
    /// The audit log cannot be read or written.
    #[error(transparent)]
    Audit(#[from] crate::AuditError),
    /// A file operation failed.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, such as `create`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store failed in another way.
    #[error("the vault's store failed: {0}")]
    Store(#[source] rusqlite::Error),
    /// The system's random generator failed.
    #[error("the system's random generator failed: {0}")]
    Random(#[from] getrandom::Error),
}

impl VaultError {
    /// A stable name for the kind of error, for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "vault_not_found",
            Self::AlreadyExists(_) => "vault_exists",
            Self::WrongKey => "wrong_key",
            Self::NoSuchSecret(_) => "no_such_secret",
            Self::NameTaken(_) => "name_taken",
            Self::ChangedMeanwhile(_) => "changed_meanwhile",
            Self::NothingToUndo(_) => "nothing_to_undo",
            Self::Linked(_) => "linked",
            Self::NotLinked(_) => "not_linked",
            Self::TargetTooLong { .. } => "target_too_long",
            Self::Name(_) => "bad_name",
            Self::ValueTooLarge(_) => "value_too_large",
            Self::NoSuchSlot(_) => "no_such_slot",
            Self::NoSuchDocument(_) => "no_such_document",
            Self::DocumentTooLarge { .. } => "document_too_large",
            Self::LastWayIn => "last_way_in",
            Self::Slot(_) => "keyslot",
            Self::Damaged(_) => "damaged",
            Self::RolledBack { .. } => "rolled_back",
            Self::NeedsNewer { .. } => "needs_newer",
            Self::Unsafe { .. } => "unsafe_path",
            Self::ReadOnly(_) => "read_only",
            Self::Rekeyed => "rekeyed",
            Self::Busy => "busy",
            Self::DiskFull => "disk_full",
            Self::Pin(_) => "pin",
            Self::SavedUnpinned(_) => "saved_unpinned",
            Self::SavedUnwiped(_) => "saved_unwiped",
            Self::Audit(_) => "audit",
            Self::Io { .. } => "io",
            Self::Store(_) => "store",
            Self::Random(_) => "random",
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull => Self::DiskFull,
            std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly(path),
            _ => Self::Io { action, path, source },
        }
    }
}

/// A seal that does not open where the tree says that it should is damage.
impl From<crate::Unsealable> for VaultError {
    fn from(_: crate::Unsealable) -> Self {
        Self::damaged("a seal does not open")
    }
}
