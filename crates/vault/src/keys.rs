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
    /// Ready for names, and on the heap: it is as good as its key.
    names: Box<Hmac<Sha256>>,
    pub metadata: MetadataKey,
    pub policy: PolicyKey,
    pub value: ValueKey,
    pub manifest: ManifestKey,
    pub tree: Tree,
}

impl RoleKeys {
    pub fn derive(root: RootKey, vault: VaultId, epoch: Epoch) -> Self {
        let name = NameKey::derive(&root, &vault, epoch);
        let names = Hmac::new_from_slice(name.expose_key()).expect("HMAC takes keys of any length");
        Self {
            names: Box::new(names),
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
        self.record_key_of(name.as_str()).to_vec()
    }

    /// The same of the text of a name.
    pub fn record_key_of(&self, name: &str) -> [u8; 32] {
        let mut mac = Hmac::clone(&self.names);
        mac.update(name.as_bytes());
        mac.finalize().into_bytes().into()
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
