//! Copies and clean-up: backup, purge.

use std::path::Path;

use subrosa_secret::Name;

use crate::{
    Location, PinStore, Vault, VaultError, files,
    snapshot::Snapshot,
    sqlite::SqliteStore,
    store::{Mode, Row, kind},
    vault::publish,
};

/// Name of the copy that a change of the root key makes first. A crash may leave it, and the old keys still open it.
pub(crate) const BEFORE_ROTATION: &str = ".vault.db.before-rotation";

/// What was dropped for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Earlier values.
    pub values: u64,
    /// Deleted secrets, and where all were dropped the others as well.
    pub secrets: u64,
}

/// Copies an audit log, if there is one. A link is not followed, neither there nor where the copy goes.
fn copy_log(log: &Path, dir: &Path) -> Result<(), VaultError> {
    match std::fs::symlink_metadata(log) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(VaultError::io("copy", log)(error)),
        Ok(file) if !file.is_file() => {
            return Err(VaultError::Unsafe { path: log.to_owned(), why: "is not a regular file" });
        }
        Ok(_) => {}
    }
    let draft = dir.join(".audit.log.new");
    let _ = std::fs::remove_file(&draft);
    let mut copy = files::make_private_file(&draft)?;
    std::fs::File::open(log)
        .and_then(|mut log| std::io::copy(&mut log, &mut copy))
        .and_then(|_| copy.sync_all())
        // one that is there is of a backup that was interrupted: no vault stands by it
        .and_then(|()| std::fs::rename(&draft, dir.join(crate::audit::FILE)))
        .map_err(VaultError::io("copy the audit log to", dir.join(crate::audit::FILE)))
        .inspect_err(|_| drop(std::fs::remove_file(&draft)))
}

impl Vault {
    /// Makes a consistent copy of the vault and its audit log in a new folder while others may write.
    ///
    /// The copy is a vault with the same id and the same keys, and is proven before it gets its name. Fails with
    /// [`VaultError::AlreadyExists`] where the folder holds a vault.
    pub fn backup(&self, dir: &Path) -> Result<(), VaultError> {
        let target = Location { dir: dir.to_owned(), state: self.location.state.clone() };
        if target.exists() {
            return Err(VaultError::AlreadyExists(dir.to_owned()));
        }
        files::make_private_folder(dir)?;
        let draft = dir.join(".vault.db.new");
        let _ = std::fs::remove_file(&draft);
        self.copy_database(&draft)?;
        let copied = copy_log(&self.location.dir.join(crate::audit::FILE), dir);
        copied.and_then(|()| publish(&draft, &target.database())).inspect_err(|_| {
            let _ = std::fs::remove_file(&draft);
        })?;
        files::sync_folder(dir)
    }

    /// Copies the database to a file that does not exist, and proves the copy.
    pub(crate) fn copy_database(&self, path: &Path) -> Result<(), VaultError> {
        let pin = self.pins.read(&self.keys.vault)?;
        // the engine fills an empty file, so the copy is private from its first byte
        let file = files::make_private_file(path)?;
        let copied = self.store.copy_to(path).and_then(|()| {
            let copy = SqliteStore::open(path)?;
            let snapshot = Snapshot::begin(&copy, &self.keys, Mode::Read)?;
            snapshot.check_pin(pin.as_ref())?;
            snapshot.each_row(&mut |_| Ok(()))
        });
        copied.and_then(|()| file.sync_all().map_err(VaultError::io("flush", path))).inspect_err(|_| {
            let _ = std::fs::remove_file(path);
        })
    }

    /// Drops earlier values and deleted secrets, of one name or of all, and rewrites the file so that nothing of them is left in it.
    ///
    /// Copies made before (backups, snapshots, remapped blocks of an SSD) still hold them, sealed.
    pub fn purge(&mut self, name: Option<&Name>) -> Result<Purged, VaultError> {
        let purged = match name {
            Some(name) => self.purge_one(name)?,
            None => self.drop_all(&[kind::HISTORY, kind::TOMBSTONE])?,
        };
        self.wipe(purged)
    }

    /// Drops every secret for good, with its earlier values, and those that were deleted before. Ways in, documents and the
    /// audit log stay.
    pub fn clear(&mut self) -> Result<Purged, VaultError> {
        let dropped = self.drop_all(&[kind::SECRET, kind::HISTORY, kind::TOMBSTONE])?;
        self.wipe(dropped)
    }

    /// Rewrites the file, so that nothing of what was dropped is left in it.
    fn wipe(&mut self, purged: Purged) -> Result<Purged, VaultError> {
        let _ = std::fs::remove_file(self.location.dir.join(BEFORE_ROTATION));
        self.store.compact().map_err(|error| match purged == Purged::default() {
            true => error,
            false => VaultError::SavedUnwiped(Box::new(error)),
        })?;
        Ok(purged)
    }

    fn purge_one(&mut self, name: &Name) -> Result<Purged, VaultError> {
        self.change(|change| {
            let mut purged = Purged::default();
            let mut records = Vec::new();
            for row in change.tombstones(name)? {
                records.extend(crate::RecordId::from_slice(&row.id));
                change.delete_with_body(&row)?;
                purged.secrets += 1;
            }
            match change.find(name)? {
                Some(entry) => records.push(entry.record),
                None if records.is_empty() => return Err(VaultError::NoSuchSecret(name.clone())),
                None => {}
            }
            for record in records {
                for row in change.shelved(&record)? {
                    change.delete_with_body(&row)?;
                    purged.values += 1;
                }
            }
            Ok(purged)
        })
    }

    fn drop_all(&mut self, kinds: &[i64]) -> Result<Purged, VaultError> {
        self.change(|change| {
            let mut old = Vec::new();
            change.snapshot.each_row(&mut |row| {
                if kinds.contains(&row.kind) {
                    old.push(Row::from(row));
                }
                Ok(())
            })?;
            let mut purged = Purged::default();
            for row in &old {
                change.delete_with_body(row)?;
                match row.kind {
                    kind::HISTORY => purged.values += 1,
                    _ => purged.secrets += 1,
                }
            }
            Ok(purged)
        })
    }
}
