//! Vaults for this crate's own tests.

use subrosa_secret::{Name, SecretValue};
use tempfile::TempDir;

use crate::{Location, NewSlot, SlotId, Unlock, Vault, VaultError, VaultId, VaultKey};

/// A vault in a temporary folder with one key.
pub(crate) struct Scratch {
    pub folder: TempDir,
    pub location: Location,
    pub key: VaultKey,
}

impl Scratch {
    /// Makes an empty vault.
    pub fn new() -> (Self, Vault) {
        Self::within(TempDir::new().expect("temporary folder"))
    }

    /// Makes an empty vault in memory, where the system has a place for such files.
    pub fn in_memory() -> (Self, Vault) {
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        Self::within(folder.expect("temporary folder"))
    }

    fn within(folder: TempDir) -> (Self, Vault) {
        let location = Location { dir: folder.path().join("vault"), state: folder.path().join("state") };
        let key = VaultKey::generate().expect("random");
        let (id, slot) = (VaultId::random().expect("random"), SlotId::random().expect("random"));
        let vault = Vault::create(&location, id, &[(slot, NewSlot::VaultKey { key: &key, label: "test" })])
            .expect("create");
        (Self { folder, location, key }, vault)
    }

    /// A vault with two secrets, one of them with a history, and one deleted.
    pub fn furnished() -> Self {
        let (scratch, mut vault) = Self::new();
        for text in ["old", "current"] {
            store(&mut vault, "one", text);
        }
        store(&mut vault, "two", "other");
        store(&mut vault, "gone", "deleted");
        vault.change(|change| change.remove(&name("gone"))).expect("remove");
        scratch
    }

    pub fn open(&self) -> Result<Vault, VaultError> {
        Vault::open(&self.location, &Unlock::VaultKey(&self.key))
    }

    /// Runs SQL on the closed file, as an attacker would.
    pub fn tamper(&self, sql: &str) {
        let file = rusqlite::Connection::open(self.location.database()).expect("open");
        file.execute_batch(sql).expect(sql);
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("name")
}

pub(crate) fn value(text: &str) -> SecretValue {
    SecretValue::new(text.as_bytes().to_vec()).expect("value")
}

/// What a secret's value is, as text.
pub(crate) fn read(vault: &Vault, text: &str) -> Result<Option<String>, VaultError> {
    let Some(entry) = vault.find(&name(text))? else { return Ok(None) };
    let value = vault.value(&entry)?;
    Ok(value.map(|value| String::from_utf8(value.expose_secret().to_vec()).expect("text")))
}

/// Stores a value.
pub(crate) fn store(vault: &mut Vault, text: &str, content: &str) {
    vault.change(|change| change.set(&name(text), Some(&value(content)))).expect("set");
}
