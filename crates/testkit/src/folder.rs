//! Temporary folders.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder that only this user can enter and that is removed, with all that is in it, when the value is dropped.
#[derive(Debug)]
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// Makes an empty one. Its path is short, as the paths of sockets have to be.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "making a folder is an effect, not a default")]
    pub fn new() -> Self {
        let mut builder = tempfile::Builder::new();
        builder.prefix("subrosa.");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        Self(builder.tempdir().expect("a temporary folder"))
    }

    /// The same in memory, where the system has a place for that: flushing costs nothing there, and a process that dies
    /// leaves the same as it would on a disk.
    #[must_use]
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let mut builder = tempfile::Builder::new();
        builder.prefix("subrosa.");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        builder.tempdir_in(memory).map_or_else(|_| Self::new(), Self)
    }

    /// Copies everything of this folder into another one, with its permissions.
    pub fn copy_to(&self, other: &Folder) {
        copy_tree(self.path(), other.path());
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of something in it, whether it exists or not.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file in it, with the folders above the file, and answers its path.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("a folder in the temporary folder");
        fs::write(&path, content).expect("a file in the temporary folder");
        path
    }

    /// Every file in it, at any depth, sorted. Symbolic links are listed, not followed.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder that can be read") {
                let entry = entry.expect("a folder entry");
                let kind = entry.file_type().expect("the kind of a folder entry");
                if kind.is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
            }
        }
        files.sort();
        files
    }
}

/// Copies everything in a folder into another one that is there, with its permissions.
///
/// # Panics
/// If anything cannot be copied.
pub fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder that can be read") {
        let entry = entry.expect("a folder entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().expect("the kind of a folder entry").is_dir() {
            fs::create_dir(&to).expect("a folder");
            copy_tree(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
        fs::set_permissions(&to, fs::metadata(&from).expect("metadata").permissions()).expect("permissions");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_files_and_goes_when_dropped() {
        let folder = Folder::new();
        let deep = folder.write("a/b.txt", "text");
        let flat = folder.write("c.txt", [0xff]);
        assert_eq!(folder.files(), [deep.clone(), flat]);
        assert_eq!(fs::read(&deep).expect("read"), b"text");
        drop(folder);
        assert!(!deep.exists());
    }

    #[test]
    fn is_copied_with_all_that_is_in_it() {
        let (folder, copy) = (Folder::new(), Folder::in_memory());
        folder.write("a/b.txt", "text");
        folder.copy_to(&copy);
        assert_eq!(copy.files(), [copy.join("a/b.txt")]);
        assert_eq!(fs::read(copy.join("a/b.txt")).expect("read"), b"text");
    }

    #[cfg(unix)]
    #[test]
    fn is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::new();
        assert_eq!(fs::metadata(folder.path()).expect("metadata").permissions().mode() & 0o777, 0o700);
    }
}
