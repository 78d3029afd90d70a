//! The root key and the role keys derived from it (vault-format.md, "Keys").
//!
//! The root key encrypts nothing itself. Each role key serves one purpose, and its derivation names
//! the vault, the format and the key epoch, so that no key of one vault, format or epoch is ever a key of another.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{FORMAT, id::VaultId, seal::push_field};

/// Length in bytes of the root key and of every role key.
pub const KEY_LEN: usize = 32;

/// How many times the root key has been replaced, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u32);

/// A key on the heap: whoever moves an array leaves a copy on the stack, which nobody wipes.
type Held = Box<Zeroizing<[u8; KEY_LEN]>>;

/// Room for a key, to be filled where it stands.
fn room() -> Held {
    Box::new(Zeroizing::new([0; KEY_LEN]))
}

/// 256 random bits from which a vault's role keys come.
pub struct RootKey(Held);

impl RootKey {
    /// Draws a new root key from the operating system's generator.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut key = room();
        getrandom::fill(&mut key[..])?;
        Ok(Self(key))
    }

    /// The root key that a keyslot held, or `None` if it is not 32 bytes long.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = room();
        (bytes.len() == KEY_LEN).then(|| key.copy_from_slice(bytes))?;
        Some(Self(key))
    }

    /// A second copy, for role keys that outlive a borrow.
    pub(crate) fn duplicate(&self) -> Self {
        let mut key = room();
        key.copy_from_slice(&self.0[..]);
        Self(key)
    }

    /// The key itself, to be wrapped by a keyslot.
    pub(crate) fn expose_key(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    fn derive(&self, vault: &VaultId, epoch: Epoch, role: &str) -> Held {
        let mut info = Vec::with_capacity(64);
        for field in [b"subrosa role key".as_slice(), &FORMAT.to_le_bytes(), vault.as_bytes()] {
            push_field(&mut info, field);
        }
        push_field(&mut info, &epoch.0.to_le_bytes());
        push_field(&mut info, role.as_bytes());
        let mut key = room();
        Hkdf::<Sha256>::new(Some(b"subrosa root key"), self.0.as_slice())
            .expand(&info, &mut key[..])
            .expect("32 bytes are within HKDF's limit of 255 blocks");
        key
    }
}

/// A key with one purpose, from which sealing derives a one-time key for every message.
pub trait SealingKey {
    /// The key as HKDF's pseudo-random key.
    fn expose_key(&self) -> &[u8; KEY_LEN];

    /// HKDF-Expand under this key. A key that serves many seals keeps it ready, which saves a fifth of the hashing of each.
    fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
        expander(self.expose_key())
            .expand_multi_info(info, out)
            .expect("no key comes near HKDF's 255 blocks");
    }
}

/// As good as the key, and on the heap for the same reason.
fn expander(key: &[u8; KEY_LEN]) -> Box<Hkdf<Sha256>> {
    Box::new(Hkdf::from_prk(key).expect("a role key is as long as SHA-256's output"))
}

macro_rules! role_key {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        pub struct $name {
            key: Held,
            expander: Box<Hkdf<Sha256>>,
        }

        impl $name {
            /// Derives this role's key of one vault and epoch.
            #[must_use]
            pub fn derive(root: &RootKey, vault: &VaultId, epoch: Epoch) -> Self {
                let key = root.derive(vault, epoch, $label);
                Self { expander: expander(&key), key }
            }
        }

        impl SealingKey for $name {
            fn expose_key(&self) -> &[u8; KEY_LEN] {
                &self.key
            }

            fn expand(&self, info: &[&[u8]], out: &mut [u8]) {
                self.expander.expand_multi_info(info, out).expect("no key comes near HKDF's 255 blocks");
            }
        }
    };
}

role_key!(
    /// Keys the HMAC that turns a secret's name into its record's key.
    NameKey, "name"
);
role_key!(
    /// Seals names, descriptions, tags and times.
    MetadataKey, "metadata"
);
role_key!(
    /// Seals host rules, states and the commitment of the value that they govern.
    PolicyKey, "policy"
);
role_key!(
    /// Seals values.
    ValueKey, "value"
);
role_key!(
    /// Keys the hash tree over all rows.
    TreeKey, "tree"
);
role_key!(
    /// Seals the manifest.
    ManifestKey, "manifest"
);
role_key!(
    /// Seals the audit log.
    AuditKey, "audit"
);
role_key!(
    /// Seals and names what the cache keeps.
    CacheKey, "cache"
);
