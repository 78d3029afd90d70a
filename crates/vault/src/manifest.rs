//! The manifest: what the whole vault is at one generation (vault-format.md, section 8).

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Head, Tag, VaultError,
    keys::RoleKeys,
    seal::{Context, Padding, Sealed, open, seal},
    tree::Hash,
};

/// Length of a manifest tag in bytes.
pub(crate) const TAG_LEN: usize = 16;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub generation: u64,
    pub created: i64,
    pub written: i64,
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub tree: Hash,
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub recent: Hash,
    pub records: u64,
    pub bodies: u64,
    pub audit: Option<AuditMark>,
}

/// How far the audit log had come when a generation was written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditMark {
    pub count: u64,
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub head: Hash,
}

impl From<Head> for AuditMark {
    fn from(head: Head) -> Self {
        Self { count: head.count, head: head.hash }
    }
}

impl Manifest {
    /// The head of the audit log that this generation vouches for.
    pub fn audit_head(&self) -> Option<Head> {
        self.audit.as_ref().map(|mark| Head { count: mark.count, hash: mark.head })
    }

    /// Seals the manifest; its tag names this very sealing.
    pub fn seal(&self, keys: &RoleKeys) -> Result<(Sealed, Tag), VaultError> {
        let text = serde_json::to_vec(self).expect("a manifest has only numbers and text");
        let sealed = seal(&keys.manifest, &context(keys, self.generation), Padding::Row, &text)?;
        let tag = tag_of(&sealed);
        Ok((sealed, tag))
    }

    /// Opens the manifest that a header names as that of `generation`.
    pub fn open(keys: &RoleKeys, generation: u64, blob: &[u8]) -> Result<(Self, Tag), VaultError> {
        let refused = || VaultError::damaged("its manifest does not open");
        let sealed = Sealed::from_slice(blob).ok_or_else(refused)?;
        let tag = tag_of(&sealed);
        let text = open(&keys.manifest, &context(keys, generation), Padding::Row, &sealed.head, sealed.body)
            .map_err(|_| refused())?;
        let manifest: Self = serde_json::from_slice(&text).map_err(|_| refused())?;
        if manifest.generation == generation { Ok((manifest, tag)) } else { Err(refused()) }
    }
}

fn context(keys: &RoleKeys, generation: u64) -> Context<'_> {
    keys.context("manifest", &[], "manifest", generation)
}

fn tag_of(sealed: &Sealed) -> Tag {
    *sealed.commitment().first_chunk().expect("a commitment is longer than a tag")
}

fn to_hex<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&HEXLOWER.encode(hash))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
    Hash::try_from(bytes).map_err(|_| serde::de::Error::custom("a hash has 32 bytes"))
}
