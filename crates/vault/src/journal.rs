//! What SQLite would take for its own beside a database, judged before SQLite looks at it.
//!
//! It follows a link in a journal's place and empties what it finds there, waits for the writer of a FIFO, opens the file that a
//! journal names, and applies a write-ahead log even to a database that has none: all of it in the name of whoever reads a
//! vault, at the wish of whoever could write into its folder.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{VaultError, files::others_may_write};

/// What a journal ends with that names another file (SQLite's file format, section 3): ours never does.
const NAMES_ANOTHER: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
/// Bytes 18 and 19 of a database: who may write and who may read it. 1 means a rollback journal.
const MODE: [u8; 2] = [1, 1];
const MODE_AT: u64 = 18;

/// Refuses a journal that cannot be one of this program's, and files that a vault has not.
pub(crate) fn check(database: &Path) -> Result<(), VaultError> {
    for suffix in ["-wal", "-shm"] {
        let path = beside(database, suffix);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(VaultError::io("open", path)(error)),
            Ok(_) => {
                return Err(VaultError::Unsafe { path, why: "is no file of a vault, but would change it" });
            }
        }
    }
    let path = beside(database, "-journal");
    let refuse = |why| Err(VaultError::Unsafe { path: path.clone(), why });
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(VaultError::io("open", path)(error)),
        Ok(journal) if journal.is_symlink() => refuse("is a symbolic link; a journal may not be one"),
        Ok(journal) if !journal.is_file() => refuse("is not a regular file"),
        Ok(journal) if others_may_write(&journal) => refuse("can be written by other users"),
        // the usual one, emptied by the last commit
        Ok(journal) if journal.len() == 0 => Ok(()),
        Ok(_) if names_another(&path)? => refuse("names another file, which a vault's journal does not"),
        Ok(_) => Ok(()),
    }
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(suffix);
    name.into()
}

fn names_another(journal: &Path) -> Result<bool, VaultError> {
    let mut end = [0; NAMES_ANOTHER.len()];
    let read = File::open(journal).and_then(|mut file| {
        file.seek(SeekFrom::End(-(NAMES_ANOTHER.len() as i64)))?;
        file.read_exact(&mut end)
    });
    match read {
        Ok(()) => Ok(end == NAMES_ANOTHER),
        // emptied or removed meanwhile by the process whose it is
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(VaultError::io("read", journal)(error)),
    }
}

/// The file of an open database. It must be dropped after SQLite's own handle.
pub(crate) struct Held {
    #[cfg(unix)]
    file: shared::Shared,
}

impl Held {
    /// Refuses a database that would make SQLite keep a write-ahead log, and so write beside it and to it on opening it.
    pub fn open(database: &Path) -> Result<Self, VaultError> {
        #[cfg(unix)]
        let (held, mode) = {
            let file = shared::Shared::open(database).map_err(VaultError::io("open", database))?;
            let mode = file.read_two_at(MODE_AT);
            (Self { file }, mode)
        };
        #[cfg(not(unix))]
        let (held, mode) = (Self {}, read_two(database));
        match mode {
            Ok(MODE) => Ok(held),
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
                Err(VaultError::io("read", database)(error))
            }
            _ => Err(VaultError::damaged("its file is not a sound SQLite database")),
        }
    }
}

impl Held {
    /// Refuses a name under which another file stands by now: what is written to this one would be lost.
    pub fn check_name(&self, database: &Path) -> Result<(), VaultError> {
        #[cfg(unix)]
        if !self.file.stands_under(database) {
            return Err(VaultError::damaged("its file was replaced by another while it was open"));
        }
        #[cfg(not(unix))]
        let _ = database;
        Ok(())
    }
}

#[cfg(not(unix))]
fn read_two(database: &Path) -> std::io::Result<[u8; 2]> {
    let mut file = File::open(database)?;
    let mut bytes = [0; 2];
    file.seek(SeekFrom::Start(MODE_AT))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// POSIX ends all locks of a process on a file when the process closes any descriptor of it, SQLite's locks among them.
/// So the process opens each database once beside SQLite, and closes it when the last of its users has gone.
#[cfg(unix)]
mod shared {
    use std::{
        collections::BTreeMap,
        fs::{self, File},
        io,
        os::unix::fs::{FileExt as _, MetadataExt as _},
        path::Path,
        sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    };

    /// Device and number of a file.
    type Identity = (u64, u64);

    static OPEN: Mutex<BTreeMap<Identity, Weak<File>>> = Mutex::new(BTreeMap::new());

    fn open() -> MutexGuard<'static, BTreeMap<Identity, Weak<File>>> {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) struct Shared {
        /// `None` only while it is dropped.
        file: Option<Arc<File>>,
        identity: Identity,
    }

    impl Shared {
        pub fn open(path: &Path) -> io::Result<Self> {
            let mut open = open();
            let named = fs::metadata(path)?;
            let identity = (named.dev(), named.ino());
            if let Some(file) = open.get(&identity).and_then(Weak::upgrade) {
                return Ok(Self { file: Some(file), identity });
            }
            let file = Arc::new(File::open(path)?);
            let metadata = file.metadata()?;
            let identity = (metadata.dev(), metadata.ino());
            open.insert(identity, Arc::downgrade(&file));
            Ok(Self { file: Some(file), identity })
        }

        pub fn stands_under(&self, path: &Path) -> bool {
            fs::symlink_metadata(path).is_ok_and(|named| (named.dev(), named.ino()) == self.identity)
        }

        pub fn read_two_at(&self, place: u64) -> io::Result<[u8; 2]> {
            let mut bytes = [0; 2];
            let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
            file.read_exact_at(&mut bytes, place).map(|()| bytes)
        }
    }

    impl Drop for Shared {
        /// Under the lock: nobody opens the file anew while it is being closed.
        fn drop(&mut self) {
            let mut open = open();
            self.file = None;
            if open.get(&self.identity).is_some_and(|file| file.strong_count() == 0) {
                open.remove(&self.identity);
            }
        }
    }
}
