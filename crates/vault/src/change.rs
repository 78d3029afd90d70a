//! Writing: one transaction that makes one generation (vault-format.md, section 10).

use std::{
    collections::{BTreeMap, btree_map},
    ops::RangeInclusive,
};

use subrosa_secret::{Name, Policy, SecretValue};

use crate::{
    Entry, Link, Metadata, Pin, RecordId, VaultError,
    entry::signed,
    manifest::{AuditMark, Manifest},
    snapshot::{CHUNK, RECENT_ROOT, Snapshot, next_generation, recent_place},
    store::{Row, kind},
    transfer::Body,
    tree::{FAN, HASH_LEN, Hash, Tree, bucket_of, is_nothing},
};

/// A write under way. What it did is kept if the closure that was given it returns `Ok`, and undone otherwise.
pub struct Change<'v> {
    pub(crate) snapshot: Snapshot<'v>,
    /// The rows of buckets that are being worked on, as they will be.
    buckets: BTreeMap<u16, Vec<Row>>,
    /// The hashes of the other buckets touched so far.
    settled: BTreeMap<u16, Hash>,
    records: u64,
    bodies: u64,
    now: i64,
}

impl<'v> Change<'v> {
    pub(crate) fn new(snapshot: Snapshot<'v>, now: i64) -> Self {
        let Manifest { records, bodies, .. } = snapshot.manifest;
        Self { snapshot, buckets: BTreeMap::new(), settled: BTreeMap::new(), records, bodies, now }
    }

    /// The time of this change, in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// The current state of a secret, proven present or absent.
    pub fn find(&mut self, name: &Name) -> Result<Option<Entry>, VaultError> {
        let key = self.snapshot.keys.record_key(name);
        self.rows(&key)?
            .into_iter()
            .find(|row| row.kind == kind::SECRET)
            .map(|row| open_named(&self.snapshot, &row, name))
            .transpose()
    }

    /// Stores a value under a name, made if it is not there; the value before it goes into the history.
    /// `None` makes or leaves a name without a value.
    ///
    /// # Errors
    /// [`VaultError::Linked`]: the value of such a secret is not the vault's to set.
    pub fn set(&mut self, name: &Name, value: Option<&SecretValue>) -> Result<Entry, VaultError> {
        if self.find(name)?.is_some_and(|entry| entry.link.is_some()) {
            return Err(VaultError::Linked(name.clone()));
        }
        self.replace(name, None, value)
    }

    /// Gives a secret a link, a value or neither in place of what it has.
    pub(crate) fn replace(
        &mut self,
        name: &Name,
        link: Option<Link>,
        value: Option<&SecretValue>,
    ) -> Result<Entry, VaultError> {
        let mut entry = match self.find(name)? {
            Some(entry) => self.shelve(entry)?,
            None => self.blank(name)?,
        };
        entry.metadata.changed = self.now;
        (entry.head, entry.metadata.length, entry.metadata.text) = (None, 0, true);
        entry.link = link;
        if let Some(value) = value {
            let body = entry.put_value(self.snapshot.keys, value)?;
            self.snapshot.store.put_body(entry.record.as_bytes(), signed(entry.value_version)?, &body)?;
            self.bodies += 1;
        }
        self.put_current(&entry)?;
        Ok(entry)
    }

    /// Edits what is told of a secret and where it may go; the value is not touched. The name cannot be edited here.
    pub fn update(
        &mut self,
        name: &Name,
        edit: impl FnOnce(&mut Metadata, &mut Policy),
    ) -> Result<Entry, VaultError> {
        let mut entry = self.present(name)?;
        edit(&mut entry.metadata, &mut entry.policy);
        entry.metadata.name = name.clone();
        entry.metadata.changed = self.now;
        entry.version += 1;
        self.put_current(&entry)?;
        Ok(entry)
    }

    /// Gives a secret another name; its history and rules go with it.
    pub fn rename(&mut self, from: &Name, to: &Name) -> Result<Entry, VaultError> {
        let mut entry = self.present(from)?;
        if from == to {
            return Ok(entry);
        }
        if self.find(to)?.is_some() {
            return Err(VaultError::NameTaken(to.clone()));
        }
        self.take_current(from)?;
        entry.metadata.name = to.clone();
        entry.metadata.changed = self.now;
        entry.version += 1;
        self.put_current(&entry)?;
        Ok(entry)
    }

