//! Where a program is, and whether somebody else could have put another one there.

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

/// A program that providers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What it is, in half a line.
    pub about: &'static str,
    /// How it is had, as a hint begins.
    pub install: &'static str,
    /// The flag that names it where it is elsewhere.
    pub flag: &'static str,
}

impl Known {
    /// The first one on the `PATH`. Folders that are relative, the current one among them, are passed over.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) where there is none, or somebody else can exchange it.
    pub fn found(&self) -> Result<String, ProviderError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        let program = folders.map(|folder| folder.join(self.name)).find(|file| is_program(file));
        let program = program.ok_or_else(|| {
            refuse(format!("{}, {}, is not on the PATH", self.about, self.name))
                .hint_at(format!("{}, or name it by {} FILE", self.install, self.flag))
        })?;
        self.settled(&program)
    }

    /// One that was named, by its absolute path.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) where there is none, or somebody else can exchange it.
    pub fn named(&self, file: &str) -> Result<String, ProviderError> {
        // what is relative would be another file for every working directory
        let path = std::path::absolute(file).map_err(|error| refuse(format!("{file}: {error}")))?;
        self.settled(&path)
    }

    fn settled(&self, path: &Path) -> Result<String, ProviderError> {
        self.checked(path)?;
        let text = path.to_str();
        let text = text.ok_or_else(|| refuse(format!("the path of {} is not UTF-8 text", self.name)))?;
        Ok(text.to_owned())
    }

    /// The file itself, behind all symbolic links, if nobody but root and this user can have changed what is on the way there.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) otherwise.
    pub fn checked(&self, path: &Path) -> Result<PathBuf, ProviderError> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_LINKS {
            match self.followed(&path)? {
                Some(next) => path = next,
                None if is_program(&path) => return Ok(path),
                None => return Err(refuse(format!("{} is no program", path.display()))),
            }
        }
        Err(refuse(format!("{}: too many symbolic links", path.display())))
    }

    /// Looks at every part of a path. Where one is a symbolic link, the path that it makes of this one.
    fn followed(&self, path: &Path) -> Result<Option<PathBuf>, ProviderError> {
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
            self.safe(&reached, &about)?;
            if about.is_symlink() {
                let target = fs::read_link(&reached).map_err(failed)?;
                let folder = reached.parent().unwrap_or(Path::new("/"));
                let target = folder.join(target);
                return Ok(Some(target.components().chain(parts).collect()));
            }
        }
        Ok(None)
    }

    fn safe(&self, path: &Path, about: &Metadata) -> Result<(), ProviderError> {
        let me = rustix::process::geteuid().as_raw();
        let refuse = |why: String| {
            Err(refuse(format!("{} is not run: {why}", path.display())).hint_at(format!(
                "install {} where nobody but root and you can write, and name it by {} FILE",
                self.name, self.flag
            )))
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
            mode if mode & BY_GROUP != 0 && !trusted => {
                refuse(format!("the group {} can write it", about.gid()))
            }
            _ => Ok(()),
        }
    }
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|about| about.is_file() && about.mode() & EXECUTE != 0)
}
