//! Sealing the log anew when the root key is changed (section 8).

use std::{
    fs,
    io::{BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::{
    AuditError, AuditLog, Head,
    file::{Access, LogFile, sync_folder},
    record::Chain,
};
use crate::{AuditKey, Epoch};

/// Name of the log that is sealed anew, until the vault has committed.
const NEXT: &str = ".audit.log.next";

/// A log that is sealed anew, but does not count yet. Nobody else can append while this is held.
///
/// Dropping it leaves the log as it was: no use of it is harmful, whatever became of the vault's transaction.
#[must_use = "the log stays under the old key until this is finished"]
pub struct Rekeying {
    path: PathBuf,
    head: Head,
    /// Holds the lock.
    _old: LogFile,
}

impl AuditLog {
    /// Seals the whole log anew under the key of a new epoch, beside the present one, proving each entry on the way.
    ///
    /// For the vault's write transaction that changes the root key: call this, seal [`Rekeying::head`] into the new manifest, commit,
    /// then [`Rekeying::finish`]. A crash at any point leaves a log that the vault's key opens, whichever key that is then. Needs as
    /// much space again as the log has.
    ///
    /// # Errors
    /// [`AuditError::Tampered`] if an entry is not what was written; the log is left as it was.
    pub fn rekey(&self, key: AuditKey, epoch: Epoch) -> Result<Rekeying, AuditError> {
        let (old, _) = self.file_to_append()?;
        let path = next_to(&self.path);
        remove(&path)?;
        let chain = Chain { vault: self.chain.vault, key, epoch };
        let head = self.seal_anew(&old, &chain, &path).inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })?;
        Ok(Rekeying { path: self.path.clone(), head, _old: old })
    }

    fn seal_anew(&self, old: &LogFile, chain: &Chain, path: &Path) -> Result<Head, AuditError> {
        let tail = old.tail(&self.chain)?;
        LogFile::create(path)?;
        let file = fs::OpenOptions::new().write(true).open(path).map_err(AuditError::writing(path))?;
        let mut writer = BufWriter::with_capacity(1 << 16, &file);
        writer.write_all(&chain.header()).map_err(AuditError::writing(path))?;
        let mut head = chain.genesis();
        self.walk(old, &tail, None, &mut |_, plain| {
            let (record, next) = chain.seal(&head, plain)?;
            head = next;
            writer.write_all(&record).map_err(AuditError::writing(path))
        })?;
        writer.flush().map_err(AuditError::writing(path))?;
        drop(writer);
        file.sync_all().map_err(AuditError::writing(path))?;
        sync_folder(path)?;
        Ok(head)
    }

    /// Finishes a change of the root key that the vault has committed and nobody has finished.
    pub(super) fn settle(&self) -> Result<(), AuditError> {
        let Some(old) = LogFile::open(&self.path, Access::Write)? else { return Ok(()) };
        if old.epoch(&self.chain)?.is_none_or(|found| found >= self.chain.epoch) {
            return Ok(());
        }
        let path = next_to(&self.path);
        let stale = || AuditError::Tampered { at: 0 };
        let next = LogFile::open(&path, Access::Read)?.ok_or_else(stale)?;
        if next.epoch(&self.chain)? != Some(self.chain.epoch) || next.tail(&self.chain)?.torn() > 0 {
            return Err(stale());
        }
        drop(next);
        publish(&self.path)
    }
}

impl Rekeying {
    /// The head under the new key, for the new manifest; `None` if the log has no entry.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        (self.head.count > 0).then_some(self.head)
    }

    /// Makes the new log the log, after the vault has committed. If this fails, the next use of the log does it.
    pub fn finish(self) -> Result<(), AuditError> {
        publish(&self.path)
    }
}

/// Removes the new log of a change of the root key that is known not to have been committed.
pub(crate) fn abandon(dir: &Path) -> Result<(), AuditError> {
    remove(&dir.join(NEXT))
}

fn next_to(path: &Path) -> PathBuf {
    path.with_file_name(NEXT)
}

fn publish(path: &Path) -> Result<(), AuditError> {
    fs::rename(next_to(path), path).map_err(AuditError::writing(path))?;
    sync_folder(path)
}

fn remove(path: &Path) -> Result<(), AuditError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(AuditError::writing(path)(error)),
        _ => Ok(()),
    }
}
