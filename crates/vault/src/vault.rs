//! An open vault.

use std::{
    cell::Cell,
    io::ErrorKind,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use subrosa_secret::{Name, SecretValue};

use crate::{
    AuditError, AuditLog, AuditReport, Entry, FORMAT, Head, Location, NewSlot, Pin, RootKey, SUITE, SlotId,
    SlotInfo, Unlock, VaultError, VaultId,
    change::{Change, open_named},
    files,
    keys::RoleKeys,
    manifest::{AuditMark, Manifest},
    pin::{FilePins, PinError, PinStore},
    role::Epoch,
    scan, slots,
    snapshot::{Preamble, Snapshot},
    sqlite::SqliteStore,
    store::{Mode, Row, Store, kind},
    tree::{FAN, HASH_LEN},
};

/// How the names of files begin that are to become a vault's.
const DRAFT: &str = ".vault.db.";

/// What is known of a vault without a key. Nothing of it is authenticated.
#[derive(Debug, Clone)]
pub struct Header {
    /// The vault's id.
    pub id: VaultId,
    /// The generation that the file claims.
    pub generation: u64,
    /// The keyslots that the file claims, without their labels.
    pub slots: Vec<SlotInfo>,
}

/// An earlier value of a secret, or a deleted one.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The version that [`Vault::value_at`] takes.
    pub version: u64,
    /// When it became current, in seconds since 1970.
    pub changed: i64,
    /// The value's length in bytes.
    pub length: u64,
}

/// A vault opened with one of its keys.
///
/// Each operation is a transaction of its own: it sees one generation, checks the roll-back pin before it discloses
/// anything, and proves what it reads.
pub struct Vault {
    pub(crate) location: Location,
    pub(crate) store: Box<dyn Store>,
    pub(crate) keys: RoleKeys,
    pub(crate) pins: FilePins,
    slot: SlotId,
    /// The head of the audit log that the last generation seen vouches for.
    sealed_audit: Cell<Option<Head>>,
}

