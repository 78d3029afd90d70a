//! Files with secrets in them, on their way out: private from the first byte, whole or not there at all.

use crate::failure::{Failure, Outcome, reason};
use crate::fault::quoted;
use crate::unlock;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// How the names of files begin that have not got theirs yet. A crash may leave one.
const DRAFT: &str = ".subrosa-draft-";

/// Bytes that are gathered before the system is asked to write them.
const PART_LEN: usize = 1 << 16;

/// Where an export goes.
pub(crate) enum Target {
    Stdout,
    File { path: PathBuf, force: bool },
}

impl Target {
    pub(crate) fn of(path: &Path, force: bool) -> Target {
        if path == Path::new("-") {
            return Target::Stdout;
        }
        Target::File { path: path.to_owned(), force }
    }

    /// As the audit log has it.
    pub(crate) fn destination(&self) -> String {
        match self {
            Target::Stdout => String::from("standard output"),
            Target::File { path, .. } => {
                let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                format!("file {}", whole.display())
            }
        }
    }

    /// Refuses what would be refused in the end, before anybody is asked anything.
    pub(crate) fn check(&self, vault: &Path) -> Outcome {
        let Target::File { path, force } = self else { return Ok(()) };
        if unlock::lies_in(path, vault) {
            return Err(Failure::usage(format!("{} lies in the vault's own folder", path.display()))
                .hint("name a file elsewhere: whoever copies the folder would get both"));
        }
        // a link is replaced, and not what it leads to; but who names a device or a folder means that
        match (fs::metadata(path), fs::symlink_metadata(path)) {
            (Ok(found), _) if found.is_dir() => {
                Err(Failure::usage(format!("{} is a folder", path.display())).hint("-o FOLDER/FILE"))
            }
            (Ok(found), _) if !found.is_file() => {
                Err(Failure::usage(format!("{} is not a regular file", path.display()))
                    .hint("'-o -' is standard output"))
            }
            (_, Ok(_)) if !force => Err(exists(path)),
            _ => has_folder(path),
        }
    }

    /// Lets `emit` write the file, in as small parts as it likes.
    pub(crate) fn write(&self, emit: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome {
        match self {
            Target::Stdout => {
                let mut out = BufWriter::with_capacity(PART_LEN, io::stdout().lock());
                emit(&mut out)?;
                Ok(out.flush()?)
            }
            Target::File { path, force } => write(path, *force, emit),
        }
    }
}

fn exists(path: &Path) -> Failure {
    Failure::general(format!("{} exists already", path.display())).hint("--force replaces it")
}

/// Where a file is to stand there has to be a folder.
fn has_folder(path: &Path) -> Outcome {
    let folder = folder_of(path);
    // what has a name in it is a folder
    fs::metadata(folder.join(".")).map(drop).map_err(|error| {
        let failure = Failure::file("write", path, &error);
        match error.kind() {
            ErrorKind::NotFound => {
                failure.hint(format!("mkdir -p {}", quoted(&folder.display().to_string())))
            }
            _ => failure,
        }
    })
}

/// A file without folders in its name stands in this one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A draft in the folder where the file will stand: nobody else can read it.
pub(crate) fn draft(path: &Path, bytes: &[u8]) -> Outcome<NamedTempFile> {
    drafted(path, |out| out.write_all(bytes))
}

fn drafted(path: &Path, emit: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome<NamedTempFile> {
    let failed = |error: io::Error| Failure::file("write", path, &error);
    let draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(folder_of(path)).map_err(failed)?;
    let mut out = BufWriter::with_capacity(PART_LEN, draft.as_file());
    emit(&mut out).and_then(|()| out.flush()).map_err(failed)?;
    drop(out);
    draft.as_file().sync_all().map_err(failed)?;
    Ok(draft)
}

fn write(path: &Path, force: bool, emit: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome {
    let draft = drafted(path, emit)?;
    let kept = if force { draft.persist(path) } else { draft.persist_noclobber(path) };
    kept.map_err(|error| match error.error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Failure::file("write", path, &error.error),
    })?;
    sync_folder(path)
}

/// Makes a new name survive a power failure.
pub(crate) fn sync_folder(path: &Path) -> Outcome {
    // Windows cannot flush a folder
    if cfg!(unix) {
        File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(|error| {
            Failure::general(format!("{} was written, but not flushed: {}", path.display(), reason(&error)))
        })?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use subrosa_testkit::Folder;

    #[test]
    fn a_file_is_private_and_nothing_is_left_beside_it() {
        let folder = Folder::new();
        let path = folder.join("out");
        Target::of(&path, false).write(|out| out.write_all(b"one")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(folder.files().len(), 1);
    }

    #[test]
    fn what_is_there_is_replaced_only_by_force_and_a_link_is_not_followed() {
        let folder = Folder::new();
        let (path, other) = (folder.write("out", "old"), folder.write("other", "other"));
        let refused = Target::of(&path, false);
        assert!(refused.check(Path::new("/nowhere")).is_err());
        assert!(
            refused.write(|out| out.write_all(b"new")).unwrap_err().message().ends_with("exists already")
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        Target::of(&path, true).write(|out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let link = folder.join("link");
        symlink(&other, &link).unwrap();
        assert!(Target::of(&link, false).write(|out| out.write_all(b"new")).is_err());
        Target::of(&link, true).write(|out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"other");
        assert!(!link.is_symlink());
        assert_eq!(folder.files().len(), 3);
    }

    #[test]
    fn devices_and_links_to_folders_are_not_replaced_even_by_force() {
        let folder = Folder::new();
        let (null, within) = (folder.join("null"), folder.join("within"));
        symlink("/dev/null", &null).unwrap();
        symlink(folder.path(), &within).unwrap();
        for (path, why) in [
            (Path::new("/dev/null"), "is not a regular file"),
            (&null, "is not a regular file"),
            (&within, "is a folder"),
        ] {
            for force in [false, true] {
                let refused = Target::of(path, force).check(Path::new("/nowhere")).unwrap_err();
                assert!(refused.message().ends_with(why), "{}", path.display());
            }
        }
    }

    #[test]
    fn a_folder_that_is_missing_is_told_before_anything_is_asked() {
        let folder = Folder::new();
        let refused = Target::of(&folder.join("a b/file"), false).check(Path::new("/nowhere")).unwrap_err();
        assert!(refused.message().ends_with("no such file or directory"));
        assert!(
            refused
                .first_hint()
                .is_some_and(|hint| hint.starts_with("mkdir -p '") && hint.ends_with("/a b'"))
        );
        folder.write("plain", "");
        assert!(Target::of(&folder.join("plain/file"), false).check(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn a_vaults_own_folder_is_refused() {
        let folder = Folder::new();
        fs::create_dir(folder.join("vault")).unwrap();
        symlink(folder.join("vault"), folder.join("link")).unwrap();
        for below in ["vault/x", "link/x", "link/../vault/x"] {
            let target = Target::of(&folder.join(below), true);
            let refused = target.check(&folder.join("vault")).unwrap_err();
            assert!(refused.message().ends_with("lies in the vault's own folder"), "{below}");
        }
        assert!(Target::of(&folder.join("x"), false).check(&folder.join("vault")).is_ok());
        assert!(Target::of(folder.path(), false).check(&folder.join("vault")).is_err());
    }
}
