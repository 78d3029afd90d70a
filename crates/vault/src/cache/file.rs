//! The cache's file (cache.md, sections 2 to 4).

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{Epoch, VaultId, files::others_may_write, seal::HEAD_LEN};

const MAGIC: &[u8; 16] = b"subrosa-cache 1\n";
const HEADER_LEN: usize = 36;
/// Longer files are not read.
const MAX_READ: u64 = 16 << 20;
/// Files are not made longer, nor of more records.
const MAX_WRITTEN: usize = 8 << 20;
const MAX_RECORDS: usize = 1024;
/// How long another process may be writing. A write takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(1);

/// One sealed record.
pub(super) struct Record {
    pub(super) id: [u8; 16],
    pub(super) seal: Vec<u8>,
}

impl Record {
    fn len(&self) -> usize {
        self.id.len() + 4 + self.seal.len()
    }
}

/// One of a vault's two files, for one epoch.
pub(super) struct CacheFile {
    folder: PathBuf,
    name: &'static str,
    header: [u8; HEADER_LEN],
}

impl CacheFile {
    pub(super) fn new(folder: &Path, name: &'static str, vault: VaultId, epoch: Epoch) -> Self {
        let mut header = [0; HEADER_LEN];
        header[..16].copy_from_slice(MAGIC);
        header[16..32].copy_from_slice(vault.as_bytes());
        header[32..].copy_from_slice(&epoch.0.to_le_bytes());
        Self { folder: folder.to_owned(), name, header }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// The records, and what is wrong with the file.
    pub(super) fn read(&self) -> (Vec<Record>, Option<&'static str>) {
        match self.bytes() {
            Ok(Some(bytes)) => self.parse(&bytes),
            Ok(None) => (Vec::new(), None),
            Err(problem) => (Vec::new(), Some(problem)),
        }
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, &'static str> {
        let path = self.path();
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err("cannot be read"),
        };
        if !metadata.is_file() {
            return Err("is not a regular file");
        }
        if others_may_write(&metadata) {
            return Err("can be written by other users");
        }
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_READ + 1).read_to_end(&mut bytes));
        match read {
            Ok(length) if length as u64 > MAX_READ => Err("is too long"),
            Ok(_) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(_) => Err("cannot be read"),
        }
    }

    fn parse(&self, bytes: &[u8]) -> (Vec<Record>, Option<&'static str>) {
        const DAMAGED: Option<&str> = Some("is damaged or was tampered with");
        if bytes.is_empty() {
            return (Vec::new(), None);
        }
        let Some((header, mut rest)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            return (Vec::new(), DAMAGED);
        };
        if header[..32] != self.header[..32] {
            return (Vec::new(), DAMAGED);
        }
        if *header != self.header {
            return (Vec::new(), None);
        }
        let mut records = Vec::new();
        while !rest.is_empty() {
            let Some((record, after)) = cut(rest) else { return (records, DAMAGED) };
            records.push(record);
            rest = after;
        }
        (records, None)
    }

    /// Changes the records under the lock and puts the file in place of the one before.
    pub(super) fn change(&self, edit: impl FnOnce(&mut Vec<Record>)) -> io::Result<()> {
        let _lock = self.lock()?;
        let (mut records, _) = self.read();
        edit(&mut records);
        let mut length: usize = HEADER_LEN + records.iter().map(Record::len).sum::<usize>();
        let surplus = records.len().saturating_sub(MAX_RECORDS);
        let mut dropped = 0;
        while dropped < records.len() && (dropped < surplus || length > MAX_WRITTEN) {
            length -= records[dropped].len();
            dropped += 1;
        }
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(&self.header);
        for record in &records[dropped..] {
            bytes.extend_from_slice(&record.id);
            bytes.extend_from_slice(&u32::try_from(record.seal.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(&record.seal);
        }
        let draft = self.folder.join(format!(".{}.new", self.name));
        // what a crash left, or a link that would be followed
        let _ = fs::remove_file(&draft);
        private(OpenOptions::new().create_new(true)).open(&draft)?.write_all(&bytes)?;
        fs::rename(&draft, self.path())
    }

    /// Removes the file, whatever it is.
    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(self.path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> io::Result<File> {
        let path = self.folder.join(format!("{}.lock", self.name));
        if fs::symlink_metadata(&path).is_ok_and(|there| !there.is_file()) {
            return Err(io::Error::other(format!("{}.lock is not a regular file", self.name)));
        }
        let lock = private(OpenOptions::new().create(true).truncate(false)).open(path)?;
        let begun = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                    return Err(io::Error::other("another process is writing the cache"));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            }
        }
    }
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}

/// The first record, and what follows it.
fn cut(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (seal, rest) = rest.split_at_checked(length)?;
    (length >= HEAD_LEN).then(|| (Record { id: *id, seal: seal.to_vec() }, rest))
}
