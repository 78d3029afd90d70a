//! The log's file: opened only if it can be trusted, locked, read and written at places (sections 1 and 3).

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    AuditError,
    record::{BLOCK, Chain, FirstBlock},
    tail::Tail,
};
use crate::Epoch;

/// How long another process may hold the lock. An append takes far less than a millisecond; changing the root key takes longest.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Shared lock.
    Read,
    /// Exclusive lock.
    Write,
}

/// An open log, locked until it is dropped or unlocked.
pub(super) struct LogFile {
    file: File,
    path: PathBuf,
}

impl LogFile {
    /// Opens and locks the file; `None` if there is none.
    pub fn open(path: &Path, access: Access) -> Result<Option<Self>, AuditError> {
        loop {
            // before it is opened: opening a FIFO would wait for its writer
            let Some(_) = trusted(path)? else { return Ok(None) };
            let file = match OpenOptions::new().read(true).write(access == Access::Write).open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) if access == Access::Write => return Err(AuditError::writing(path)(error)),
                Err(error) => return Err(AuditError::reading(path)(error)),
            };
            let log = Self { file, path: path.to_owned() };
            log.lock(access)?;
            // while the lock was waited for, a change of the root key may have put another file in its place
            let opened = log.file.metadata().map_err(AuditError::reading(path))?;
            if trusted(path)?.is_some_and(|named| same_file(&named, &opened)) {
                return Ok(Some(log));
            }
        }
    }

    /// Makes an empty private file; one that is there is left as it is.
    pub fn create(path: &Path) -> Result<(), AuditError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(AuditError::writing(path)(error)),
            _ => Ok(()),
        }
    }

    /// Waits for the lock, but not for ever: its holder may have been stopped.
    fn lock(&self, access: Access) -> Result<(), AuditError> {
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let tried = match access {
                Access::Read => self.file.try_lock_shared(),
                Access::Write => self.file.try_lock(),
            };
            match tried {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(source)) => {
                    return Err(AuditError::Io { action: "lock", path: self.path.clone(), source });
                }
                Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                    return Err(AuditError::Busy(self.path.clone()));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(pause),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Lets others write. What is before the end of a proven record stays as it is all the same.
    pub fn unlock(&self) -> Result<(), AuditError> {
        self.file.unlock().map_err(AuditError::reading(&self.path))
    }

    /// The epoch in the header; `None` if the header is still to be written. Refuses what is not a log of this vault.
    pub fn epoch(&self, chain: &Chain) -> Result<Option<Epoch>, AuditError> {
        let length = self.length()?;
        let block = self.read_at(0, (BLOCK as u64).min(length) as usize)?;
        match chain.first_block(&block) {
            FirstBlock::Header(epoch) => Ok(Some(epoch)),
            FirstBlock::Blank if length <= BLOCK as u64 => Ok(None),
            FirstBlock::Blank | FirstBlock::Damaged => Err(AuditError::Tampered { at: 0 }),
            FirstBlock::Newer => Err(AuditError::NeedsNewer(self.path.clone())),
            FirstBlock::Foreign => Err(AuditError::Foreign(self.path.clone())),
        }
    }

    /// Writes the header of a log that has none, and makes file and name survive a power failure.
    pub fn begin(&self, header: &[u8]) -> Result<(), AuditError> {
        self.replace_from(0, header)?;
        self.flush()?;
        sync_folder(&self.path)
    }

    /// Writes `records` after the last record, instead of what a crash left there.
    pub fn append(&self, tail: &Tail, records: &[u8]) -> Result<(), AuditError> {
        if tail.torn() > 0 {
            self.file.set_len(tail.end).map_err(AuditError::writing(&self.path))?;
        }
        self.replace_from(tail.end, records)
    }

    /// Writes at a place up to the end of the file, or leaves the file ending there.
    fn replace_from(&self, at: u64, bytes: &[u8]) -> Result<(), AuditError> {
        let mut file = &self.file;
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes));
        written.map_err(|error| {
            // should this fail as well, a torn tail is left for the next append
            let _ = self.file.set_len(at);
            AuditError::writing(&self.path)(error)
        })
    }

    /// Makes what was written survive a power failure.
    pub fn flush(&self) -> Result<(), AuditError> {
        self.file.sync_data().map_err(AuditError::writing(&self.path))
    }

    pub fn length(&self) -> Result<u64, AuditError> {
        Ok(self.file.metadata().map_err(AuditError::reading(&self.path))?.len())
    }

    pub fn read_at(&self, at: u64, length: usize) -> Result<Vec<u8>, AuditError> {
        #[cfg(test)]
        tests::count(length);
        let mut bytes = vec![0; length];
        self.reader_at(at)?.read_exact(&mut bytes).map_err(AuditError::reading(&self.path))?;
        Ok(bytes)
    }

    /// Reads on from a place.
    pub fn reader_at(&self, at: u64) -> Result<&File, AuditError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at)).map_err(AuditError::reading(&self.path))?;
        Ok(file)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What stands under a name; `None` if nothing does. Refuses what cannot be trusted.
fn trusted(path: &Path) -> Result<Option<Metadata>, AuditError> {
    let refuse = |why| Err(AuditError::Unsafe { path: path.to_owned(), why });
    let named = match fs::symlink_metadata(path) {
        Ok(named) => named,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AuditError::reading(path)(error)),
    };
    if named.is_symlink() {
        return refuse("is a symbolic link; an audit log may not be one");
    }
    if !named.is_file() {
        return refuse("is not a regular file");
    }
    if others_may_write(&named) {
        return refuse("can be written by other users");
    }
    Ok(Some(named))
}

#[cfg(unix)]
fn others_may_write(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o022 != 0
}

#[cfg(not(unix))]
fn others_may_write(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Elsewhere a file has no number that the standard library tells: an entry appended during a change of the root key can be lost.
#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Makes a new or changed name in a file's folder survive a power failure.
pub(super) fn sync_folder(path: &Path) -> Result<(), AuditError> {
    let Some(folder) = path.parent().filter(|_| cfg!(unix)) else { return Ok(()) };
    let synced: io::Result<()> = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(AuditError::writing(folder))
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local!(static BYTES_READ: Cell<usize> = const { Cell::new(0) });

    pub fn count(length: usize) {
        BYTES_READ.set(BYTES_READ.get() + length);
    }

    /// Bytes that this thread read from logs at places since it last asked.
    pub fn bytes_read() -> usize {
        BYTES_READ.take()
    }
}
