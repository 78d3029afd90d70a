//! Windows: the Credential Manager.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use keyring_core::CredentialStore;
use windows_native_keyring_store::Store;

use crate::{Absence, KeychainError};

/// The credentials of the user who is logged on.
pub(crate) fn connect() -> Result<Arc<CredentialStore>, KeychainError> {
    match Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(KeychainError::Failed { what: "connecting", source: Some(error.into()) }),
    }
}

/// The store's own default would let the key roam to the other machines of a domain.
pub(crate) fn modifiers(_label: &str) -> HashMap<&str, &str> {
    HashMap::from([("persistence", "Local")])
}

/// No dialog is ever shown.
pub(crate) fn has_display() -> bool {
    false
}

/// Open as long as its user is logged on.
pub(crate) fn is_locked() -> Result<bool, KeychainError> {
    Ok(false)
}

/// The store's error types are private, and it has but one way to refuse access: a logon without credentials.
pub(crate) fn explain(what: &'static str, source: Box<dyn StdError + Send + Sync>) -> KeychainError {
    if source.to_string().contains("ERROR_NO_SUCH_LOGON_SESSION") {
        return KeychainError::Absent { absence: Absence::NoLogonSession, source: Some(source) };
    }
    KeychainError::Failed { what, source: Some(source) }
}
