//! Files that responses are written to: when they are made, under which name, and what happens to what was there.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The flags about files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saving {
    /// `--output-dir`
    pub(crate) folder: Option<OsString>,
    pub(crate) create_folders: bool,
    /// `--create-file-mode`
    pub(crate) mode: u32,
    pub(crate) clobber: Clobber,
    pub(crate) skip_existing: bool,
    pub(crate) remove_on_error: bool,
    /// `-R`
    pub(crate) server_time: bool,
    /// `-J`
    pub(crate) server_names: bool,
}

/// Whether a file that is there may be written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clobber {
    /// yes, but not under a name that the server chose
    Default,
    /// `--clobber`
    Always,
    /// `--no-clobber`: a number is added to the name
    Never,
}

impl Default for Saving {
    fn default() -> Self {
        Saving {
            folder: None,
            create_folders: false,
            mode: 0o644,
            clobber: Clobber::Default,
            skip_existing: false,
            remove_on_error: false,
            server_time: false,
            server_names: false,
        }
    }
}

/// curl tries as many names for `--no-clobber`.
const MAX_NUMBER: u32 = 100;

/// The file of one response. It is opened at the first byte, as curl does it: a request that fails leaves what was there.
pub(super) struct OutputFile<'a> {
    saving: &'a Saving,
    path: PathBuf,
    /// Whether the server chose the name.
    foreign: bool,
    /// Where writing begins in what is there: `-C`.
    from: u64,
    file: Option<File>,
}

impl<'a> OutputFile<'a> {
    /// A file of this name below `--output-dir`, of which the first `from` bytes are there already.
    pub(super) fn new(saving: &'a Saving, name: &Path, from: u64) -> Self {
        Self { saving, path: located(saving, name), foreign: false, from, file: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a name of the server's, if nothing was written yet.
    pub(super) fn rename(&mut self, name: &str) {
        if self.file.is_none() {
            *self = Self { foreign: true, ..Self::new(self.saving, Path::new(name), self.from) };
        }
    }

    /// `--skip-existing`, and there is one.
    pub(super) fn is_skipped(&self) -> bool {
        self.saving.skip_existing && self.path.exists()
    }

    /// Adds to the file; with nothing to add, it only comes into being.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Outcome {
        let path = self.path.clone();
        let fail = |error: io::Error| failed(&path, &error);
        if self.file.is_none() {
            let file = self.open().map_err(|error| failed(&self.path, &error))?;
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(fail),
            None => Ok(()),
        }
    }

    fn open(&mut self) -> io::Result<File> {
        if let Some(folder) = self.path.parent().filter(|_| self.saving.create_folders) {
            create_folders(folder)?;
        }
        if self.from > 0 {
            return options(self.saving.mode).create(true).append(true).open(&self.path);
        }
        let may_replace = self.saving.clobber != Clobber::Never && !self.foreign;
        if may_replace {
            return options(self.saving.mode).create(true).truncate(true).open(&self.path);
        }
        let mut options = options(self.saving.mode);
        options.create_new(true);
        let (original, mut number) = (self.path.clone(), 0);
        loop {
            match options.open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MAX_NUMBER => {
                    // a name that the server chose is not altered unless --no-clobber says so
                    if self.saving.clobber != Clobber::Never {
                        return Err(error);
                    }
                    number += 1;
                    let mut numbered = original.clone().into_os_string();
                    numbered.push(format!(".{number}"));
                    self.path = numbered.into();
                }
                other => return other,
            }
        }
    }

    /// Forgets what was written, for the next attempt.
    pub(super) fn restart(&mut self) -> Outcome {
        let path = self.path.clone();
        let Some(file) = &mut self.file else { return Ok(()) };
        let again = file.set_len(self.from).and_then(|()| file.seek(SeekFrom::Start(self.from)));
        again.map(drop).map_err(|error| failed(&path, &error))
    }

    /// What remains to be done when the transfer is over: the server's time, or no file at all.
    pub(super) fn close(&mut self, failed: bool, modified: Option<SystemTime>) {
        let Some(file) = self.file.take() else { return };
        if let Some(time) = modified.filter(|_| self.saving.server_time) {
            // a file with another time is still the file
            let _ = file.set_modified(time);
        }
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        drop(file);
        if failed && self.saving.remove_on_error && is_file {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Where a file of that name is.
pub(super) fn located(saving: &Saving, name: &Path) -> PathBuf {
    match &saving.folder {
        // as curl joins them: an absolute name does not leave the folder
        Some(folder) => PathBuf::from([folder.as_os_str(), name.as_os_str()].join(std::ffi::OsStr::new("/"))),
        None => name.to_owned(),
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::WRITE_ERROR, format!("cannot write {}: {}", path.display(), reason(error)))
}

#[cfg(unix)]
fn options(mode: u32) -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).mode(mode);
    options
}

#[cfg(not(unix))]
fn options(_: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}

/// curl's mode for folders: nothing for others.
fn create_folders(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o750);
    builder.create(folder)
}

/// `-D`: the heads of all responses. The first transfer of an operation begins the file, the others add to it.
pub(super) fn dump_file(path: &Path, begin: bool) -> Outcome<File> {
    let mut options = options(0o644);
    options.create(true);
    let file = if begin { options.truncate(true).open(path) } else { options.append(true).open(path) };
    file.map_err(|error| failed(path, &error))
}
