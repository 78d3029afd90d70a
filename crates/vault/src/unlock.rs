//! What a vault is opened with, and the ways in that are made for it (`docs/spec/vault-key.md`, section 4).

use std::fmt;

use subrosa_secret::SecretValue;

use crate::{KdfParams, RecoveryKey, SlotId, VaultKey};

/// What opens a keyslot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SlotKind {
    /// A vault key, mostly from the operating system's keychain.
    VaultKey,
    /// A passphrase.
    Passphrase,
    /// A recovery key.
    Recovery,
    /// The private key of a person or machine; reserved, never opened by this version.
    Recipient,
}

impl SlotKind {
    /// The first byte of a slot's public column.
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::VaultKey => 1,
            Self::Passphrase => 2,
            Self::Recovery => 3,
            Self::Recipient => 4,
        }
    }

    pub(crate) fn of(byte: u8) -> Option<Self> {
        let all = [Self::VaultKey, Self::Passphrase, Self::Recovery, Self::Recipient];
        all.into_iter().find(|kind| kind.byte() == byte)
    }
}

impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VaultKey => "vault key",
            Self::Passphrase => "passphrase",
            Self::Recovery => "recovery key",
            Self::Recipient => "recipient",
        })
    }
}

/// What is told of a keyslot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotInfo {
    /// Its id, and the second half of its keychain account.
    pub id: SlotId,
    /// What opens it.
    pub kind: SlotKind,
    /// What its passphrase costs; `None` for other kinds, and where an edited file asks for costs that are refused.
    pub kdf: Option<KdfParams>,
    /// Free text for people; `None` without a key.
    pub label: Option<String>,
    /// When it was made, in seconds since 1970; `None` without a key.
    pub created: Option<i64>,
}

impl SlotInfo {
    /// Whether it should be replaced: its passphrase costs less than a new slot's must.
    #[must_use]
    pub fn needs_upgrade(&self) -> bool {
        self.kdf.is_some_and(KdfParams::is_weak)
    }
}

/// What somebody opens a vault with.
#[derive(Clone, Copy)]
pub enum Unlock<'a> {
    /// A vault key.
    VaultKey(&'a VaultKey),
    /// A passphrase, as it was typed, without the line ending.
    Passphrase(&'a SecretValue),
    /// A recovery key.
    Recovery(&'a RecoveryKey),
}

impl Unlock<'_> {
    /// The kind of slot that it opens.
    #[must_use]
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::VaultKey(_) => SlotKind::VaultKey,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Recovery(_) => SlotKind::Recovery,
        }
    }
}

/// A way in that is to be made.
#[derive(Clone, Copy)]
pub enum NewSlot<'a> {
    /// For a vault key.
    VaultKey {
        /// The key.
        key: &'a VaultKey,
        /// Free text for people, sealed.
        label: &'a str,
    },
    /// For a passphrase.
    Passphrase {
        /// The passphrase, without a line ending.
        passphrase: &'a SecretValue,
        /// At least [`KdfParams::MINIMUM`]; best from [`KdfParams::calibrate`].
        params: &'a KdfParams,
        /// Free text for people, sealed.
        label: &'a str,
    },
    /// For a recovery key.
    Recovery {
        /// The key.
        key: &'a RecoveryKey,
        /// Free text for people, sealed.
        label: &'a str,
    },
}

impl<'a> NewSlot<'a> {
    /// What will open it.
    #[must_use]
    pub fn as_unlock(&self) -> Unlock<'a> {
        match *self {
            Self::VaultKey { key, .. } => Unlock::VaultKey(key),
            Self::Passphrase { passphrase, .. } => Unlock::Passphrase(passphrase),
            Self::Recovery { key, .. } => Unlock::Recovery(key),
        }
    }

    /// What will be written on it.
    #[must_use]
    pub fn label(&self) -> &'a str {
        match self {
            Self::VaultKey { label, .. } | Self::Passphrase { label, .. } | Self::Recovery { label, .. } => {
                label
            }
        }
    }
}
