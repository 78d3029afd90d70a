//! Errors of the libraries, as a person reads them: with the exit code and the next command.

use crate::exit::Exit;
use crate::failure::Failure;
use subrosa_keychain::KeychainError;
pub(crate) use subrosa_resolver::quoted;
use subrosa_vault::{AuditError, PinError, VaultError};

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Failure {
        let text = error.to_string();
        match error {
            VaultError::NotFound(_) => Failure::new(Exit::NO_VAULT, text).hint("subrosa init"),
            VaultError::WrongKey => Failure::new(Exit::LOCKED, text).hint("subrosa doctor"),
            VaultError::NoSuchSecret(name) => {
                Failure::general(text).hint(format!("subrosa set {}", quoted(name.as_str())))
            }
            VaultError::Linked(name) => {
                let word = quoted(name.as_str());
                Failure::general(text)
                    .hint(format!("subrosa push {word}"))
                    .hint(format!("subrosa unlink {word}"))
            }
            VaultError::NotLinked(name) => Failure::general(text)
                .hint(format!("subrosa link {} CONNECTION:TARGET", quoted(name.as_str()))),
            VaultError::Damaged(_) => Failure::new(Exit::DAMAGED, text).hint("subrosa verify"),
            VaultError::RolledBack { .. } => Failure::new(Exit::DAMAGED, text)
                .hint("restore the newest copy of the vault, or see what this one holds: subrosa verify")
                .hint("to go on from this file for good: subrosa accept-rollback"),
            VaultError::LastWayIn => Failure::general(text).hint("subrosa keys add passphrase"),
            VaultError::Unsafe { .. } => Failure::general(text).hint("subrosa doctor"),
            VaultError::Audit(AuditError::Rekeyed(_)) => {
                Failure::new(Exit::AUDIT, text).hint("run the command again")
            }
            VaultError::Audit(_) => Failure::new(Exit::AUDIT, text).hint("subrosa doctor"),
            VaultError::Pin(PinError::Damaged(_)) => Failure::new(Exit::DAMAGED, text)
                .hint("if this vault is the newest that you know of: subrosa accept-rollback"),
            VaultError::Busy | VaultError::Rekeyed => Failure::general(text).hint("run the command again"),
            _ => Failure::general(text),
        }
    }
}

impl From<KeychainError> for Failure {
    fn from(error: KeychainError) -> Failure {
        Failure::new(Exit::KEYCHAIN, error.to_string()).hint(error.hint())
    }
}
