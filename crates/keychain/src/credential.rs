//! What a connection to an external vault logs in with.

use std::fmt;

use subrosa_secret::SecretValue;
use subrosa_vault::{RecordId, VaultId};
use zeroize::Zeroizing;

use crate::keychain::{explain, not_found, read};
use crate::{Keychain, KeychainError};

/// Which credential an entry holds. Shown as `<vault id>/connection/<id>`; each credential has an id of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialAccount {
    /// The vault.
    pub vault: VaultId,
    /// What the connection's document calls the credential.
    pub id: RecordId,
}

impl fmt::Display for CredentialAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/connection/{}", self.vault, self.id)
    }
}

impl CredentialAccount {
    fn label(&self) -> String {
        let vault = self.vault.to_string();
        format!("Login of the subrosa vault {}", &vault[..8])
    }
}

impl Keychain {
    /// Stores a credential, and reads it back to be sure that it is there.
    ///
    /// # Errors
    /// As for [`Keychain::store`].
    pub fn store_credential(
        &self,
        account: &CredentialAccount,
        credential: &SecretValue,
    ) -> Result<(), KeychainError> {
        let what = "storing a login";
        let (name, bytes) = (account.to_string(), Zeroizing::new(credential.expose_secret().to_vec()));
        self.with_entry(account.to_string(), account.label(), what, move |entry| {
            match read(entry).map_err(|error| explain(what, &name, error))? {
                None => {}
                Some(kept) if *kept == *bytes => return Ok(()),
                Some(_) => return Err(KeychainError::AlreadyThere { account: name.clone() }),
            }
            entry.set_secret(&bytes).map_err(|error| explain(what, &name, error))?;
            match read(entry).map_err(|error| explain(what, &name, error))? {
                Some(kept) if *kept == *bytes => Ok(()),
                _ => Err(KeychainError::Failed { what: "reading back what was stored", source: None }),
            }
        })
    }

    /// Loads a credential; `None` if the account has no entry.
    ///
    /// # Errors
    /// As for [`Keychain::load`].
    pub fn load_credential(&self, account: &CredentialAccount) -> Result<Option<SecretValue>, KeychainError> {
        let (what, name) = ("loading a login", account.to_string());
        self.with_entry(account.to_string(), account.label(), what, move |entry| {
            let Some(bytes) = read(entry).map_err(|error| explain(what, &name, error))? else {
                return not_found(None);
            };
            let value = SecretValue::from_zeroizing(bytes);
            value.map(Some).map_err(|_| KeychainError::Damaged { account: name.clone() })
        })
    }

    /// Deletes a credential; `false` if there was none.
    ///
    /// # Errors
    /// As for [`Keychain::delete`].
    pub fn delete_credential(&self, account: &CredentialAccount) -> Result<bool, KeychainError> {
        self.delete_entry(account.to_string(), account.label())
    }
}
