//! Folders for what has to be a file.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A private folder, in memory where the system has such a place.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a temporary folder")
}

/// A private folder below another one.
pub(crate) fn make_private(path: &Path) {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).expect("a folder");
}

/// A private file.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("permissions");
    }
}
