//! The audit log: which secret was used, for which destination, by which program (audit-log.md; section numbers are its).
//!
//! An append-only file beside the vault's, sealed and hash-chained, so that using a secret does not change the vault. Each record's
//! seal names the chain hash before it; the vault's manifest names the head. What is after that head can be cut off by whoever can
//! write the file, and nothing else goes unnoticed.

mod entry;
mod error;
mod file;
mod record;
mod rekey;
#[cfg(test)]
mod rekey_tests;
#[cfg(test)]
mod scratch;
#[cfg(test)]
mod system_tests;
mod tail;
#[cfg(test)]
mod tamper_tests;
#[cfg(test)]
mod tests;
mod walk;

use std::path::{Path, PathBuf};

pub use entry::{Action, AuditEntry, AuditRecord, Outcome};
pub use error::AuditError;
pub use rekey::Rekeying;
pub(crate) use rekey::abandon;
pub use walk::AuditReport;

use crate::{AuditKey, Epoch, VaultId};
use file::{Access, LogFile};
use record::Chain;
use tail::Tail;

/// Name of the log within the vault's folder.
pub(crate) const FILE: &str = "audit.log";

/// How far a log has come: all entries up to one, in this order and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of entries; also the number of the last one, since they count from 1.
    pub count: u64,
    /// Chain hash of the last entry (section 1).
    pub hash: [u8; 32],
}

/// What an entry survives once [`AuditLog::append`] has returned.
///
/// Measured on Linux 6.18, ext4 on a virtual disk, 2 busy cores, one entry at a time after 10,000, optimised, median and 95th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Written to the operating system: survives the death of the process, `kill -9` too. 21 µs (30 µs).
    Process,
    /// Flushed to the disk as well: survives a power failure. 4.0 ms (8 ms), nearly all of it the disk's.
    Power,
}

/// The audit log of one vault under its present key. Many handles and processes may use it at once.
pub struct AuditLog {
    path: PathBuf,
    chain: Chain,
    sealed: Option<Head>,
}

impl AuditLog {
    /// The log in the vault's folder. Nothing is read or made until it is used; a missing file is an empty log.
    ///
    /// `key` and `epoch` are those that the vault is at. After the root key was changed, everything fails with
    /// [`AuditError::Rekeyed`].
    pub fn open(dir: &Path, vault: &VaultId, key: AuditKey, epoch: Epoch) -> Result<Self, AuditError> {
        Ok(Self { path: dir.join(FILE), chain: Chain { vault: *vault, key, epoch }, sealed: None })
    }

    /// Tells the log which head the vault's manifest names, so that a log that does not hold it is neither continued nor vouched for.
    #[must_use]
    pub fn sealed_at(mut self, head: Option<Head>) -> Self {
        self.sealed = head;
        self
    }

    /// The head to be sealed into the manifest, or `None` if the log has no entry. Call it inside the vault's write transaction,
    /// with the previous manifest's head given to [`AuditLog::sealed_at`] (section 5).
    ///
    /// Reads the last entry, and those after the sealed head to prove that they follow it; flushes the file if there are any,
    /// so that a power failure takes nothing that the manifest names. Where there are none it takes 14 µs, else a flush (4 ms,
    /// measured as for [`Durability`]) and 1 to 3 µs an entry. With no sealed head given it always flushes and proves the last only.
    ///
    /// # Errors
    /// [`AuditError::Tampered`] if the sealed head is not on the chain that the last entry ends.
    pub fn head(&self) -> Result<Option<Head>, AuditError> {
        // Windows flushes only what is open for writing
        let access = if cfg!(windows) { Access::Write } else { Access::Read };
        let Some(file) = self.file(access)? else {
            return self.refuse_cut(&self.chain.genesis(), None).map(|()| None);
        };
        let tail = file.tail(&self.chain)?;
        file.unlock()?;
        self.refuse_cut(&tail.head, None)?;
        if let Some(sealed) = &self.sealed {
            file.prove_ancestor(sealed, &tail)?;
        }
        let grown = self.sealed.is_none_or(|sealed| sealed.count < tail.head.count);
        if grown && tail.head.count > 0 {
            file.flush()?;
        }
        Ok((tail.head.count > 0).then_some(tail.head))
    }

    /// Adds entries at the end, after the tail that a crash may have torn is cut. Costs the same at every size of the log.
    ///
    /// Several entries are not atomic: a crash may leave the first of them.
    ///
    /// # Errors
    /// [`AuditError::ReadOnly`], [`AuditError::Full`] and [`AuditError::Busy`] leave the log as it was. So does
    /// [`AuditError::Tampered`], where the sealed head is missing or the last entry was forged.
    pub fn append(&self, entries: &[AuditEntry], durability: Durability) -> Result<Head, AuditError> {
        let (file, tail) = self.file_to_append()?;
        let mut head = tail.head;
        let mut records = Vec::with_capacity(entries.len() * 3 * record::BLOCK);
        for entry in entries {
            let (record, next) = self.chain.seal(&head, &entry.to_json())?;
            records.extend_from_slice(&record);
            head = next;
        }
        file.append(&tail, &records)?;
        if durability == Durability::Power {
            file.flush()?;
        }
        Ok(head)
    }

    /// The log's file, locked for reading or writing; `None` if there is none.
    fn file(&self, access: Access) -> Result<Option<LogFile>, AuditError> {
        loop {
            let Some(file) = LogFile::open(&self.path, access)? else { return Ok(None) };
            match file.epoch(&self.chain)? {
                Some(found) if found > self.chain.epoch => {
                    return Err(AuditError::Rekeyed(self.path.clone()));
                }
                Some(found) if found < self.chain.epoch => {
                    drop(file);
                    self.settle()?;
                }
                _ => return Ok(Some(file)),
            }
        }
    }

    /// The same for writing; made if there is none.
    fn file_to_append(&self) -> Result<(LogFile, Tail), AuditError> {
        let file = loop {
            match self.file(Access::Write)? {
                Some(file) => break file,
                None => {
                    self.refuse_cut(&self.chain.genesis(), None)?;
                    LogFile::create(&self.path)?;
                }
            }
        };
        let tail = file.tail(&self.chain)?;
        self.refuse_cut(&tail.head, None)?;
        self.refuse_other(&tail.head, None)?;
        if tail.is_blank() {
            file.begin(&self.chain.header())?;
            return Ok((file, Tail::of_empty(&self.chain)));
        }
        Ok((file, tail))
    }

    /// Refuses a log that ends before the sealed or the expected head.
    fn refuse_cut(&self, last: &Head, expected: Option<&Head>) -> Result<(), AuditError> {
        let cut = self.sealed.iter().chain(expected).any(|head| last.count < head.count);
        if cut { Err(AuditError::Tampered { at: last.count + 1 }) } else { Ok(()) }
    }

    /// Refuses a head that has the number of the sealed or the expected one and is another.
    fn refuse_other(&self, head: &Head, expected: Option<&Head>) -> Result<(), AuditError> {
        let other =
            self.sealed.iter().chain(expected).any(|known| known.count == head.count && known != head);
        if other { Err(AuditError::Tampered { at: head.count }) } else { Ok(()) }
    }
}
