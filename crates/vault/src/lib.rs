//! The sealed vault: where secrets rest.
//!
//! One SQLite file holds sealed rows; a keyed hash tree and a sealed manifest make a missing, added, swapped or replayed row as
//! noticeable as a flipped bit; a pin outside the vault's folder makes an older file noticeable. The format is specified in
//! `docs/spec/vault-format.md`, `vault-key.md`, `audit-log.md` and `cache.md`; section numbers in comments are theirs.
//!
//! What this crate is not: it asks no questions, knows no keychain (`subrosa-keychain` does) and judges no host: it hands out each
//! secret's policy before its value, and the caller judges.
//!
//! Invariants:
//! - Nothing that the store answers is believed before the hash tree has proven it.
//! - Metadata and policy open without the value; the value opens only if the policy names it.
//! - One change is one transaction and one generation; an acknowledged change survives a crash.
//! - The root key is in no file but wrapped by a keyslot.

mod audit;
mod backup;
mod cache;
mod calibrate;
mod change;
mod document;
mod entry;
mod error;
mod files;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod hostile;
mod id;
mod journal;
mod kdf;
mod key;
mod keys;
mod link;
mod manifest;
mod pin;
mod role;
mod rotate;
mod scan;
#[cfg(test)]
mod scratch;
mod seal;
mod slot;
mod slots;
mod snapshot;
mod sqlite;
mod store;
#[cfg(test)]
mod tamper_tests;
mod transfer;
#[cfg(test)]
mod transfer_tests;
mod tree;
mod unlock;
mod vault;
#[cfg(test)]
mod vault_tests;
#[cfg(test)]
mod vector_tests;
mod verify;

pub use audit::{
    Action, AuditEntry, AuditError, AuditLog, AuditRecord, AuditReport, Durability, Head, Outcome, Rekeying,
};
pub use backup::Purged;
pub use cache::{CACHE_FILES, Cache, CacheEntry, CacheKind, CachePlace, CacheTampered, Loaded};
pub use change::Change;
pub use document::{Document, DocumentKind, MAX_DOCUMENT_LEN};
pub use entry::{Entry, Metadata, Seen};
pub use error::VaultError;
pub use files::Location;
pub use id::{ID_LEN, IdError, RecordId, SlotId, VaultId};
pub use kdf::{KDF_LEN, Kdf, KdfError, KdfParams, MAX_PASSPHRASE_LEN, Passphrase, SALT_LEN};
pub use key::{KeyKind, KeyTextError, RecoveryKey, VaultKey};
pub use link::{Link, MAX_TARGET_LEN};
pub use pin::{FilePins, Pin, PinError, PinStore};
pub use role::{
    AuditKey, CacheKey, Epoch, KEY_LEN, ManifestKey, MetadataKey, NameKey, PolicyKey, RootKey, SealingKey,
    TreeKey, ValueKey,
};
pub use seal::{Context, HEAD_LEN, Padding, Sealed, Unsealable, commitment_of, open, push_field, seal};
pub use slot::{MAX_LABEL_LEN, MAX_PASSPHRASE_SLOTS, SlotError};
pub use transfer::{Arrival, Arrivals, Exported, Given, Over, Past, Portable};
pub use unlock::{NewSlot, SlotInfo, SlotKind, Unlock};
pub use vault::{Header, Revision, Vault};
pub use verify::Report;

/// The format that this version writes, and the only one that it reads.
pub const FORMAT: u32 = 1;
/// Suite 1: HKDF-SHA-256, HMAC-SHA-256, AES-256-GCM with key commitment.
pub const SUITE: u16 = 1;
/// The first bytes of a manifest's commitment: they name one generation of one vault.
pub type Tag = [u8; 16];
