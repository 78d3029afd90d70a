//! All the role keys of an open vault, derived once.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subrosa_secret::Name;

use crate::{
    id::VaultId,
    role::{
        AuditKey, CacheKey, Epoch, ManifestKey, MetadataKey, NameKey, PolicyKey, RootKey, SealingKey,
        TreeKey, ValueKey,
    },
    seal::Context,
    tree::Tree,
};

/// The root key of one epoch and what derives from it.
pub(crate) struct RoleKeys {
    pub vault: VaultId,
    pub epoch: Epoch,
    pub root: RootKey,
    pub name: NameKey,
    pub metadata: MetadataKey,
    pub policy: PolicyKey,
    pub value: ValueKey,
    pub manifest: ManifestKey,
    pub tree: Tree,
}

impl RoleKeys {
    pub fn derive(root: RootKey, vault: VaultId, epoch: Epoch) -> Self {
        Self {
            name: NameKey::derive(&root, &vault, epoch),
            metadata: MetadataKey::derive(&root, &vault, epoch),
            policy: PolicyKey::derive(&root, &vault, epoch),
            value: ValueKey::derive(&root, &vault, epoch),
            manifest: ManifestKey::derive(&root, &vault, epoch),
            tree: Tree::new(&TreeKey::derive(&root, &vault, epoch)),
            vault,
            epoch,
            root,
        }
    }

    pub fn audit(&self) -> AuditKey {
        AuditKey::derive(&self.root, &self.vault, self.epoch)
    }

    pub fn cache(&self) -> CacheKey {
        CacheKey::derive(&self.root, &self.vault, self.epoch)
    }

    /// The key of a secret's row.
    pub fn record_key(&self, name: &Name) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.name.expose_key()).expect("HMAC takes keys of any length");
        mac.update(name.as_str().as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    pub fn context<'a>(
        &'a self,
        table: &'a str,
        record: &'a [u8],
        field: &'a str,
        version: u64,
    ) -> Context<'a> {
        Context { vault: &self.vault, table, record, field, version, epoch: self.epoch }
    }
}
