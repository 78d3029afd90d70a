//! macOS: the login keychain.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring_core::CredentialStore;
use security_framework::base::Error as AppleError;

use super::apple_status::{Meaning, meaning_of};
use crate::{Absence, KeychainError};

/// The login keychain; it is opened only by the first call that needs it.
pub(crate) fn connect() -> Result<Arc<CredentialStore>, KeychainError> {
    match Store::new() {
        Ok(store) => Ok(store),
        Err(error) => Err(KeychainError::Failed { what: "connecting", source: Some(error.into()) }),
    }
}

/// The keychain names an entry by its service and account; the store sets no label.
pub(crate) fn modifiers(_label: &str) -> HashMap<&str, &str> {
    HashMap::new()
}

/// The framework itself knows whether it may ask, and answers at once when it may not.
pub(crate) fn has_display() -> bool {
    true
}

/// A store that is locked says so itself.
pub(crate) fn is_locked() -> Result<bool, KeychainError> {
    Ok(false)
}

/// The store sorts only some codes by itself; cancelled, failed and forbidden dialogs come as platform failures.
pub(crate) fn explain(what: &'static str, source: Box<dyn StdError + Send + Sync>) -> KeychainError {
    match source.downcast_ref::<AppleError>().map_or(Meaning::Other, |error| meaning_of(error.code())) {
        Meaning::Locked => KeychainError::Locked,
        Meaning::Denied => KeychainError::Denied,
        Meaning::NoKeyring => KeychainError::Absent { absence: Absence::NoKeyring, source: Some(source) },
        Meaning::Other => KeychainError::Failed { what, source: Some(source) },
    }
}
