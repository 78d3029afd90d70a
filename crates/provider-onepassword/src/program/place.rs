//! Where `op` is, and whether somebody else could have put another program there.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use subrosa_provider::{ErrorKind, ProviderError};

/// So many symbolic links are followed on the way.
const MAX_LINKS: usize = 40;
const STICKY: u32 = 0o1000;
const BY_GROUP: u32 = 0o020;
const BY_OTHERS: u32 = 0o002;
const EXECUTE: u32 = 0o111;
/// macOS's group of administrators, whom Homebrew lets write its folders.
const ADMIN: u32 = 80;

fn refuse(text: String) -> ProviderError {
    ProviderError::new(ErrorKind::BadSettings, text)
}

/// The first `op` on the `PATH`. Folders that are relative, the current one among them, are passed over.
pub(crate) fn found() -> Result<String, ProviderError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let program = folders.map(|folder| folder.join("op")).find(|file| is_program(file));
    let program = program.ok_or_else(|| {
        refuse("1Password's command line, op, is not on the PATH".to_owned())
            .hint_at("install it from https://developer.1password.com/docs/cli, or name it by --op FILE")
    })?;
    settled(&program)
}

/// A program that was named.
pub(crate) fn named(file: &str) -> Result<String, ProviderError> {
    // what is relative would be another file for every working directory
    let path = std::path::absolute(file).map_err(|error| refuse(format!("{file}: {error}")))?;
    settled(&path)
}

fn settled(path: &Path) -> Result<String, ProviderError> {
    checked(path)?;
    let text = path.to_str().ok_or_else(|| refuse("the path of op is not UTF-8 text".to_owned()))?;
    Ok(text.to_owned())
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|about| about.is_file() && about.mode() & EXECUTE != 0)
}

/// The file itself, behind all symbolic links, if nobody but root and this user can have changed what is on the way there.
pub(super) fn checked(path: &Path) -> Result<PathBuf, ProviderError> {
    let mut path = path.to_owned();
    for _ in 0..=MAX_LINKS {
        match followed(&path)? {
            Some(next) => path = next,
            None if is_program(&path) => return Ok(path),
            None => return Err(refuse(format!("{} is no program", path.display()))),
        }
    }
    Err(refuse(format!("{}: too many symbolic links", path.display())))
}

/// Looks at every part of a path. Where one is a symbolic link, the path that it makes of this one.
fn followed(path: &Path) -> Result<Option<PathBuf>, ProviderError> {
    let mut reached = PathBuf::new();
    let mut parts = path.components();
    while let Some(part) = parts.next() {
        if part == Component::ParentDir {
            reached.pop();
            continue;
        }
        reached.push(part);
        let failed = |error: std::io::Error| refuse(format!("{}: {error}", reached.display()));
        let about = fs::symlink_metadata(&reached).map_err(failed)?;
        safe(&reached, &about)?;
        if about.is_symlink() {
            let target = fs::read_link(&reached).map_err(failed)?;
            let folder = reached.parent().unwrap_or(Path::new("/"));
            let target = folder.join(target);
            return Ok(Some(target.components().chain(parts).collect()));
        }
    }
    Ok(None)
}

fn safe(path: &Path, about: &Metadata) -> Result<(), ProviderError> {
    let me = rustix::process::geteuid().as_raw();
    let refuse = |why: String| {
        Err(refuse(format!("{} is not run: {why}", path.display()))
            .hint_at("install op where nobody but root and you can write, and name it by --op FILE"))
    };
    if about.uid() != 0 && about.uid() != me {
        return refuse(format!("it belongs to another user, {}", about.uid()));
    }
    // a link's own mode means nothing; in a sticky folder nobody moves what is another's
    if about.is_symlink() || about.is_dir() && about.mode() & STICKY != 0 {
        return Ok(());
    }
    let trusted = about.gid() == 0 || cfg!(target_os = "macos") && about.gid() == ADMIN;
    match about.mode() {
        mode if mode & BY_OTHERS != 0 => refuse("everybody can write it".to_owned()),
        mode if mode & BY_GROUP != 0 && !trusted => refuse(format!("the group {} can write it", about.gid())),
        _ => Ok(()),
    }
}
