//! The keychain: store, load, delete.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error as StoreError};
use subrosa_vault::VaultKey;
use zeroize::{Zeroize as _, Zeroizing};

use crate::account::{Account, SERVICE};
use crate::patience::{bounded, fitting};
use crate::{KeychainError, platform};

/// This user's keychain.
pub struct Keychain {
    store: Arc<CredentialStore>,
    patience: Duration,
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keychain").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Keychain {
    /// Connects to the keychain of this platform. Each call waits as long as fits the process, see
    /// [`WITH_A_PERSON`](crate::WITH_A_PERSON) and [`UNATTENDED`](crate::UNATTENDED).
    ///
    /// # Errors
    /// [`KeychainError::Absent`] if there is none; [`KeychainError::NoAnswer`]; [`KeychainError::Failed`].
    pub fn connect() -> Result<Self, KeychainError> {
        Self::connect_for(fitting())
    }

    /// [`connect`](Self::connect), with how long each call may wait, this one among them.
    ///
    /// # Errors
    /// The same.
    pub fn connect_for(patience: Duration) -> Result<Self, KeychainError> {
        let store = bounded(patience, "connecting", platform::connect)?;
        Ok(Self { store, patience })
    }

    /// Stores a key, and reads it back to be sure that it is there.
    ///
    /// # Errors
    /// [`KeychainError::AlreadyThere`] if the account has an entry that holds anything but this key: nothing is
    /// overwritten. Two processes that store under one account in the same instant could both succeed, so accounts are
    /// not reused.
    /// [`KeychainError::Locked`], [`Denied`](KeychainError::Denied), [`NoAnswer`](KeychainError::NoAnswer) and
    /// [`Failed`](KeychainError::Failed) as they come; after `NoAnswer` the key may still be stored later.
    pub fn store(&self, account: &Account, key: &VaultKey) -> Result<(), KeychainError> {
        let what = "storing the key";
        let text = key.to_text();
        let name = account.to_string();
        self.with_entry(account.to_string(), account.label(), what, move |entry| {
            match read(entry) {
                Ok(None) => {}
                // stored by an attempt whose answer came too late
                Ok(Some(kept)) if kept.as_slice() == text.as_bytes() => return Ok(()),
                Ok(Some(_)) | Err(StoreError::Ambiguous(_)) => {
                    return Err(KeychainError::AlreadyThere { account: name.clone() });
                }
                Err(error) => return Err(explain(what, &name, error)),
            }
            entry.set_secret(text.as_bytes()).map_err(|error| explain(what, &name, error))?;
            match read(entry).map_err(|error| explain(what, &name, error))? {
                Some(kept) if kept.as_slice() == text.as_bytes() => Ok(()),
                _ => Err(KeychainError::Failed { what: "reading back what was stored", source: None }),
            }
        })
    }

    /// Loads a key; `None` if the account has no entry.
    ///
    /// # Errors
    /// [`KeychainError::Damaged`] if the entry is not a vault key, or if there are several;
    /// [`KeychainError::Locked`], [`Denied`](KeychainError::Denied), [`NoAnswer`](KeychainError::NoAnswer) and
    /// [`Failed`](KeychainError::Failed) as they come.
    pub fn load(&self, account: &Account) -> Result<Option<VaultKey>, KeychainError> {
        let what = "loading the key";
        let name = account.to_string();
        self.with_entry(account.to_string(), account.label(), what, move |entry| {
            let Some(bytes) = read(entry).map_err(|error| explain(what, &name, error))? else {
                return not_found(None);
            };
            let key = std::str::from_utf8(&bytes).ok().and_then(|text| VaultKey::parse(text).ok());
            key.map(Some).ok_or_else(|| KeychainError::Damaged { account: name.clone() })
        })
    }

    /// Deletes an entry, whatever it holds; `false` if there was none.
    ///
    /// # Errors
    /// [`KeychainError::Damaged`] if there are several entries, of which none is then deleted;
    /// [`KeychainError::Locked`], [`Denied`](KeychainError::Denied), [`NoAnswer`](KeychainError::NoAnswer) and
    /// [`Failed`](KeychainError::Failed) as they come.
    pub fn delete(&self, account: &Account) -> Result<bool, KeychainError> {
        self.delete_entry(account.to_string(), account.label())
    }

    pub(crate) fn delete_entry(&self, account: String, label: String) -> Result<bool, KeychainError> {
        let what = "deleting the key";
        let name = account.clone();
        self.with_entry(account, label, what, move |entry| match entry.delete_credential() {
            Ok(()) => Ok(true),
            Err(StoreError::NoEntry) => not_found(false),
            Err(error) => Err(explain(what, &name, error)),
        })
    }

    pub(crate) fn with_entry<T: Send + 'static>(
        &self,
        name: String,
        label: String,
        what: &'static str,
        work: impl Fn(&Entry) -> Result<T, KeychainError> + Send + 'static,
    ) -> Result<T, KeychainError> {
        let store = Arc::clone(&self.store);
        bounded(self.patience, what, move || {
            let entry = store
                .build(SERVICE, &name, Some(&platform::modifiers(&label)))
                .map_err(|error| explain(what, &name, error))?;
            work(&entry)
        })
    }
}

/// What it means that there is no entry: a store that hides what it holds while it is locked cannot tell.
pub(crate) fn not_found<T>(answer: T) -> Result<T, KeychainError> {
    if platform::is_locked()? { Err(KeychainError::Locked) } else { Ok(answer) }
}

pub(crate) fn read(entry: &Entry) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    match entry.get_secret() {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(StoreError::NoEntry) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Says in our words what a store said. An error that carries what the entry holds is wiped, never passed on.
pub(crate) fn explain(what: &'static str, account: &str, error: StoreError) -> KeychainError {
    let damaged = || KeychainError::Damaged { account: account.to_owned() };
    match error {
        StoreError::BadEncoding(mut bytes) | StoreError::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            damaged()
        }
        StoreError::Ambiguous(_) => damaged(),
        StoreError::PlatformFailure(source) | StoreError::NoStorageAccess(source) => {
            platform::explain(what, source)
        }
        other => KeychainError::Failed { what, source: Some(other.into()) },
    }
}