    /// Deletes a secret. Until it is purged, [`Change::undo`] brings it back.
    pub fn remove(&mut self, name: &Name) -> Result<(), VaultError> {
        let entry = self.present(name)?;
        self.bury(entry)
    }

    /// Makes the current row of a name a tombstone. Its version is its place, so it is later than that of every tombstone which
    /// other secrets of this name have left.
    pub(crate) fn bury(&mut self, mut entry: Entry) -> Result<(), VaultError> {
        let name = entry.metadata.name.clone();
        let key = self.take_current(&name)?;
        let last = self.tombstones(&name)?.last().map_or(0, |row| row.seq.unsigned_abs());
        entry.metadata.changed = self.now;
        entry.version = entry.version.max(last) + 1;
        let row = entry.seal(self.snapshot.keys, kind::TOMBSTONE, key, signed(entry.version)?)?;
        self.put(row)
    }

    /// Takes back the last new value, or the deletion. The value that was current goes into the history, so a
    /// second undo brings it back.
    pub fn undo(&mut self, name: &Name) -> Result<Entry, VaultError> {
        match self.find(name)? {
            Some(entry) => self.undo_value(name, entry),
            None => self.undo_removal(name),
        }
    }

    /// The earlier values of a record, oldest first.
    pub(crate) fn shelved(&mut self, record: &RecordId) -> Result<Vec<Row>, VaultError> {
        let mut rows = self.rows(record.as_bytes())?;
        rows.retain(|row| row.kind == kind::HISTORY);
        Ok(rows)
    }

    fn undo_value(&mut self, name: &Name, entry: Entry) -> Result<Entry, VaultError> {
        let Some(row) = self.shelved(&entry.record)?.pop() else {
            return Err(VaultError::NothingToUndo(name.clone()));
        };
        let earlier = Entry::open(self.snapshot.keys, &row)?;
        self.delete(&row)?;
        let mut entry = self.shelve(entry)?;
        entry.value_version = earlier.value_version;
        entry.head = earlier.head;
        entry.link = earlier.link;
        entry.metadata.length = earlier.metadata.length;
        entry.metadata.text = earlier.metadata.text;
        entry.metadata.changed = self.now;
        self.put_current(&entry)?;
        Ok(entry)
    }

    fn undo_removal(&mut self, name: &Name) -> Result<Entry, VaultError> {
        let mut buried = Vec::new();
        for row in self.tombstones(name)? {
            buried.push((Entry::open(self.snapshot.keys, &row)?, row));
        }
        let latest = buried.into_iter().max_by_key(|(entry, row)| (entry.metadata.changed, row.seq));
        let Some((mut entry, row)) = latest else {
            return Err(VaultError::NothingToUndo(name.clone()));
        };
        self.delete(&row)?;
        entry.metadata.changed = self.now;
        entry.version += 1;
        self.put_current(&entry)?;
        Ok(entry)
    }

    pub(crate) fn tombstones(&mut self, name: &Name) -> Result<Vec<Row>, VaultError> {
        let key = self.snapshot.keys.record_key(name);
        let mut rows = self.rows(&key)?;
        rows.retain(|row| row.kind == kind::TOMBSTONE);
        Ok(rows)
    }

    /// A new record for a name that has none.
    pub(crate) fn blank(&self, name: &Name) -> Result<Entry, VaultError> {
        Entry::blank(name, self.now)
    }

    /// Moves the current value or link, if there is one, into the history, and returns the entry with its next version.
    fn shelve(&mut self, mut entry: Entry) -> Result<Entry, VaultError> {
        if entry.has_value() || entry.link.is_some() {
            let key = entry.record.as_bytes().to_vec();
            let row = entry.seal(self.snapshot.keys, kind::HISTORY, key, signed(entry.version)?)?;
            self.put(row)?;
        }
        entry.version += 1;
        Ok(entry)
    }

    fn present(&mut self, name: &Name) -> Result<Entry, VaultError> {
        self.find(name)?.ok_or_else(|| VaultError::NoSuchSecret(name.clone()))
    }

