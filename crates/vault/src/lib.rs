//! The sealed vault.

mod calibrate;
mod id;
mod kdf;
mod key;
mod role;
mod seal;
mod slot;
mod unlock;

pub use id::{ID_LEN, IdError, RecordId, SlotId, VaultId};
pub use kdf::{KDF_LEN, Kdf, KdfError, KdfParams, MAX_PASSPHRASE_LEN, Passphrase, SALT_LEN};
pub use key::{KeyKind, KeyTextError, RecoveryKey, VaultKey};
pub use role::{
    AuditKey, Epoch, KEY_LEN, ManifestKey, MetadataKey, NameKey, PolicyKey, RootKey, SealingKey, TreeKey,
    ValueKey,
};
pub use seal::{Context, HEAD_LEN, Padding, Sealed, Unsealable, commitment_of, open, seal};
pub use slot::{MAX_LABEL_LEN, MAX_PASSPHRASE_SLOTS, SlotError};
pub use unlock::{NewSlot, SlotInfo, SlotKind, Unlock};

/// The format that this version writes, and the only one that it reads.
pub const FORMAT: u32 = 1;
/// Suite 1: HKDF-SHA-256, HMAC-SHA-256, AES-256-GCM with key commitment.
pub const SUITE: u16 = 1;
