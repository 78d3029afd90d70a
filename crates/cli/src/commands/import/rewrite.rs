//! References where values stood: the last step of moving a project's `.env` into the vault.
//!
//! It comes after the secrets are stored, so that nothing is lost whenever it ends.

use super::flags::Flags;
use super::plan::Plan;
use super::questions::more;
use super::source::Source;
use crate::commands::SHOWN;
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{exchange, outfile, output};
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;
use subrosa_interchange::{Format, dotenv};
use subrosa_secret::Name;
use zeroize::Zeroizing;

/// Refuses, before anything is stored, what could not be rewritten.
pub(super) fn check(source: &Source) -> Outcome {
    let refuse = |why: &str| Err(Failure::usage(format!("--rewrite: {}{why}", source.shown())));
    match source.format {
        _ if source.is_stdin() => refuse(" is no file"),
        None => refuse(" is no file"),
        Some(Format::Dotenv) => own_file(&source.file).map(drop),
        Some(format) => refuse(&format!(" is read as {format}; only dotenv can be rewritten")),
    }
}

/// Refuses, before anything is stored, to lose a value that a later line takes the place of.
pub(super) fn spare(source: &Source) -> Outcome {
    let lost = dotenv::superseded(&source.bytes).map_err(exchange::failure)?;
    if lost.is_empty() {
        return Ok(());
    }
    let text = format!("--rewrite: {} gives names several values; nothing was imported", source.shown());
    let lines = lost.iter().map(|one| format!("{}: lines {} and {}", one.name, one.line, one.by));
    let failure = lines.take(SHOWN).fold(Failure::general(text), Failure::detail);
    Err(more(failure, lost.len()).hint("take away in the file those that are not meant"))
}

/// A regular file with one name: another name, or what a link leads to, would keep the values or be somebody else's.
fn own_file(path: &Path) -> Outcome<Metadata> {
    let found = fs::symlink_metadata(path).map_err(|error| Failure::file("read", path, &error))?;
    let why = match () {
        () if found.is_symlink() => "is a symbolic link",
        () if !found.is_file() => "is not a regular file",
        () if has_other_names(&found) => "has other names (hard links), which would keep the values",
        () => return Ok(found),
    };
    Err(Failure::general(format!("--rewrite: {} {why}", path.display())).hint("import it without --rewrite"))
}

#[cfg(unix)]
fn has_other_names(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &Metadata) -> bool {
    false
}

/// Puts references where the vault has the values now. What was skipped stays in the file.
pub(super) fn rewrite(source: &Source, plan: &Plan, flags: &Flags) -> Outcome {
    let path = &source.file;
    let stored = |failure: Failure| failure.adding("; the secrets are stored, and the file is as it was");
    let is_kept = plan.kept();
    let reference = |name: &Name| {
        let name = flags.target(name).ok().filter(|name| is_kept(name.as_str()));
        name.map(|name| format!("<<vault:{name}>>"))
    };
    let written =
        dotenv::rewrite(&source.bytes, reference).map_err(|error| stored(exchange::failure(error)))?;
    exchange::tell(&written.notices);
    replace(path, &source.bytes, &written.bytes).map_err(stored)?;
    output::done(&format!("{} holds references now", path.display()));
    if output::is_told() {
        output::hint(&format!("subrosa refs {}", quoted(&path.display().to_string())));
        output::note(
            "if the file was ever committed or sent, its values are known: replace them where they were issued",
        );
    }
    Ok(())
}

/// Puts new content under the file's name, with its mode and owner, unless somebody else has written to it.
fn replace(path: &Path, before: &[u8], content: &[u8]) -> Outcome {
    if before == content {
        return Ok(());
    }
    let draft = outfile::draft(path, content)?;
    let found = own_file(path)?;
    like(draft.as_file(), &found).map_err(|error| Failure::file("write", path, &error))?;
    if !holds(path, before)? {
        let text = format!("{} was changed by another program meanwhile", path.display());
        return Err(Failure::general(text).hint("run the command again"));
    }
    draft.persist(path).map_err(|error| Failure::file("write", path, &error.error))?;
    outfile::sync_folder(path)
}

#[cfg(unix)]
fn like(file: &File, found: &Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (found.uid(), found.gid()) {
        fchown(file, Some(found.uid()), Some(found.gid()))?;
    }
    file.set_permissions(found.permissions())?;
    file.sync_all()
}

#[cfg(not(unix))]
fn like(_: &File, _: &Metadata) -> std::io::Result<()> {
    Ok(())
}

/// Whether the file still says this.
fn holds(path: &Path, before: &[u8]) -> Outcome<bool> {
    let mut now = Zeroizing::new(Vec::with_capacity(before.len() + 1));
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    let read = file.take(before.len() as u64 + 1).read_to_end(&mut now);
    read.map_err(|error| Failure::file("read", path, &error))?;
    Ok(*now == before)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use subrosa_testkit::Folder;

    #[test]
    fn a_file_keeps_its_mode_and_leaves_nothing_beside_it() {
        let folder = Folder::new();
        let path = folder.write(".env", "A=1\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"A=1\n", b"A=2\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"A=2\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(folder.files().len(), 1);
    }

    #[test]
    fn a_file_that_somebody_else_wrote_stays() {
        let folder = Folder::new();
        let path = folder.write(".env", "A=3\n");
        for before in ["A=1\n", "A=3", "A=3\nB=1\n"] {
            let refused = replace(&path, before.as_bytes(), b"A=2\n").unwrap_err();
            assert!(refused.message().ends_with("was changed by another program meanwhile"), "{before:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), b"A=3\n");
        assert_eq!(folder.files().len(), 1);
    }

    #[test]
    fn links_are_refused() {
        let folder = Folder::new();
        let (path, link, second) =
            (folder.write(".env", "A=1\n"), folder.join("link"), folder.join("second"));
        symlink(&path, &link).unwrap();
        assert!(own_file(&link).unwrap_err().message().contains("symbolic link"));
        fs::hard_link(&path, &second).unwrap();
        assert!(own_file(&path).unwrap_err().message().contains("hard links"));
        assert!(own_file(folder.path()).unwrap_err().message().contains("regular file"));
    }
}
