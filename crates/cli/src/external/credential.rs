//! What connections log in with, and where that is kept.

use crate::failure::{Failure, Outcome};
use clap::Arg;
use clap::builder::PossibleValuesParser;
use serde::{Deserialize, Serialize};
use subrosa_keychain::{CredentialAccount, Keychain, KeychainError};
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;
use subrosa_vault::{Change, DocumentKind, RecordId, Vault, VaultError, VaultId};

/// Where a credential is kept: what a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Keychain,
    Vault,
    /// Nowhere: when the session is over, somebody logs in again.
    Session,
}

/// Where it is: what the connection's document says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) place: KeptPlace,
    id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeptPlace {
    Keychain,
    Vault,
}

impl Keep {
    /// The flag; `usual` is how help calls what holds without it.
    pub(crate) fn flag(usual: &str) -> Arg {
        Arg::new("keep")
            .long("keep")
            .value_name("WHERE")
            .value_parser(PossibleValuesParser::new(["keychain", "vault", "session"]))
            .help(format!("where what one logs in with is kept; session: not at all [default: {usual}]"))
    }

    /// What was said, else what is usual.
    pub(crate) fn of(word: Option<&String>, usual: Self) -> Self {
        match word.map(String::as_str) {
            Some("keychain") => Self::Keychain,
            Some("vault") => Self::Vault,
            Some("session") => Self::Session,
            _ => usual,
        }
    }

    /// Where it was kept until now.
    pub(crate) fn as_before(kept: Option<&Kept>) -> Self {
        match kept.map(|kept| kept.place) {
            Some(KeptPlace::Keychain) => Self::Keychain,
            Some(KeptPlace::Vault) => Self::Vault,
            None => Self::Session,
        }
    }
}

impl KeptPlace {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::Vault => "vault",
        }
    }
}

/// A keychain that can be reached, asked before anybody types a password for nothing.
pub(crate) fn keychain() -> Outcome<Keychain> {
    Keychain::connect().map_err(|error| unkeepable(&error))
}

fn unkeepable(error: &KeychainError) -> Failure {
    Failure::new(crate::exit::Exit::KEYCHAIN, format!("what one logs in with cannot be kept: {error}"))
        .hint("--keep vault seals it in the vault, --keep session keeps only the session until it ends")
}

impl Kept {
    fn id(&self) -> Result<RecordId, ProviderError> {
        RecordId::parse(&self.id)
            .map_err(|_| ProviderError::new(ErrorKind::Damaged, "a connection names no entry of its login"))
    }

    fn account(&self, vault: VaultId) -> Result<CredentialAccount, ProviderError> {
        Ok(CredentialAccount { vault, id: self.id()? })
    }

    /// What the keychain calls the entry.
    pub(crate) fn entry(&self, vault: VaultId) -> String {
        self.account(vault).map(|account| account.to_string()).unwrap_or_default()
    }

    /// Puts a credential into the keychain under an id of its own.
    pub(crate) fn in_keychain(
        keychain: &Keychain,
        vault: VaultId,
        credential: &SecretValue,
    ) -> Outcome<Self> {
        let id = RecordId::random().map_err(|error| Failure::general(error.to_string()))?;
        keychain
            .store_credential(&CredentialAccount { vault, id }, credential)
            .map_err(|error| unkeepable(&error))?;
        Ok(Self { place: KeptPlace::Keychain, id: id.to_string() })
    }

    /// Seals a credential in the vault.
    pub(crate) fn in_vault(change: &mut Change<'_>, credential: &SecretValue) -> Result<Self, VaultError> {
        let id = change.put_document(DocumentKind::Credential, None, credential.expose_secret())?;
        Ok(Self { place: KeptPlace::Vault, id: id.to_string() })
    }

    /// The credential that the vault keeps.
    pub(crate) fn sealed(&self, vault: &Vault) -> Result<Option<SecretValue>, ProviderError> {
        if self.place != KeptPlace::Vault {
            return Ok(None);
        }
        let id = self.id()?;
        let damaged = |error: VaultError| ProviderError::new(ErrorKind::Damaged, error.to_string());
        let documents = vault.documents(DocumentKind::Credential).map_err(damaged)?;
        let found = documents.into_iter().find(|document| document.id == id);
        Ok(found.and_then(|document| SecretValue::from_zeroizing(document.content).ok()))
    }

    /// The credential that the keychain keeps.
    pub(crate) fn load(&self, vault: VaultId) -> Result<Option<SecretValue>, ProviderError> {
        let account = self.account(vault)?;
        let failed = |error: KeychainError| {
            let text = format!("what it logs in with cannot be had: {error}");
            ProviderError::new(ErrorKind::Locked, text).hint_at(error.hint())
        };
        Keychain::connect().and_then(|keychain| keychain.load_credential(&account)).map_err(failed)
    }

    /// Removes what the vault keeps, in the same change that forgets its id.
    pub(crate) fn unseal(&self, change: &mut Change<'_>) -> Result<(), VaultError> {
        let Some(id) = self.id().ok().filter(|_| self.place == KeptPlace::Vault) else { return Ok(()) };
        match change.remove_document(DocumentKind::Credential, id) {
            Err(VaultError::NoSuchDocument(_)) => Ok(()),
            done => done,
        }
    }

    /// Removes what the keychain keeps, after nothing names it any more.
    pub(crate) fn forget(&self, vault: VaultId) -> Result<(), KeychainError> {
        match self.account(vault) {
            Ok(account) if self.place == KeptPlace::Keychain => {
                Keychain::connect()?.delete_credential(&account).map(drop)
            }
            _ => Ok(()),
        }
    }
}