impl Vault {
    /// Makes a vault with the given ways in, of which there must be at least one.
    ///
    /// The folder is made where it is missing, with mode 0700. Fails with [`VaultError::AlreadyExists`] where there is a vault.
    pub fn create(
        location: &Location,
        id: VaultId,
        slots: &[(SlotId, NewSlot<'_>)],
    ) -> Result<Self, VaultError> {
        if slots.is_empty() {
            return Err(VaultError::LastWayIn);
        }
        if location.exists() {
            return Err(VaultError::AlreadyExists(location.dir.clone()));
        }
        files::make_private_folder(&location.dir)?;
        // of this vault alone: another process may be making one in the same folder
        let draft = location.dir.join(format!("{DRAFT}{id}.new"));
        let published = files::make_private_file(&draft).and_then(|_| {
            Self::write_first_generation(&draft, id, slots)?;
            publish(&draft, &location.database())
        });
        if let Err(error) = published {
            files::remove_drafts(&location.dir, &format!("{DRAFT}{id}"));
            // whoever came first takes the drafts of all others away
            let late = location.exists();
            return Err(if late { VaultError::AlreadyExists(location.dir.clone()) } else { error });
        }
        // closed, the store leaves an empty journal under the draft's name; and crashes may have left drafts
        files::remove_drafts(&location.dir, DRAFT);
        let (_, slot) = slots.first().ok_or(VaultError::LastWayIn)?;
        let opened = files::sync_folder(&location.dir).and_then(|()| Self::open(location, &slot.as_unlock()));
        opened.inspect_err(|_| {
            // the caller is told that there is no vault, and throws the keys away
            let _ = std::fs::remove_file(location.database());
        })
    }

    fn write_first_generation(
        path: &Path,
        id: VaultId,
        slots: &[(SlotId, NewSlot<'_>)],
    ) -> Result<(), VaultError> {
        let store = SqliteStore::create(path)?;
        let keys = RoleKeys::derive(RootKey::generate()?, id, Epoch(1));
        let now = now();
        let manifest = Manifest {
            generation: 0,
            created: now,
            written: now,
            tree: keys.tree.root(&[0; FAN * HASH_LEN]),
            recent: keys.tree.recent(&[0; FAN * HASH_LEN]),
            records: 0,
            bodies: 0,
            audit: None,
        };
        let (sealed, _) = manifest.seal(&keys)?;
        store.begin(Mode::Write)?;
        for (name, value) in [
            ("format", FORMAT.to_le_bytes().as_slice()),
            ("suite", &SUITE.to_le_bytes()),
            ("vault", id.as_bytes()),
            ("epoch", &keys.epoch.0.to_le_bytes()),
            ("generation", &0u64.to_le_bytes()),
            ("manifest", &sealed.to_bytes()),
        ] {
            store.put_header(name, value)?;
        }
        store.commit()?;
        let mut change = Change::new(Snapshot::begin(&store, &keys, Mode::Write)?, now);
        for (slot, new) in slots {
            change.put(slots::wrap(&keys, *slot, new, now)?)?;
        }
        change.finish(None).map(drop)
    }

    /// Reads what a vault tells without a key.
    pub fn inspect(location: &Location) -> Result<Header, VaultError> {
        let store = open_store(location)?;
        let (preamble, rows) = read_preamble(&store)?;
        let slots = rows.iter().map(slots::describe).collect::<Result<_, _>>()?;
        Ok(Header { id: preamble.vault, generation: preamble.generation, slots })
    }

    /// Opens a vault with a key, passphrase or recovery key. Nothing is read beyond the keyslots and the manifest.
    ///
    /// A roll-back is noticed here already: nothing works on such a vault but [`Vault::open_despite_rollback`].
    pub fn open(location: &Location, unlock: &Unlock<'_>) -> Result<Self, VaultError> {
        match Self::open_once(location, unlock) {
            // just now, between the two looks at the file
            Err(VaultError::Rekeyed) => Self::open_once(location, unlock),
            opened => opened,
        }
    }

    fn open_once(location: &Location, unlock: &Unlock<'_>) -> Result<Self, VaultError> {
        let vault = Self::unlock(location, unlock)?;
        let snapshot = vault.read()?;
        // the slot that opened must be one of the vault's own today, not one put back
        let slot = slots::key_of(vault.slot);
        if snapshot.rows_of(&slot)?.is_empty() {
            return Err(VaultError::WrongKey);
        }
        drop(snapshot);
        Ok(vault)
    }

    /// Opens a vault whose roll-back the caller is about to report or accept. Everything else goes on refusing it.
    pub fn open_despite_rollback(location: &Location, unlock: &Unlock<'_>) -> Result<Self, VaultError> {
        Self::unlock(location, unlock)
    }

    fn unlock(location: &Location, unlock: &Unlock<'_>) -> Result<Self, VaultError> {
        let store = open_store(location)?;
        let (preamble, rows) = read_preamble(&store)?;
        let (slot, root) = slots::unlock(&rows, &preamble, unlock)?;
        let keys = RoleKeys::derive(root, preamble.vault, preamble.epoch);
        let pins = FilePins::new(&location.state);
        Ok(Self {
            location: location.clone(),
            store: Box::new(store),
            keys,
            pins,
            slot,
            sealed_audit: Cell::new(None),
        })
    }

    /// The vault's id.
    #[must_use]
    pub fn id(&self) -> VaultId {
        self.keys.vault
    }

    /// Where it stands.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The keyslot that opened it.
    #[must_use]
    pub fn slot(&self) -> SlotId {
        self.slot
    }

    /// The generation of the file now.
    pub fn generation(&self) -> Result<u64, VaultError> {
        Ok(self.read()?.manifest.generation)
    }

    /// Its audit log, held to what the last generation seen vouches for.
    pub fn audit_log(&self) -> Result<AuditLog, AuditError> {
        self.audit_log_at(self.sealed_audit.get())
    }

    pub(crate) fn audit_log_at(&self, sealed: Option<Head>) -> Result<AuditLog, AuditError> {
        let log = AuditLog::open(&self.location.dir, &self.keys.vault, self.keys.audit(), self.keys.epoch)?;
        Ok(log.sealed_at(sealed))
    }

    /// Checks the whole audit log against the manifest, whatever the roll-back pin says.
    pub fn verify_audit(&self) -> Result<AuditReport, VaultError> {
        let snapshot = Snapshot::begin(self.store.as_ref(), &self.keys, Mode::Read)?;
        Ok(self.audit_log_at(snapshot.manifest.audit_head())?.verify(None)?)
    }

    /// What the next generation will vouch for. A log that was cut or edited gets no new mark: the vault stays writable,
    /// and whoever uses or verifies the log is told.
    pub(crate) fn audit_mark(&self, snapshot: &Snapshot<'_>) -> Result<Option<AuditMark>, VaultError> {
        match self.audit_log_at(snapshot.manifest.audit_head())?.head() {
            Ok(head) => Ok(head.map(AuditMark::from)),
            Err(AuditError::Tampered { .. } | AuditError::Foreign(_)) => Ok(snapshot.manifest.audit.clone()),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins a proven read: the pin is read before the snapshot is taken, and raised if the file has moved on.
    pub(crate) fn read(&self) -> Result<Snapshot<'_>, VaultError> {
        let pin = self.pins.read(&self.keys.vault)?;
        let snapshot = Snapshot::begin(self.store.as_ref(), &self.keys, Mode::Read)?;
        snapshot.check_pin(pin.as_ref())?;
        self.sealed_audit.set(snapshot.manifest.audit_head());
        let seen = Pin { generation: snapshot.manifest.generation, tag: snapshot.tag };
        if pin.is_none_or(|pin| pin.generation < seen.generation) {
            self.raise(&seen)?;
        }
        Ok(snapshot)
    }

    /// Raises the pin after a read. A state folder that cannot be written is no reason to refuse it: the pin stays as it is.
    fn raise(&self, seen: &Pin) -> Result<(), VaultError> {
        match self.pins.raise(&self.keys.vault, seen) {
            Err(PinError::Write { .. }) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Raises the pin after a commit. The commit stands even where this fails, and the error says so.
    pub(crate) fn raise_committed(&self, written: &Pin) -> Result<(), VaultError> {
        self.pins.raise(&self.keys.vault, written).map_err(VaultError::SavedUnpinned)
    }

    /// The current state of a secret: there, or proven not to be.
    pub fn find(&self, name: &Name) -> Result<Option<Entry>, VaultError> {
        find_in(&self.read()?, name)
    }

    /// The same for several names, in one snapshot and in their order.
    pub fn find_many(&self, names: &[Name]) -> Result<Vec<Option<Entry>>, VaultError> {
        let snapshot = self.read()?;
        names.iter().map(|name| find_in(&snapshot, name)).collect()
    }

    /// All secrets by name, after the whole vault has been proven.
    pub fn list(&self) -> Result<Vec<Entry>, VaultError> {
        self.select(|_| true)
    }

    /// Those that are wanted, by name, after the whole vault has been proven.
    pub fn select(&self, wanted: impl Fn(&Entry) -> bool + Sync) -> Result<Vec<Entry>, VaultError> {
        let mut entries = self.survey(|entry| wanted(&entry).then_some(entry))?;
        // names are unique, so nothing can change places
        entries.sort_unstable_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Ok(entries)
    }

    /// What `each` makes of the secrets, in an order that means nothing, after the whole vault has been proven.
    ///
    /// `each` is called on any thread, before anything is proven: it may only compute.
    pub fn survey<T: Send>(&self, each: impl Fn(Entry) -> Option<T> + Sync) -> Result<Vec<T>, VaultError> {
        self.survey_of(kind::SECRET, each)
    }

    /// Deleted secrets that can still be brought back, the last deleted first.
    pub fn deleted(&self) -> Result<Vec<Entry>, VaultError> {
        let mut entries = self.survey_of(kind::TOMBSTONE, Some)?;
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.metadata.changed));
        Ok(entries)
    }

    fn survey_of<T: Send>(
        &self,
        kind: i64,
        each: impl Fn(Entry) -> Option<T> + Sync,
    ) -> Result<Vec<T>, VaultError> {
        let keys = &self.keys;
        scan::map(&self.read()?, |row, room| {
            let entry = (row.kind == kind).then(|| Entry::open_in(room, keys, row)).transpose()?;
            Ok(entry.and_then(&each))
        })
    }

    /// Opens the value of an entry that this vault gave. `None` if it has none yet.
    pub fn value(&self, entry: &Entry) -> Result<Option<SecretValue>, VaultError> {
        if !entry.has_value() {
            return Ok(None);
        }
        let body = self.store.body(entry.record.as_bytes(), crate::entry::signed(entry.value_version)?)?;
        entry.open_value(&self.keys, body)
    }

    /// The earlier values of a secret, the latest first.
    pub fn history(&self, name: &Name) -> Result<Vec<Revision>, VaultError> {
        let mut revisions: Vec<_> = self
            .shelved(name)?
            .into_iter()
            .filter(Entry::has_value)
            .map(|entry| Revision {
                version: entry.version,
                changed: entry.metadata.changed,
                length: entry.metadata.length,
            })
            .collect();
        revisions.reverse();
        Ok(revisions)
    }

    /// An earlier value of a secret. `None` if there is no such version.
    pub fn value_at(&self, name: &Name, version: u64) -> Result<Option<SecretValue>, VaultError> {
        match self.shelved(name)?.into_iter().find(|entry| entry.version == version) {
            Some(entry) => self.value(&entry),
            None => Ok(None),
        }
    }

    fn shelved(&self, name: &Name) -> Result<Vec<Entry>, VaultError> {
        let snapshot = self.read()?;
        let entry = find_in(&snapshot, name)?.ok_or_else(|| VaultError::NoSuchSecret(name.clone()))?;
        let mut rows = snapshot.rows_of(entry.record.as_bytes())?;
        rows.retain(|row| row.kind == kind::HISTORY);
        rows.iter().map(|row| Entry::open(&self.keys, row)).collect()
    }

    /// Makes one change of the vault: everything that `work` did becomes durable at once, or nothing does.
    pub fn change<T>(
        &mut self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let pin = self.pins.read(&self.keys.vault)?;
        let snapshot = Snapshot::begin(self.store.as_ref(), &self.keys, Mode::Write)?;
        snapshot.check_pin(pin.as_ref())?;
        let audit = self.audit_mark(&snapshot)?;
        let mut change = Change::new(snapshot, now());
        let answer = work(&mut change)?;
        if !change.is_idle() {
            let written = change.finish(audit)?;
            self.raise_committed(&written)?;
        }
        Ok(answer)
    }

    /// Continues from a rolled-back or forked file as if it were the vault: the generation jumps over the pinned one.
    /// What the lost generations held is lost, and what they had withdrawn (a host rule, a deleted secret) is back.
    pub fn accept_rollback(&mut self) -> Result<u64, VaultError> {
        let pin = match self.pins.read(&self.keys.vault) {
            Err(PinError::Damaged(_)) => None,
            pin => pin?,
        };
        let snapshot = Snapshot::begin(self.store.as_ref(), &self.keys, Mode::Write)?;
        // prove the whole of what is about to be vouched for
        snapshot.each_row(&mut |_| Ok(()))?;
        let pinned = pin.map_or(0, |pin| pin.generation);
        let audit = self.accepted_audit()?;
        let written = Change::new(snapshot, now()).finish_after_rollback(pinned, audit)?;
        self.pins.force(&self.keys.vault, &written)?;
        Ok(written.generation)
    }
}

impl Vault {
    /// The audit log as it is, with nothing held against it; one that is beyond reading is set aside.
    fn accepted_audit(&self) -> Result<Option<AuditMark>, VaultError> {
        let log = self.audit_log_at(None)?;
        match log.verify(None).and_then(|_| log.head()) {
            Ok(head) => Ok(head.map(AuditMark::from)),
            Err(AuditError::Tampered { .. } | AuditError::Foreign(_)) => {
                let path = self.location.dir.join(crate::audit::FILE);
                let aside = path.with_extension(format!("log.set-aside-{}", now()));
                std::fs::rename(&path, aside).map_err(VaultError::io("rename", path))?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn find_in(snapshot: &Snapshot<'_>, name: &Name) -> Result<Option<Entry>, VaultError> {
    let rows = snapshot.rows_of(&snapshot.keys.record_key(name))?;
    let row = rows.iter().find(|row| row.kind == kind::SECRET);
    row.map(|row| open_named(snapshot, row, name)).transpose()
}

pub(crate) fn open_store(location: &Location) -> Result<SqliteStore, VaultError> {
    files::check(location)?;
    SqliteStore::open(&location.database())
}

/// Header and keyslots in one transaction, proven by nothing yet.
fn read_preamble(store: &SqliteStore) -> Result<(Preamble, Vec<Row>), VaultError> {
    store.begin(Mode::Read)?;
    let result = Preamble::read(store).and_then(|preamble| Ok((preamble, slots::rows(store)?)));
    store.roll_back();
    result
}

/// Gives a finished file its name, unless the name is taken: two `init`s at once cannot both win.
pub(crate) fn publish(draft: &Path, path: &Path) -> Result<(), VaultError> {
    let published = match std::fs::hard_link(draft, path) {
        // a draft that stays is a second name of the vault until the next one is made
        Ok(()) => std::fs::remove_file(draft).or(Ok(())),
        // a file system without hard links
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
            match path.symlink_metadata() {
                Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                Err(_) => std::fs::rename(draft, path),
            }
        }
        Err(error) => Err(error),
    };
    published.map_err(|error| match (error.kind(), path.parent()) {
        (ErrorKind::AlreadyExists, Some(folder)) => VaultError::AlreadyExists(folder.to_owned()),
        _ => VaultError::io("create", path)(error),
    })
}

/// Seconds since 1970; before 1970 counts as 1970.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}
