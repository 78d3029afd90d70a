//! Keyslots as rows of the vault (vault-format.md, section 6; vault-key.md, section 4).
//!
//! Their keys begin with sixteen zero bits, so that all of them stand in one bucket: found without a scan, and proven together.

use serde::{Deserialize, Serialize};

use crate::{
    NewSlot, RootKey, SlotError, SlotId, SlotInfo, SlotKind, Unlock, VaultError,
    keys::RoleKeys,
    seal::{Padding, Sealed, open, seal},
    slot,
    snapshot::Preamble,
    store::{Row, Store, kind},
    tree,
};

/// The bucket of every keyslot.
pub(crate) const BUCKET: u16 = 0;
const PREFIX: [u8; 2] = [0, 0];

/// What is written on a slot, under seal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    label: String,
    created: i64,
}

/// The key of a slot's row.
pub(crate) fn key_of(id: SlotId) -> Vec<u8> {
    [PREFIX.as_slice(), id.as_bytes()].concat()
}

/// The rows of the keyslots, proven by nothing.
pub(crate) fn rows(store: &dyn Store) -> Result<Vec<Row>, VaultError> {
    let (_, to) = tree::bucket_range(BUCKET);
    let mut rows = store.rows(&PREFIX, to.as_ref().map(<[u8; 2]>::as_slice))?;
    rows.retain(|row| row.kind == kind::KEYSLOT);
    Ok(rows)
}

/// The row of a new slot.
pub(crate) fn wrap(keys: &RoleKeys, id: SlotId, new: &NewSlot<'_>, now: i64) -> Result<Row, VaultError> {
    let wrapped = slot::wrap(new, &keys.vault, id, keys.epoch, &keys.root)?;
    let label = Label { label: new.label().to_owned(), created: now };
    let text = serde_json::to_vec(&label).expect("a label is text and a number");
    let context = keys.context("keyslot", id.as_bytes(), "label", 1);
    Ok(Row {
        key: key_of(id),
        kind: kind::KEYSLOT,
        seq: 0,
        id: id.as_bytes().to_vec(),
        version: 1,
        value_version: 1,
        public: wrapped.public,
        metadata: seal(&keys.metadata, &context, Padding::Row, &text)?.to_bytes(),
        policy: Vec::new(),
        sealed: wrapped.sealed,
    })
}

/// Finds the slot that opens, and the root key in it. Rows that are no slots are passed over: the tree will tell.
pub(crate) fn unlock(
    rows: &[Row],
    preamble: &Preamble,
    unlock: &Unlock<'_>,
) -> Result<(SlotId, RootKey), VaultError> {
    let slots = rows.iter().filter_map(|row| {
        SlotId::from_slice(&row.id).map(|id| (id, row.public.as_slice(), row.sealed.as_slice()))
    });
    slot::open_any(slots, &preamble.vault, preamble.epoch, unlock).map_err(|error| match error {
        SlotError::DoesNotOpen => VaultError::WrongKey,
        error => error.into(),
    })
}

/// Whether this version could open a slot at all: one for a recipient, or whose costs are refused, is no way in.
pub(crate) fn is_way_in(row: &Row) -> bool {
    match slot::describe(&row.public) {
        Ok((SlotKind::VaultKey | SlotKind::Recovery, _)) => true,
        Ok((SlotKind::Passphrase, kdf)) => kdf.is_some(),
        _ => false,
    }
}

/// What a slot tells of itself, unproven.
pub(crate) fn describe(row: &Row) -> Result<SlotInfo, VaultError> {
    let id = SlotId::from_slice(&row.id);
    let id = id.ok_or_else(|| VaultError::damaged("a keyslot's id is not 16 bytes"))?;
    let (kind, kdf) = slot::describe(&row.public)?;
    Ok(SlotInfo { id, kind, kdf, label: None, created: None })
}

/// The same with its label.
pub(crate) fn describe_open(keys: &RoleKeys, row: &Row) -> Result<SlotInfo, VaultError> {
    let sealed = Sealed::from_slice(&row.metadata).ok_or(crate::Unsealable)?;
    let context = keys.context("keyslot", &row.id, "label", 1);
    let text = open(&keys.metadata, &context, Padding::Row, &sealed.head, sealed.body)?;
    let label: Label = serde_json::from_slice(&text)
        .map_err(|_| VaultError::damaged("the label of a keyslot cannot be read"))?;
    Ok(SlotInfo { label: Some(label.label), created: Some(label.created), ..describe(row)? })
}
