//! The vault's folder and file: where they are, and whether they can be trusted (vault-format.md, section 2).

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use crate::VaultError;

/// Name of the database within the vault's folder.
pub(crate) const DATABASE: &str = "vault.db";

/// Where a vault stands, and where the pins of this user stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The vault's folder.
    pub dir: PathBuf,
    /// The folder of this machine's state, outside the vault's folder: roll-back pins go there.
    pub state: PathBuf,
}

impl Location {
    /// The database file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }

    /// Whether there is a vault, sound or not. Where the system does not tell, there may be one: opening it says why not.
    #[must_use]
    pub fn exists(&self) -> bool {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        match self.database().symlink_metadata() {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), NotFound | NotADirectory),
        }
    }
}

/// Refuses a folder or file that is not what a vault consists of, or that others may write.
pub(crate) fn check(location: &Location) -> Result<(), VaultError> {
    let file = location.database();
    let missing = || VaultError::NotFound(location.dir.clone());
    let folder = fs::symlink_metadata(&location.dir).map_err(|error| blame(error, &location.dir, missing))?;
    let refuse = |path: &Path, why| Err(VaultError::Unsafe { path: path.to_owned(), why });
    if folder.is_symlink() {
        return refuse(&location.dir, "is a symbolic link; a vault's folder may not be one");
    }
    if !folder.is_dir() {
        return refuse(&location.dir, "is not a folder");
    }
    let data = fs::symlink_metadata(&file).map_err(|error| blame(error, &file, missing))?;
    if data.is_symlink() {
        return refuse(&file, "is a symbolic link; a vault's file may not be one");
    }
    if !data.is_file() {
        return refuse(&file, "is not a regular file");
    }
    for (path, metadata) in [(&location.dir, &folder), (&file, &data)] {
        if others_may_write(metadata) {
            return refuse(path, "can be written by other users");
        }
    }
    Ok(())
}

fn blame(error: std::io::Error, path: &Path, missing: impl Fn() -> VaultError) -> VaultError {
    match error.kind() {
        std::io::ErrorKind::NotFound => missing(),
        _ => VaultError::io("open", path)(error),
    }
}

#[cfg(unix)]
pub(crate) fn others_may_write(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o022 != 0
}

/// On Windows a folder of the user's profile inherits an access list that leaves other users out.
#[cfg(not(unix))]
pub(crate) fn others_may_write(_: &fs::Metadata) -> bool {
    false
}

/// Makes the folder, private from the start, and leaves one that is there as it is.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), VaultError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(VaultError::io("create", path))
}

/// Makes a private file where there is none.
pub(crate) fn make_private_file(path: &Path) -> Result<File, VaultError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(VaultError::io("create", path))
}

/// Removes the files whose name begins like this and that were to become a vault's, their journals among them.
pub(crate) fn remove_drafts(folder: &Path, begin: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(begin) && (name.ends_with(".new") || name.ends_with(".new-journal")) {
            // what cannot be removed is no hindrance to anybody
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes what was written into a folder, a new name among it, survive a power failure.
pub(crate) fn sync_folder(path: &Path) -> Result<(), VaultError> {
    // Windows cannot flush a folder; NTFS journals the names
    if cfg!(unix) {
        File::open(path).and_then(|folder| folder.sync_all()).map_err(VaultError::io("flush", path))?;
    }
    Ok(())
}
