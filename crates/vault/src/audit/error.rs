//! Errors of the audit log, grouped by who can mend them.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the audit log cannot be read or written. No message holds an entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    // the caller
    /// The vault's root key was changed since this handle was made: the vault is to be opened again.
    #[error("{}: the vault's root key was changed meanwhile", .0.display())]
    Rekeyed(PathBuf),
    /// An entry is longer than a record can be (section 1).
    #[error("an entry of the audit log is too long")]
    TooLong,

    // whoever can write the file
    /// An entry is missing or is not what was written.
    #[error("the audit log is damaged or was tampered with at entry {at}")]
    Tampered {
        /// Number of the first entry concerned; 0 for the header, one more than there are if entries are missing.
        at: u64,
    },
    /// The file is no audit log, or that of another vault.
    #[error("{} is not the audit log of this vault", .0.display())]
    Foreign(PathBuf),
    /// A symbolic link, not a regular file, or writable by others.
    #[error("{} {why}", path.display())]
    Unsafe {
        /// The path.
        path: PathBuf,
        /// What is wrong with it, to be read after the path.
        why: &'static str,
    },

    // the environment
    /// The log, or an entry in it, was written by a newer version.
    #[error("{} needs a newer subrosa", .0.display())]
    NeedsNewer(PathBuf),
    /// The file or its folder cannot be written.
    #[error("the audit log {} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Disk, quota or size limit: nothing was added.
    #[error("no space left for the audit log {}", .0.display())]
    Full(PathBuf),
    /// Another process kept the log locked for longer than the time allowed.
    #[error("the audit log {} is locked by another process", .0.display())]
    Busy(PathBuf),
    /// A file operation failed.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, such as `open`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system's random generator failed.
    #[error("the system's random generator failed: {0}")]
    Random(#[from] getrandom::Error),
}

impl AuditError {
    /// A stable name for the kind of error, for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Rekeyed(_) => "audit_rekeyed",
            Self::TooLong => "audit_too_long",
            Self::Tampered { .. } => "audit_tampered",
            Self::Foreign(_) => "audit_foreign",
            Self::Unsafe { .. } => "audit_unsafe_path",
            Self::NeedsNewer(_) => "audit_needs_newer",
            Self::ReadOnly(_) => "audit_read_only",
            Self::Full(_) => "audit_full",
            Self::Busy(_) => "audit_busy",
            Self::Io { .. } => "audit_io",
            Self::Random(_) => "random",
        }
    }

    /// For `map_err` of what only reads.
    pub(super) fn reading(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { action: "read", path: path.to_owned(), source }
    }

    /// For `map_err` of what writes, makes or renames.
    pub(super) fn writing(path: &Path) -> impl Fn(io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        move |source| match source.kind() {
            PermissionDenied | ReadOnlyFilesystem => Self::ReadOnly(path.to_owned()),
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full(path.to_owned()),
            _ => Self::Io { action: "write", path: path.to_owned(), source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_becomes_what_a_person_can_mend() {
        let kinds = [
            (io::ErrorKind::StorageFull, "audit_full"),
            (io::ErrorKind::QuotaExceeded, "audit_full"),
            (io::ErrorKind::FileTooLarge, "audit_full"),
            (io::ErrorKind::ReadOnlyFilesystem, "audit_read_only"),
            (io::ErrorKind::PermissionDenied, "audit_read_only"),
            (io::ErrorKind::Other, "audit_io"),
        ];
        for (system, ours) in kinds {
            assert_eq!(AuditError::writing(Path::new("x"))(system.into()).kind(), ours, "{system:?}");
        }
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(AuditError::reading(Path::new("x"))(denied).kind(), "audit_io");
    }
}
