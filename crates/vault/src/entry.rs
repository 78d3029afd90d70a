//! A secret as the vault keeps it: metadata, policy and value under a seal each (vault-format.md, section 6).

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use subrosa_secret::{Name, Policy, SecretValue, Tag as Label};

use crate::{
    Link, RecordId, VaultError,
    keys::RoleKeys,
    seal::{HEAD_LEN, Padding, Room, commitment_of, open, seal},
    store::Row,
};

const TABLE: &str = "secret";

/// What is told of a secret without opening its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The name by which references ask for it.
    pub name: Name,
    /// Free text for people.
    pub description: String,
    /// Words to find it by.
    pub tags: BTreeSet<Label>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When it was last changed, or deleted, in seconds since 1970.
    pub changed: i64,
    /// The value's length in bytes; 0 where it has none.
    pub length: u64,
    /// Whether the value is UTF-8 text.
    pub text: bool,
}

/// The policy as it is sealed, tied to the one value that it governs, or with the place that the value comes from.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Governed {
    policy: Policy,
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
}

/// A secret whose presence is proven and whose metadata and policy are open. The value is not.
#[derive(Clone)]
pub struct Entry {
    /// Stays the same through renames and new values.
    pub record: RecordId,
    /// Counts the changes, from 1.
    pub version: u64,
    /// Name, description, tags, times.
    pub metadata: Metadata,
    /// Where the value may go.
    pub policy: Policy,
    /// Where the value is kept, if not in the vault; such a secret has no value of its own.
    pub link: Option<Link>,
    pub(crate) value_version: u64,
    pub(crate) head: Option<[u8; HEAD_LEN]>,
}

/// Which state of a secret was seen, to notice later whether it is still that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    record: RecordId,
    version: u64,
}

