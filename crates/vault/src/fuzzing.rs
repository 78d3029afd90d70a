//! Decoders that stand behind a seal or a file's checks, for fuzz targets.
//!
//! Whoever has no key cannot feed them. A newer version with a mistake in it could, and a stolen key can.

use std::sync::OnceLock;

use subrosa_secret::SecretValue;

use crate::{
    Entry, Epoch, Padding, Pin, RecordId, RootKey, SlotId, SlotInfo, VaultError, VaultId,
    keys::RoleKeys,
    manifest::Manifest,
    pin,
    seal::{Sealed, commitment_of, seal, unpad},
    slots,
    store::{Row, kind},
};

const VAULT: VaultId = VaultId::from_bytes([7; 16]);
const RECORD: RecordId = RecordId::from_bytes([3; 16]);
const SLOT: SlotId = SlotId::from_bytes([4; 16]);
const VERSION: u64 = 5;
/// Stands in a policy's text for the commitment to the value that it governs.
pub const COMMITMENT: &str = "COMMITMENT";

fn keys() -> &'static RoleKeys {
    static KEYS: OnceLock<RoleKeys> = OnceLock::new();
    KEYS.get_or_init(|| RoleKeys::derive(RootKey::from_slice(&[9; 32]).expect("32 bytes"), VAULT, Epoch(1)))
}

/// Seals these texts as a holder of the key would, and opens the secret that they make: entry and value.
///
/// # Errors
/// What opening says of them.
pub fn open_entry(
    metadata: &[u8],
    policy: &str,
    value: Option<&[u8]>,
) -> Result<(Entry, Option<SecretValue>), VaultError> {
    let keys = keys();
    let context = |field| keys.context("secret", RECORD.as_bytes(), field, VERSION);
    let sealed =
        value.map(|value| seal(&keys.value, &context("value"), Padding::Value, value)).transpose()?;
    let head = sealed.as_ref().map(|sealed| sealed.head);
    let commitment = head.map(|head| data_encoding::HEXLOWER.encode(commitment_of(&head)));
    let policy = policy.replace(COMMITMENT, &commitment.unwrap_or_default());
    let row = Row {
        key: vec![1; 32],
        kind: kind::SECRET,
        seq: 0,
        id: RECORD.as_bytes().to_vec(),
        version: VERSION as i64,
        value_version: VERSION as i64,
        public: Vec::new(),
        metadata: seal(&keys.metadata, &context("metadata"), Padding::Row, metadata)?.to_bytes(),
        policy: seal(&keys.policy, &context("policy"), Padding::Row, policy.as_bytes())?.to_bytes(),
        sealed: head.map_or_else(Vec::new, |head| head.to_vec()),
    };
    let entry = Entry::open(keys, &row)?;
    let value = entry.open_value(keys, sealed.map(|sealed| sealed.body))?;
    Ok((entry, value))
}

/// Seals an entry as the vault writes it, and opens it again.
///
/// # Errors
/// None for an entry that was opened.
pub fn reopen_entry(entry: &Entry) -> Result<Entry, VaultError> {
    Entry::open(keys(), &entry.seal(keys(), kind::SECRET, vec![1; 32], 0)?)
}

/// Opens a keyslot with this public column and this text on its label.
///
/// # Errors
/// What opening says of them.
pub fn open_slot(public: &[u8], label: &[u8]) -> Result<SlotInfo, VaultError> {
    let keys = keys();
    let context = keys.context("keyslot", SLOT.as_bytes(), "label", 1);
    let row = Row {
        key: slots::key_of(SLOT),
        kind: kind::KEYSLOT,
        seq: 0,
        id: SLOT.as_bytes().to_vec(),
        version: 1,
        value_version: 1,
        public: public.to_vec(),
        metadata: seal(&keys.metadata, &context, Padding::Row, label)?.to_bytes(),
        policy: Vec::new(),
        sealed: Vec::new(),
    };
    slots::describe_open(keys, &row)
}

/// Opens this text as the manifest of a generation, and what that text becomes when it is written again.
///
/// # Errors
/// What opening says of it.
pub fn open_manifest(generation: u64, text: &[u8]) -> Result<Vec<u8>, VaultError> {
    let context = keys().context("manifest", &[], "manifest", generation);
    let sealed = seal(&keys().manifest, &context, Padding::Row, text)?.to_bytes();
    let (manifest, tag) = Manifest::open(keys(), generation, &sealed)?;
    assert_eq!(tag[..], Sealed::from_slice(&sealed).expect("a seal").commitment()[..tag.len()]);
    Ok(serde_json::to_vec(&manifest).expect("a manifest has only numbers and text"))
}

/// Reads the text of a pin's file.
#[must_use]
pub fn read_pin(vault: &VaultId, text: &str) -> Option<Pin> {
    pin::parse(text, vault)
}

/// The text of a pin's file.
#[must_use]
pub fn write_pin(vault: &VaultId, pin: &Pin) -> String {
    pin::format(vault, pin)
}

/// Takes the padding off what a seal held.
#[must_use]
pub fn take_padding_off(padding: Padding, framed: &[u8]) -> Option<Vec<u8>> {
    unpad(padding, framed.to_vec().into()).ok().map(|plain| plain.to_vec())
}
