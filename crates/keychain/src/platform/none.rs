//! Every other operating system: there is no keychain.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use keyring_core::CredentialStore;

use crate::{Absence, KeychainError};

/// Always [`Absence::Unsupported`].
pub(crate) fn connect() -> Result<Arc<CredentialStore>, KeychainError> {
    Err(KeychainError::Absent { absence: Absence::Unsupported, source: None })
}

pub(crate) fn modifiers(_label: &str) -> HashMap<&str, &str> {
    HashMap::new()
}

pub(crate) fn has_display() -> bool {
    false
}

/// There is none to be locked.
pub(crate) fn is_locked() -> Result<bool, KeychainError> {
    Ok(false)
}

pub(crate) fn explain(what: &'static str, source: Box<dyn StdError + Send + Sync>) -> KeychainError {
    KeychainError::Failed { what, source: Some(source) }
}