    pub(crate) fn put_current(&mut self, entry: &Entry) -> Result<(), VaultError> {
        let key = self.snapshot.keys.record_key(&entry.metadata.name);
        let row = entry.seal(self.snapshot.keys, kind::SECRET, key, 0)?;
        self.put(row)
    }

    /// Takes the current row of a name away and returns its key.
    fn take_current(&mut self, name: &Name) -> Result<Vec<u8>, VaultError> {
        let key = self.snapshot.keys.record_key(name);
        for row in self.rows(&key)?.iter().filter(|row| row.kind == kind::SECRET) {
            self.delete(row)?;
        }
        Ok(key)
    }

    /// The rows with one key, as they will be.
    pub(crate) fn rows(&mut self, key: &[u8]) -> Result<Vec<Row>, VaultError> {
        Ok(self.bucket(key)?.iter().filter(|row| row.key == key).cloned().collect())
    }

    /// The bucket of a key, proven when it is first touched, and again after it was settled.
    pub(crate) fn bucket(&mut self, key: &[u8]) -> Result<&mut Vec<Row>, VaultError> {
        let bucket = bucket_of(key)?;
        if !self.buckets.contains_key(&bucket) {
            let rows = match self.settled.get(&bucket) {
                None => self.snapshot.bucket(bucket)?,
                Some(hash) => self.snapshot.bucket_with(bucket, hash)?,
            };
            self.settled.remove(&bucket);
            self.buckets.insert(bucket, rows);
        }
        Ok(self.buckets.get_mut(&bucket).expect("just inserted"))
    }

    /// Keeps of all buckets but these no more than their hashes: a change of many secrets touches every bucket, and all of
    /// them together are the vault.
    pub(crate) fn settle(&mut self, working: RangeInclusive<u16>) {
        let tree = &self.snapshot.keys.tree;
        self.buckets.retain(|bucket, rows| {
            let stays = working.contains(bucket);
            if !stays {
                self.settled.insert(*bucket, hash(tree, *bucket, rows));
            }
            stays
        });
    }

    /// Inserts or replaces a row.
    pub(crate) fn put(&mut self, row: Row) -> Result<(), VaultError> {
        // the bucket is proven before the store is changed
        let store = self.snapshot.store;
        let rows = self.bucket(&row.key)?;
        match rows.binary_search_by(|other| other.place().cmp(&row.place())) {
            Ok(at) => {
                store.put_row(&row)?;
                rows[at] = row;
            }
            Err(at) => {
                store.insert_row(&row)?;
                rows.insert(at, row);
                self.records += 1;
            }
        }
        Ok(())
    }

    /// Stores the ciphertext of a value that no row had before.
    pub(crate) fn put_body(&mut self, body: &Body) -> Result<(), VaultError> {
        let (store, version) = (self.snapshot.store, signed(body.version)?);
        match body.is_new {
            true => store.insert_body(body.record.as_bytes(), version, &body.content)?,
            false => store.put_body(body.record.as_bytes(), version, &body.content)?,
        }
        self.bodies += 1;
        Ok(())
    }

    /// Removes a row; its value's body, if any, stays.
    pub(crate) fn delete(&mut self, row: &Row) -> Result<(), VaultError> {
        let rows = self.bucket(&row.key)?;
        if let Ok(at) = rows.binary_search_by(|other| other.place().cmp(&row.place())) {
            rows.remove(at);
            self.records -= 1;
            self.snapshot.store.delete_row(row)?;
        }
        Ok(())
    }

    /// Removes a row of kind 1, 2 or 3 and the value that it held.
    pub(crate) fn delete_with_body(&mut self, row: &Row) -> Result<(), VaultError> {
        if !row.sealed.is_empty() {
            self.snapshot.store.delete_body(&row.id, row.value_version)?;
            self.bodies -= 1;
        }
        self.delete(row)
    }

    /// Whether anything was touched that a new generation would have to vouch for.
    pub(crate) fn is_idle(&self) -> bool {
        self.buckets.is_empty() && self.settled.is_empty()
    }

    /// Re-hashes what was touched, seals the manifest of the next generation and commits.
    pub(crate) fn finish(self, audit: Option<AuditMark>) -> Result<Pin, VaultError> {
        let generation = next_generation(self.snapshot.manifest.generation)?;
        let recent = self.enter_tag()?;
        self.finish_as(generation, recent, audit)
    }