impl Entry {
    /// Which state of the secret this is.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen { record: self.record, version: self.version }
    }

    /// A new record, without a value, as it is made at a time.
    pub(crate) fn blank(name: &Name, now: i64) -> Result<Self, VaultError> {
        let metadata = Metadata {
            name: name.clone(),
            description: String::new(),
            tags: Default::default(),
            created: now,
            changed: now,
            length: 0,
            text: true,
        };
        let record = RecordId::random()?;
        let policy = Policy::default();
        Ok(Self { record, version: 1, value_version: 1, metadata, policy, link: None, head: None })
    }

    /// Whether the vault has a value of it: a name can be made before its value is known, or be linked.
    #[must_use]
    pub fn has_value(&self) -> bool {
        self.head.is_some()
    }

    /// Opens metadata and policy of a row that the tree has proven.
    pub(crate) fn open(keys: &RoleKeys, row: &Row) -> Result<Self, VaultError> {
        Self::open_in(&mut Room::default(), keys, row)
    }

    /// The same for one of many rows, in the memory of those before it.
    pub(crate) fn open_in(room: &mut Room, keys: &RoleKeys, row: &Row) -> Result<Self, VaultError> {
        let damaged = |what: &str| VaultError::damaged(what);
        let record = RecordId::from_slice(&row.id).ok_or_else(|| damaged("a record id is not 16 bytes"))?;
        let number = |number: i64| u64::try_from(number).map_err(|_| damaged("a version is negative"));
        let (version, value_version) = (number(row.version)?, number(row.value_version)?);
        let head = match row.sealed.as_slice() {
            [] => None,
            bytes => Some(bytes.try_into().map_err(|_| damaged("the head of a value is not 80 bytes"))?),
        };
        let place = |field| keys.context(TABLE, &row.id, field, version);
        let metadata = room.open(&keys.metadata, &place("metadata"), Padding::Row, &row.metadata)?;
        let metadata: Metadata = serde_json::from_slice(metadata)
            .map_err(|_| damaged("the metadata of a secret cannot be read"))?;
        let governed = room.open(&keys.policy, &place("policy"), Padding::Row, &row.policy)?;
        let governed: Governed =
            serde_json::from_slice(governed).map_err(|_| damaged("the policy of a secret cannot be read"))?;
        if governed.value != head.as_ref().map(commitment_text) {
            return Err(damaged("a policy governs another value than the one beside it"));
        }
        if governed.link.is_some() && head.is_some() {
            return Err(damaged("a linked secret has a value of its own"));
        }
        let Governed { policy, link, .. } = governed;
        Ok(Self { record, version, metadata, policy, link, value_version, head })
    }

    /// The row that this entry is, with metadata and policy sealed anew.
    pub(crate) fn seal(&self, keys: &RoleKeys, kind: i64, key: Vec<u8>, seq: i64) -> Result<Row, VaultError> {
        let governed = Governed {
            policy: self.policy.clone(),
            value: self.head.as_ref().map(commitment_text),
            link: self.link.clone(),
        };
        let metadata = serde_json::to_vec(&self.metadata).expect("metadata is text and numbers");
        let governed = serde_json::to_vec(&governed).expect("a policy is text");
        let seal_part = |field, text: &[u8]| {
            let context = keys.context(TABLE, self.record.as_bytes(), field, self.version);
            match field {
                "metadata" => seal(&keys.metadata, &context, Padding::Row, text),
                _ => seal(&keys.policy, &context, Padding::Row, text),
            }
        };
        Ok(Row {
            key,
            kind,
            seq,
            id: self.record.as_bytes().to_vec(),
            version: signed(self.version)?,
            value_version: signed(self.value_version)?,
            public: Vec::new(),
            metadata: seal_part("metadata", &metadata)?.to_bytes(),
            policy: seal_part("policy", &governed)?.to_bytes(),
            sealed: self.head.map_or_else(Vec::new, |head| head.to_vec()),
        })
    }

    /// Seals a value as that of this entry's present version, and returns the ciphertext to be stored.
    pub(crate) fn put_value(&mut self, keys: &RoleKeys, value: &SecretValue) -> Result<Vec<u8>, VaultError> {
        self.value_version = self.version;
        self.metadata.length = value.len() as u64;
        self.metadata.text = value.is_text();
        self.seal_value(keys, value)
    }

    /// Seals a value in the place of the one that this entry has, as when the root key changes.
    pub(crate) fn seal_value(&mut self, keys: &RoleKeys, value: &SecretValue) -> Result<Vec<u8>, VaultError> {
        let context = keys.context(TABLE, self.record.as_bytes(), "value", self.value_version);
        let sealed = seal(&keys.value, &context, Padding::Value, value.expose_secret())?;
        self.head = Some(sealed.head);
        Ok(sealed.body)
    }

    /// Opens the value from its ciphertext. `None` if the secret has none.
    pub(crate) fn open_value(
        &self,
        keys: &RoleKeys,
        body: Option<Vec<u8>>,
    ) -> Result<Option<SecretValue>, VaultError> {
        self.value_at().map(|place| place.open(keys, body)).transpose()
    }

    /// Where the value is sealed, if there is one.
    pub(crate) fn value_at(&self) -> Option<ValueAt> {
        self.head.map(|head| ValueAt { record: self.record, version: self.value_version, head })
    }
}

/// The seal of a value, but for its body.
#[derive(Clone, Copy)]
pub(crate) struct ValueAt {
    pub record: RecordId,
    pub version: u64,
    head: [u8; HEAD_LEN],
}

impl ValueAt {
    /// Opens the value from its ciphertext.
    pub fn open(&self, keys: &RoleKeys, body: Option<Vec<u8>>) -> Result<SecretValue, VaultError> {
        let body = body.ok_or_else(|| VaultError::damaged("the value of a secret is missing"))?;
        let context = keys.context(TABLE, self.record.as_bytes(), "value", self.version);
        let plain = open(&keys.value, &context, Padding::Value, &self.head, body)?;
        Ok(SecretValue::from_zeroizing(plain)?)
    }
}

/// A version as SQL's integers have it.
pub(crate) fn signed(version: u64) -> Result<i64, VaultError> {
    i64::try_from(version).map_err(|_| VaultError::damaged("a version is out of range"))
}

fn commitment_text(head: &[u8; HEAD_LEN]) -> String {
    HEXLOWER.encode(commitment_of(head))
}
