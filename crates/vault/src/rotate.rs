//! Changing the root key: everything is sealed anew, in one transaction, and no secret is lost.

use crate::{
    Document, DocumentKind, Entry, NewSlot, Pin, PinStore, RootKey, SlotId, SlotInfo, Unlock, Vault,
    VaultError, audit,
    backup::BEFORE_ROTATION,
    keys::RoleKeys,
    manifest::{AuditMark, Manifest},
    role::Epoch,
    slots,
    snapshot::{CHUNK, RECENT_ROOT, Snapshot, next_generation, recent_place},
    store::{Mode, Row, kind},
    tree::{Builder, FAN, HASH_LEN, is_nothing},
    vault::now,
};

impl Vault {
    /// Replaces the root key, and the keyslots by those given; every other way in is gone afterwards.
    ///
    /// A copy of the file is made first and removed when the new file has been opened with the first of the new slots and
    /// verified. If that fails, the error says so and the copy stays, named `.vault.db.before-rotation`.
    ///
    /// # Errors
    /// [`VaultError::SavedUnpinned`] and [`VaultError::SavedUnwiped`] if the root key was changed and less important work
    /// failed after it. A disk that fails in the very moment of the commit leaves it open which keys the vault has: whoever has
    /// to know tries them.
    pub fn rotate_root(&mut self, new_slots: &[(SlotId, NewSlot<'_>)]) -> Result<(), VaultError> {
        let Some((_, first)) = new_slots.first() else { return Err(VaultError::LastWayIn) };
        let copy = self.location.dir.join(BEFORE_ROTATION);
        let _ = std::fs::remove_file(&copy);
        self.copy_database(&copy)?;
        let written = self.seal_all_anew(new_slots).inspect_err(|_| {
            if Self::open(&self.location, &first.as_unlock())
                .is_ok_and(|now| now.keys.epoch == self.keys.epoch)
            {
                let _ = std::fs::remove_file(&copy);
                let _ = audit::abandon(&self.location.dir);
            }
        })?;
        let pinned = self.raise_committed(&written);
        // the old keys would open it; what it held is looked up again
        let _ = self.cache().clear();
        let _ = self.sessions().clear();
        let reopened = Self::open(&self.location, &first.as_unlock())?;
        let report = reopened.verify()?;
        if !report.is_sound() {
            return Err(VaultError::damaged(format!(
                "after the root key was changed: {}; the state before is in {}",
                report.problems.join("; "),
                copy.display()
            )));
        }
        *self = reopened;
        let unwiped = |error| VaultError::SavedUnwiped(Box::new(error));
        std::fs::remove_file(&copy).map_err(VaultError::io("remove", copy)).map_err(unwiped)?;
        self.store.compact().map_err(unwiped)?;
        pinned
    }

    fn seal_all_anew(&mut self, new_slots: &[(SlotId, NewSlot<'_>)]) -> Result<Pin, VaultError> {
        let pin = self.pins.read(&self.keys.vault)?;
        let snapshot = Snapshot::begin(self.store.as_ref(), &self.keys, Mode::Write)?;
        snapshot.check_pin(pin.as_ref())?;
        let epoch = Epoch(
            self.keys
                .epoch
                .0
                .checked_add(1)
                .ok_or_else(|| VaultError::damaged("its epoch is out of range"))?,
        );
        let keys = RoleKeys::derive(RootKey::generate()?, self.keys.vault, epoch);
        let log = self.audit_log_at(snapshot.manifest.audit_head())?;
        let rekeying = log.rekey(keys.audit(), epoch)?;
        let mut rows = Vec::new();
        for (slot, new) in new_slots {
            rows.push(slots::wrap(&keys, *slot, new, now())?);
        }
        let mut old = Vec::new();
        snapshot.each_row(&mut |row| {
            old.push(Row::from(row));
            Ok(())
        })?;
        for row in &old {
            snapshot.store.delete_row(row)?;
            rows.extend(reseal(&snapshot, &keys, row)?);
        }
        rows.sort_by(|a, b| a.place().cmp(&b.place()));
        let mut builder = Builder::new(&keys.tree);
        for row in &rows {
            builder.push(row.borrowed())?;
            snapshot.store.put_row(row)?;
        }
        let recent = renew_recent(&snapshot, &keys)?;
        let (root, groups) = builder.finish();
        snapshot.store.put_node(0, Some(&root))?;
        for (id, group) in (1..).zip(&groups) {
            snapshot.store.put_node(id, (!is_nothing(group)).then_some(group))?;
        }
        let manifest = Manifest {
            generation: next_generation(snapshot.manifest.generation)?,
            created: snapshot.manifest.created,
            written: now(),
            tree: keys.tree.root(&root),
            recent,
            records: rows.len() as u64,
            bodies: snapshot.manifest.bodies,
            audit: rekeying.head().map(AuditMark::from),
        };
        let (sealed, tag) = manifest.seal(&keys)?;
        snapshot.store.put_header("epoch", &epoch.0.to_le_bytes())?;
        snapshot.store.put_header("generation", &manifest.generation.to_le_bytes())?;
        snapshot.store.put_header("manifest", &sealed.to_bytes())?;
        snapshot.into_commit()?;
        // what is not finished here, the next use of the log finishes
        let _ = rekeying.finish();
        Ok(Pin { generation: manifest.generation, tag })
    }
}

/// The row and its value under the new keys; nothing for a keyslot, which the new ones replace.
fn reseal(snapshot: &Snapshot<'_>, keys: &RoleKeys, row: &Row) -> Result<Option<Row>, VaultError> {
    match row.kind {
        kind::SECRET | kind::HISTORY | kind::TOMBSTONE => {}
        kind::KEYSLOT => return Ok(None),
        number => {
            let newer = || VaultError::damaged("it holds rows that need a newer subrosa");
            let kind = DocumentKind::of(number).ok_or_else(newer)?;
            return Document::open(snapshot.keys, row)?.seal(keys, kind).map(Some);
        }
    }
    let mut entry = Entry::open(snapshot.keys, row)?;
    let body = snapshot.store.body(&row.id, row.value_version)?;
    if let Some(value) = entry.open_value(snapshot.keys, body)? {
        let body = entry.seal_value(keys, &value)?;
        snapshot.store.put_body(&row.id, row.value_version, &body)?;
    }
    let key = match row.kind {
        kind::HISTORY => row.key.clone(),
        _ => keys.record_key(&entry.metadata.name),
    };
    entry.seal(keys, row.kind, key, row.seq).map(Some)
}

/// The recent tags, the present one among them, hashed under the new tree key.
fn renew_recent(snapshot: &Snapshot<'_>, keys: &RoleKeys) -> Result<crate::tree::Hash, VaultError> {
    let (current, place) = recent_place(snapshot.manifest.generation);
    let mut root = vec![0; FAN * HASH_LEN];
    for chunk in 0..FAN as u16 {
        let mut tags = snapshot.chunk(chunk)?;
        if chunk == current {
            tags[place..place + snapshot.tag.len()].copy_from_slice(&snapshot.tag);
        }
        let at = usize::from(chunk) * HASH_LEN;
        root[at..at + HASH_LEN].copy_from_slice(&keys.tree.chunk(chunk, &tags));
        snapshot.store.put_node(CHUNK + i64::from(chunk), (!is_nothing(&tags)).then_some(&tags))?;
    }
    snapshot.store.put_node(RECENT_ROOT, Some(&root))?;
    Ok(keys.tree.recent(&root))
}

/// Ways in.
impl Vault {
    /// The keyslots with their labels, proven.
    pub fn slots(&self) -> Result<Vec<SlotInfo>, VaultError> {
        let snapshot = self.read()?;
        let rows = snapshot.bucket(slots::BUCKET)?;
        rows.iter()
            .filter(|row| row.kind == kind::KEYSLOT)
            .map(|row| slots::describe_open(&self.keys, row))
            .collect()
    }

    /// Adds a way in. The slot's id is the caller's, so that a keychain can hold the key before the slot exists.
    pub fn add_slot(&mut self, id: SlotId, new: &NewSlot<'_>) -> Result<(), VaultError> {
        let keys = RoleKeys::derive(self.keys.root.duplicate(), self.keys.vault, self.keys.epoch);
        self.change(|change| change.put(slots::wrap(&keys, id, new, now())?))
    }

    /// Removes a way in; the last one cannot be removed.
    pub fn remove_slot(&mut self, id: SlotId) -> Result<(), VaultError> {
        self.change(|change| {
            let rows: Vec<Row> = change
                .bucket(&slots::key_of(id))?
                .iter()
                .filter(|row| row.kind == kind::KEYSLOT)
                .cloned()
                .collect();
            let row = rows.iter().find(|row| row.id == id.as_bytes()).ok_or(VaultError::NoSuchSlot(id))?;
            if !rows.iter().any(|other| other != row && slots::is_way_in(other)) {
                return Err(VaultError::LastWayIn);
            }
            change.delete(row)
        })
    }

    /// Removes the ways in that `new` replaces, those of them that are there, and keeps `new`.
    ///
    /// # Errors
    /// [`VaultError::NoSuchSlot`] if `new` is not there: another process has replaced it in its turn, and nothing is removed.
    pub fn replace_slots(&mut self, replaced: &[SlotId], new: SlotId) -> Result<(), VaultError> {
        self.change(|change| {
            let rows = change.bucket(&slots::key_of(new))?;
            let slots = rows.iter().filter(|row| row.kind == kind::KEYSLOT);
            let slots: Vec<Row> = slots.cloned().collect();
            if !slots.iter().any(|row| row.id == new.as_bytes()) {
                return Err(VaultError::NoSuchSlot(new));
            }
            let is_replaced = |row: &&Row| replaced.iter().any(|id| *id != new && row.id == id.as_bytes());
            slots.iter().filter(is_replaced).try_for_each(|row| change.delete(row))
        })
    }

    /// Whether this key, passphrase or recovery key opens a keyslot, and which.
    pub fn slot_opened_by(&self, unlock: &Unlock<'_>) -> Result<Option<SlotId>, VaultError> {
        match Self::open(&self.location, unlock) {
            Ok(vault) => Ok(Some(vault.slot())),
            Err(VaultError::WrongKey) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