    /// The same after a roll-back was accepted: the generation jumps over the pinned one and no earlier one is vouched for.
    pub(crate) fn finish_after_rollback(
        self,
        pinned: u64,
        audit: Option<AuditMark>,
    ) -> Result<Pin, VaultError> {
        let store = self.snapshot.store;
        for id in store.node_ids()?.into_iter().filter(|id| *id >= RECENT_ROOT) {
            store.put_node(id, None)?;
        }
        let generation = next_generation(self.snapshot.manifest.generation.max(pinned))?;
        let recent = self.snapshot.keys.tree.recent(&[0; FAN * HASH_LEN]);
        self.finish_as(generation, recent, audit)
    }

    fn finish_as(self, generation: u64, recent: Hash, audit: Option<AuditMark>) -> Result<Pin, VaultError> {
        let tree = self.rehash()?;
        let Self { snapshot, records, bodies, now, .. } = self;
        let created = snapshot.manifest.created;
        let manifest = Manifest { generation, created, written: now, tree, recent, records, bodies, audit };
        let (sealed, tag) = manifest.seal(snapshot.keys)?;
        snapshot.store.put_header("generation", &generation.to_le_bytes())?;
        snapshot.store.put_header("manifest", &sealed.to_bytes())?;
        snapshot.into_commit()?;
        Ok(Pin { generation, tag })
    }

    /// The new root over the touched buckets and the untouched rest.
    fn rehash(&self) -> Result<Hash, VaultError> {
        let Snapshot { store, keys, .. } = &self.snapshot;
        let worked_on = self.buckets.iter().map(|(bucket, rows)| (*bucket, hash(&keys.tree, *bucket, rows)));
        let settled = self.settled.iter().map(|(bucket, hash)| (*bucket, *hash));
        let mut groups: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        for (bucket, hash) in worked_on.chain(settled) {
            let (group, at) = (bucket / FAN as u16, usize::from(bucket) % FAN * HASH_LEN);
            let node = match groups.entry(group) {
                btree_map::Entry::Occupied(known) => known.into_mut(),
                btree_map::Entry::Vacant(unknown) => unknown.insert(self.snapshot.group(group)?),
            };
            node[at..at + HASH_LEN].copy_from_slice(&hash);
        }
        let mut root = self.snapshot.root()?;
        for (group, node) in &groups {
            let at = usize::from(*group) * HASH_LEN;
            root[at..at + HASH_LEN].copy_from_slice(&keys.tree.group(*group, node));
            store.put_node(1 + i64::from(*group), (!is_nothing(node)).then_some(node))?;
        }
        store.put_node(0, (!is_nothing(&root)).then_some(&root))?;
        Ok(keys.tree.root(&root))
    }

    /// Enters the tag of the generation that ends now among the recent ones.
    fn enter_tag(&self) -> Result<Hash, VaultError> {
        let Snapshot { store, keys, manifest, tag, .. } = &self.snapshot;
        let (chunk, place) = recent_place(manifest.generation);
        let mut tags = self.snapshot.chunk(chunk)?;
        tags[place..place + tag.len()].copy_from_slice(tag);
        let mut root = self.snapshot.recent_root()?;
        let at = usize::from(chunk) * HASH_LEN;
        root[at..at + HASH_LEN].copy_from_slice(&keys.tree.chunk(chunk, &tags));
        store.put_node(CHUNK + i64::from(chunk), Some(&tags))?;
        store.put_node(RECENT_ROOT, Some(&root))?;
        Ok(keys.tree.recent(&root))
    }
}

fn hash(tree: &Tree, bucket: u16, rows: &[Row]) -> Hash {
    let leaves: Vec<Hash> = rows.iter().map(|row| tree.leaf(row.borrowed())).collect();
    tree.bucket(bucket, &leaves)
}

/// Opens a row found under a name's key; the name within must be the one asked for.
pub(crate) fn open_named(snapshot: &Snapshot<'_>, row: &Row, name: &Name) -> Result<Entry, VaultError> {
    let entry = Entry::open(snapshot.keys, row)?;
    if entry.metadata.name == *name {
        return Ok(entry);
    }
    Err(VaultError::damaged("a secret was found under the key of another name"))
}
