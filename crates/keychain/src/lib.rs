//! The vault key in the operating system's own key store: macOS Keychain, Windows Credential Manager, or the Secret
//! Service of a Linux or BSD desktop (gnome-keyring, KWallet, KeePassXC).
//!
//! This crate holds the text of a [`VaultKey`](subrosa_vault::VaultKey), so that `subrosa` opens its vault without a question
//! while its user is logged in; and what connections to external vaults log in with ([`CredentialAccount`]). It is not a general
//! key store: no secret of the user's goes there.
//!
//! What it holds to:
//! - An entry is named by the vault and the keyslot that its key opens ([`Account`]), or by an id that its credential alone has, and
//!   is **never overwritten**: a rotation adds the new key before it removes the old one.
//! - **No call waits for ever.** A locked Secret Service may put an unlock dialog on the screen and answer only once
//!   a person has. [`Keychain::connect`] allows that person two minutes ([`WITH_A_PERSON`]); where nobody can be there,
//!   neither a terminal nor a display, twenty seconds ([`UNATTENDED`]). After that the answer is
//!   [`KeychainError::NoAnswer`].
//! - Absent, locked and denied are told apart, and each comes with a [hint](KeychainError::hint): a command to run.
//!   Nothing weaker is ever used instead.
//! - No error carries the key.
//!
//! On Linux, D-Bus carries the key encrypted by the session's Diffie-Hellman exchange, which keeps it from a log of
//! the bus, not from a program of the same user, which could ask for the entry itself (see the threat model).
//!
//! ```no_run
//! use subrosa_keychain::{Account, Keychain};
//! use subrosa_vault::{SlotId, VaultId, VaultKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (vault, slot) = (VaultId::random()?, SlotId::random()?);
//! let keychain = Keychain::connect()?;
//! let account = Account { vault, slot };
//! keychain.store(&account, &VaultKey::generate()?)?;
//! assert!(keychain.load(&account)?.is_some());
//! assert!(keychain.delete(&account)?);
//! # Ok(()) }
//! ```

mod account;
mod credential;
mod error;
mod keychain;
mod patience;
mod platform;

pub use account::{Account, SERVICE};
pub use credential::CredentialAccount;
pub use error::{Absence, KeychainError};
pub use keychain::Keychain;
pub use patience::{UNATTENDED, WITH_A_PERSON};
