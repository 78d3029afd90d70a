//! Keyslots: the ways into a vault, each of which wraps the root key (`docs/spec/vault-key.md`, sections 4 and 5).

use std::fmt;

use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::{
    FORMAT, MetadataKey,
    id::{SlotId, VaultId},
    kdf::{KDF_LEN, Kdf, KdfError, KdfParams, Passphrase},
    key::{RecoveryKey, VaultKey},
    role::{Epoch, KEY_LEN, RootKey, SealingKey},
    seal::{Context, HEAD_LEN, Padding, Sealed, open, push_field, seal},
};

const TABLE: &str = "keyslot";
const WRAPPED_LEN: usize = HEAD_LEN + KEY_LEN;
/// The longest label in bytes.
pub const MAX_LABEL_LEN: usize = 256;
/// So many slots are tried with one passphrase: someone who can write the file could add any number of them.
pub const MAX_PASSPHRASE_SLOTS: usize = 16;

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
    const fn byte(self) -> u8 {
        match self {
            Self::VaultKey => 1,
            Self::Passphrase => 2,
            Self::Recovery => 3,
            Self::Recipient => 4,
        }
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

/// Why a keyslot cannot be made, read or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlotError {
    /// A wrong secret or a damaged slot: which, cannot be told and is not.
    #[error("the keyslot does not open with that key")]
    DoesNotOpen,
    /// A passphrase that cannot be used, or parameters that are refused.
    #[error(transparent)]
    Kdf(#[from] KdfError),
    /// Parameters that are accepted from old slots, but not for a new one.
    #[error("a new passphrase slot needs at least {}", KdfParams::MINIMUM)]
    Weak,
    /// The label is longer than [`MAX_LABEL_LEN`].
    #[error("a keyslot's label is longer than {MAX_LABEL_LEN} bytes")]
    LabelTooLong,
    /// It is not a keyslot of this format.
    #[error("not a keyslot: {0}")]
    Malformed(&'static str),
    /// The system's random generator failed.
    #[error("the system's random generator failed: {0}")]
    Random(#[from] getrandom::Error),
}

impl SlotError {
    /// A stable name for the kind of error, for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::DoesNotOpen => "wrong_key",
            Self::Kdf(error) => error.kind(),
            Self::Weak => "kdf_weak",
            Self::LabelTooLong => "label_too_long",
            Self::Malformed(_) => "keyslot_malformed",
            Self::Random(_) => "random",
        }
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
        params: KdfParams,
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
    pub fn unlock(&self) -> Unlock<'a> {
        match *self {
            Self::VaultKey { key, .. } => Unlock::VaultKey(key),
            Self::Passphrase { passphrase, .. } => Unlock::Passphrase(passphrase),
            Self::Recovery { key, .. } => Unlock::Recovery(key),
        }
    }

    fn label(&self) -> &'a str {
        match self {
            Self::VaultKey { label, .. } | Self::Passphrase { label, .. } | Self::Recovery { label, .. } => {
                label
            }
        }
    }

    fn public(&self) -> Result<Vec<u8>, SlotError> {
        let mut public = vec![self.unlock().kind().byte()];
        if let Self::Passphrase { params, .. } = self {
            if params.is_weak() {
                return Err(SlotError::Weak);
            }
            public.extend_from_slice(&Kdf::generate(*params)?.encode());
        }
        Ok(public)
    }
}

/// What is written on a keyslot, under seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Label {
    /// Free text for people.
    pub label: String,
    /// When the slot was made, in seconds since 1970.
    pub created: i64,
}

/// Whose slot it is: what every wrapping and label is bound to.
#[derive(Clone, Copy)]
pub(crate) struct SlotPlace<'a> {
    pub vault: &'a VaultId,
    pub epoch: Epoch,
}

impl<'a> SlotPlace<'a> {
    fn context(&self, record: &'a [u8], field: &'a str) -> Context<'a> {
        Context { vault: self.vault, table: TABLE, record, field, version: 1, epoch: self.epoch }
    }
}

/// One keyslot as it is stored: nothing in it is believed until it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub id: SlotId,
    pub kind: SlotKind,
    /// The kind's byte and its parameters.
    pub public: Vec<u8>,
    /// The sealed label.
    pub label: Vec<u8>,
    /// The wrapped root key.
    pub wrapped: Vec<u8>,
}

impl Slot {
    /// Wraps a root key. A slot that is kept through a rotation keeps its id; a salt is always a new one.
    pub fn create(
        id: SlotId,
        place: SlotPlace<'_>,
        root: &RootKey,
        metadata: &MetadataKey,
        new: &NewSlot<'_>,
        now: i64,
    ) -> Result<Self, SlotError> {
        if new.label().len() > MAX_LABEL_LEN {
            return Err(SlotError::LabelTooLong);
        }
        let public = new.public()?;
        let key = SlotKey::derive(place.vault, &public, &new.unlock())?;
        let wrapped =
            seal(&key, &place.context(&record(&id, &public), "root key"), Padding::None, root.expose_key())?;
        let label = Label { label: new.label().to_owned(), created: now };
        let label =
            serde_json::to_vec(&label).map_err(|_| SlotError::Malformed("its label cannot be written"))?;
        let label = seal(metadata, &place.context(id.as_bytes(), "label"), Padding::Row, &label)?;
        Ok(Self {
            id,
            kind: new.unlock().kind(),
            public,
            label: label.to_bytes(),
            wrapped: wrapped.to_bytes(),
        })
    }

    /// A slot from its columns. Only its kind is looked at.
    pub fn from_columns(id: &[u8], public: &[u8], label: &[u8], wrapped: &[u8]) -> Result<Self, SlotError> {
        let id = SlotId::from_slice(id).ok_or(SlotError::Malformed("its id is not 16 bytes"))?;
        let (byte, parameters) = public.split_first().ok_or(SlotError::Malformed("it has no kind"))?;
        let kinds = [SlotKind::VaultKey, SlotKind::Passphrase, SlotKind::Recovery, SlotKind::Recipient];
        let kind = kinds.into_iter().find(|kind| kind.byte() == *byte);
        let kind = kind.ok_or(SlotError::Malformed("its kind is not known"))?;
        if matches!(kind, SlotKind::VaultKey | SlotKind::Recovery) && !parameters.is_empty() {
            return Err(SlotError::Malformed("it has parameters that its kind does not have"));
        }
        Ok(Self { id, kind, public: public.to_vec(), label: label.to_vec(), wrapped: wrapped.to_vec() })
    }

    /// The cost of its passphrase; `None` for other kinds.
    pub fn kdf(&self) -> Option<Result<KdfParams, KdfError>> {
        (self.kind == SlotKind::Passphrase).then(|| Kdf::decode(&self.public[1..]).map(|kdf| kdf.params()))
    }

    /// Whether it should be replaced: it has a passphrase, and weaker parameters than a new slot may have.
    pub fn needs_upgrade(&self) -> bool {
        self.kdf().is_some_and(|params| params.is_ok_and(KdfParams::is_weak))
    }

    /// Unwraps the root key. Whether it is the vault's, the manifest will say.
    pub fn open(&self, place: SlotPlace<'_>, unlock: &Unlock<'_>) -> Result<RootKey, SlotError> {
        if unlock.kind() != self.kind {
            return Err(SlotError::DoesNotOpen);
        }
        if self.wrapped.len() != WRAPPED_LEN {
            return Err(SlotError::DoesNotOpen);
        }
        let sealed = Sealed::from_slice(&self.wrapped).ok_or(SlotError::DoesNotOpen)?;
        let key = SlotKey::derive(place.vault, &self.public, unlock)?;
        let record = record(&self.id, &self.public);
        let root = open(&key, &place.context(&record, "root key"), Padding::None, &sealed.head, sealed.body)
            .map_err(|_| SlotError::DoesNotOpen)?;
        RootKey::from_slice(&root).ok_or(SlotError::DoesNotOpen)
    }

    /// What is written on it.
    pub fn open_label(&self, place: SlotPlace<'_>, metadata: &MetadataKey) -> Result<Label, SlotError> {
        let damaged = SlotError::Malformed("its label does not open");
        let sealed = Sealed::from_slice(&self.label).ok_or(damaged)?;
        let text = open(
            metadata,
            &place.context(self.id.as_bytes(), "label"),
            Padding::Row,
            &sealed.head,
            sealed.body,
        )
        .map_err(|_| damaged)?;
        serde_json::from_slice(&text).map_err(|_| damaged)
    }
}

/// Tries every slot that fits, in the order of their ids, and tells which one opened.
///
/// Where none does, an error that says more than that comes first.
pub(crate) fn open_any(
    slots: &[Slot],
    place: SlotPlace<'_>,
    unlock: &Unlock<'_>,
) -> Result<(SlotId, RootKey), SlotError> {
    if let Unlock::Passphrase(passphrase) = unlock {
        Passphrase::new(passphrase.expose_secret())?;
    }
    let mut fitting: Vec<&Slot> = slots.iter().filter(|slot| slot.kind == unlock.kind()).collect();
    fitting.sort_by_key(|slot| slot.id);
    if unlock.kind() == SlotKind::Passphrase {
        fitting.truncate(MAX_PASSPHRASE_SLOTS);
    }
    let mut failure = SlotError::DoesNotOpen;
    for slot in fitting {
        match slot.open(place, unlock) {
            Ok(root) => return Ok((slot.id, root)),
            Err(error) if failure == SlotError::DoesNotOpen => failure = error,
            Err(_) => {}
        }
    }
    Err(failure)
}

/// The record field of the wrapping's context: the slot with its kind and every parameter.
fn record(id: &SlotId, public: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(8 + id.as_bytes().len() + 1 + KDF_LEN);
    push_field(&mut record, id.as_bytes());
    push_field(&mut record, public);
    record
}

/// The key of one slot, derived from what opens it.
struct SlotKey(Zeroizing<[u8; KEY_LEN]>);

impl SlotKey {
    /// The kind is that of the secret; the caller has compared it with the slot's.
    fn derive(vault: &VaultId, public: &[u8], unlock: &Unlock<'_>) -> Result<Self, SlotError> {
        let derived;
        let secret = match unlock {
            Unlock::VaultKey(key) => key.expose_key(),
            Unlock::Recovery(key) => key.expose_key(),
            Unlock::Passphrase(passphrase) => {
                let kdf = Kdf::decode(&public[1..])?;
                derived = kdf.derive(&Passphrase::new(passphrase.expose_secret())?)?;
                &*derived
            }
        };
        let mut info = Vec::with_capacity(32);
        push_field(&mut info, b"subrosa slot key");
        push_field(&mut info, &FORMAT.to_le_bytes());
        push_field(&mut info, &[unlock.kind().byte()]);
        let mut key = Zeroizing::new([0; KEY_LEN]);
        Hkdf::<Sha256>::new(Some(vault.as_bytes()), secret)
            .expand(&info, key.as_mut())
            .expect("32 bytes are within HKDF's limit of 255 blocks");
        Ok(Self(key))
    }
}

impl SealingKey for SlotKey {
    fn expose_key(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: VaultId = VaultId::from_bytes([5; 16]);
    const PLACE: SlotPlace<'static> = SlotPlace { vault: &VAULT, epoch: Epoch(3) };
    const ROOT: [u8; KEY_LEN] = [9; KEY_LEN];
    const PUBLIC_KDF: usize = 1;

    fn metadata() -> MetadataKey {
        MetadataKey::derive(&root(), &VAULT, Epoch(3))
    }

    fn root() -> RootKey {
        RootKey::from_slice(&ROOT).expect("32 bytes")
    }

    fn slot(new: &NewSlot<'_>) -> Slot {
        Slot::create(SlotId::random().expect("random"), PLACE, &root(), &metadata(), new, 1_700_000_000)
            .expect("slot")
    }

    fn passphrase(text: &str) -> SecretValue {
        SecretValue::new(text.into()).expect("short")
    }

    /// A passphrase slot of the least cost that is accepted, as an older program could have made it.
    fn cheap(text: &str) -> Slot {
        let params = KdfParams::accept(19 * 1024, 2, 1).expect("accepted");
        let mut public = vec![SlotKind::Passphrase.byte()];
        public.extend_from_slice(&Kdf::generate(params).expect("random").encode());
        let id = SlotId::random().expect("random");
        wrapped(id, SlotKind::Passphrase, public, &Unlock::Passphrase(&passphrase(text)), &ROOT)
    }

    /// A slot that wraps `payload`, rightly sealed.
    fn wrapped(id: SlotId, kind: SlotKind, public: Vec<u8>, unlock: &Unlock<'_>, payload: &[u8]) -> Slot {
        let key = SlotKey::derive(&VAULT, &public, unlock).expect("derive");
        let context = record(&id, &public);
        let sealed = seal(&key, &PLACE.context(&context, "root key"), Padding::None, payload).expect("seal");
        Slot { id, kind, public, label: vec![], wrapped: sealed.to_bytes() }
    }

    fn opened(slot: &Slot, unlock: &Unlock<'_>) -> Result<[u8; KEY_LEN], SlotError> {
        slot.open(PLACE, unlock).map(|root| *root.expose_key())
    }

    #[test]
    fn every_kind_opens_with_its_own_secret_and_no_other() {
        let (vault, recovery) =
            (VaultKey::generate().expect("random"), RecoveryKey::generate().expect("random"));
        let pass = passphrase("correct horse");
        let slots = [
            slot(&NewSlot::VaultKey { key: &vault, label: "" }),
            slot(&NewSlot::Passphrase { passphrase: &pass, params: KdfParams::MINIMUM, label: "" }),
            slot(&NewSlot::Recovery { key: &recovery, label: "" }),
        ];
        let unlocks = [Unlock::VaultKey(&vault), Unlock::Passphrase(&pass), Unlock::Recovery(&recovery)];
        for (at, slot) in slots.iter().enumerate() {
            for (with, unlock) in unlocks.iter().enumerate() {
                let expected = if at == with { Ok(ROOT) } else { Err(SlotError::DoesNotOpen) };
                assert_eq!(opened(slot, unlock), expected, "{at} {with}");
            }
            assert_eq!(slot.wrapped.len(), WRAPPED_LEN);
            assert!(!slot.needs_upgrade());
        }
        let other = VaultKey::generate().expect("random");
        assert_eq!(opened(&slots[0], &Unlock::VaultKey(&other)), Err(SlotError::DoesNotOpen));
        for unlock in &unlocks {
            let (id, root) = open_any(&slots, PLACE, unlock).expect("one of them opens");
            assert_eq!(
                (id, *root.expose_key()),
                (slots.iter().find(|s| s.kind == unlock.kind()).expect("slot").id, ROOT)
            );
        }
    }

    #[test]
    fn the_same_bytes_as_a_key_of_another_kind_do_not_open() {
        let text = VaultKey::generate().expect("random").to_text();
        let vault = VaultKey::parse(&text).expect("key");
        let slot = slot(&NewSlot::VaultKey { key: &vault, label: "" });
        let relabelled = Slot { kind: SlotKind::Recovery, public: vec![3], ..slot };
        // a recovery key with the same 32 bytes
        let recovery = RecoveryKey::from_key(*vault.expose_key());
        assert_eq!(opened(&relabelled, &Unlock::Recovery(&recovery)), Err(SlotError::DoesNotOpen));
    }

    #[test]
    fn hostile_a11_edited_kind_id_and_parameters_do_not_open() {
        let pass = passphrase("correct horse");
        let unlock = Unlock::Passphrase(&pass);
        let right = cheap("correct horse");
        assert_eq!(opened(&right, &unlock), Ok(ROOT));
        let mut edited = right.clone();
        edited.id = SlotId::random().expect("random");
        assert_eq!(opened(&edited, &unlock), Err(SlotError::DoesNotOpen));
        // passes, lanes, salt: 2 -> 3, 1 -> 2, another byte
        for (at, byte) in [(6, 3), (10, 2), (14, right.public[PUBLIC_KDF + 14] ^ 1)] {
            let mut edited = right.clone();
            edited.public[PUBLIC_KDF + at] = byte;
            assert_eq!(opened(&edited, &unlock), Err(SlotError::DoesNotOpen), "{at}");
        }
        let key = VaultKey::generate().expect("random");
        let vault_slot = slot(&NewSlot::VaultKey { key: &key, label: "" });
        for kind in [2, 3, 4] {
            let mut public = vault_slot.public.clone();
            public[0] = kind;
            let edited = Slot::from_columns(vault_slot.id.as_bytes(), &public, &[], &vault_slot.wrapped);
            let edited = edited.expect("a kind that is known");
            assert_eq!(opened(&edited, &Unlock::VaultKey(&key)), Err(SlotError::DoesNotOpen), "{kind}");
        }
    }

    #[test]
    fn hostile_a11_a_slot_of_another_vault_or_epoch_does_not_open() {
        let key = VaultKey::generate().expect("random");
        let slot = slot(&NewSlot::VaultKey { key: &key, label: "" });
        let other = VaultId::from_bytes([6; 16]);
        for place in [SlotPlace { vault: &other, ..PLACE }, SlotPlace { epoch: Epoch(4), ..PLACE }] {
            assert!(slot.open(place, &Unlock::VaultKey(&key)).is_err());
            assert!(slot.open_label(place, &metadata()).is_err());
        }
        assert!(slot.open(PLACE, &Unlock::VaultKey(&key)).is_ok());
    }

    #[test]
    fn hostile_a12_unknown_kinds_are_no_slots_and_recipients_never_open() {
        for byte in [0, 5, 0x80, 0xff] {
            assert!(Slot::from_columns(&[1; 16], &[byte], &[], &[]).is_err(), "{byte}");
        }
        assert!(Slot::from_columns(&[1; 16], &[], &[], &[]).is_err());
        assert!(Slot::from_columns(&[1; 15], &[1], &[], &[]).is_err());
        assert!(Slot::from_columns(&[1; 16], &[1, 0], &[], &[]).is_err());
        let recipient =
            Slot::from_columns(&[1; 16], &[4, 1, 2, 3], &[], &[0; WRAPPED_LEN]).expect("reserved");
        let key = VaultKey::generate().expect("random");
        assert_eq!(opened(&recipient, &Unlock::VaultKey(&key)), Err(SlotError::DoesNotOpen));
        assert!(recipient.kdf().is_none() && !recipient.needs_upgrade());
    }

    #[test]
    fn hostile_b19_a_slot_that_asks_for_too_much_is_refused_before_it_is_tried() {
        let pass = passphrase("correct horse");
        let mut greedy = cheap("correct horse");
        greedy.public[PUBLIC_KDF + 2..PUBLIC_KDF + 6].copy_from_slice(&u32::MAX.to_le_bytes());
        let refused = opened(&greedy, &Unlock::Passphrase(&pass));
        assert!(matches!(refused, Err(SlotError::Kdf(KdfError::Parameters(_)))));
        // it does not keep the sound one beside it from opening, and is named where there is none
        let sound = cheap("correct horse");
        let unlock = Unlock::Passphrase(&pass);
        assert_eq!(open_any(&[greedy.clone(), sound.clone()], PLACE, &unlock).expect("opens").0, sound.id);
        assert!(matches!(
            open_any(&[greedy], PLACE, &unlock).err(),
            Some(SlotError::Kdf(KdfError::Parameters(_)))
        ));
    }

    #[test]
    fn hostile_b22_wrapped_keys_of_other_lengths_are_refused() {
        let key = VaultKey::generate().expect("random");
        let unlock = Unlock::VaultKey(&key);
        for length in [0, 31, 33, 48] {
            let id = SlotId::random().expect("random");
            let slot = wrapped(id, SlotKind::VaultKey, vec![1], &unlock, &vec![9; length]);
            assert_eq!(opened(&slot, &unlock), Err(SlotError::DoesNotOpen), "{length}");
        }
    }

    #[test]
    fn hostile_b23_passphrases_that_cannot_be_are_refused_before_any_slot_is_tried() {
        let refused = |bytes: &[u8]| {
            let pass = SecretValue::new(bytes.to_vec()).expect("short");
            open_any(&[], PLACE, &Unlock::Passphrase(&pass)).err()
        };
        assert_eq!(refused(b""), Some(SlotError::Kdf(KdfError::Empty)));
        assert_eq!(refused(&[0xff]), Some(SlotError::Kdf(KdfError::NotText)));
        assert_eq!(refused(b"x"), Some(SlotError::DoesNotOpen));
        let slot = cheap("caf\u{e9}");
        assert_eq!(opened(&slot, &Unlock::Passphrase(&passphrase("cafe\u{301}"))), Ok(ROOT));
    }

    #[test]
    fn hostile_b24_a_wrong_passphrase_and_a_damaged_slot_say_the_same() {
        let slot = cheap("correct horse");
        let wrong = opened(&slot, &Unlock::Passphrase(&passphrase("correct horsf"))).expect_err("wrong");
        for at in [0, 31, 32, 63, 64, 79, 80, WRAPPED_LEN - 1] {
            let mut damaged = slot.clone();
            damaged.wrapped[at] ^= 0x10;
            let error =
                opened(&damaged, &Unlock::Passphrase(&passphrase("correct horse"))).expect_err("damaged");
            assert_eq!((error, error.to_string()), (wrong, wrong.to_string()), "{at}");
        }
    }

    #[test]
    fn weak_slots_open_want_an_upgrade_and_are_not_made() {
        let weak = cheap("x");
        assert!(weak.needs_upgrade());
        assert_eq!(opened(&weak, &Unlock::Passphrase(&passphrase("x"))), Ok(ROOT));
        let params = weak.kdf().expect("a passphrase").expect("accepted");
        let pass = passphrase("x");
        let new = NewSlot::Passphrase { passphrase: &pass, params, label: "" };
        let refused = Slot::create(SlotId::random().expect("random"), PLACE, &root(), &metadata(), &new, 0);
        assert_eq!(refused.err(), Some(SlotError::Weak));
    }

    #[test]
    fn a_label_is_sealed_and_comes_back() {
        let key = VaultKey::generate().expect("random");
        let slot = slot(&NewSlot::VaultKey { key: &key, label: "keychain of the laptop" });
        assert!(!slot.label.windows(6).any(|window| window == b"laptop"));
        let label = slot.open_label(PLACE, &metadata()).expect("label");
        assert_eq!((label.label.as_str(), label.created), ("keychain of the laptop", 1_700_000_000));
        let long = "x".repeat(MAX_LABEL_LEN + 1);
        let new = NewSlot::VaultKey { key: &key, label: &long };
        let refused = Slot::create(slot.id, PLACE, &root(), &metadata(), &new, 0);
        assert_eq!(refused.err(), Some(SlotError::LabelTooLong));
    }

    #[test]
    fn no_more_than_sixteen_slots_are_tried() {
        let key = VaultKey::generate().expect("random");
        let bogus = slot(&NewSlot::VaultKey { key: &key, label: "" });
        let pass = passphrase("x");
        let mut slots: Vec<Slot> = (0..MAX_PASSPHRASE_SLOTS)
            .map(|n| Slot {
                id: SlotId::from_bytes([n as u8; 16]),
                kind: SlotKind::Passphrase,
                public: [&[2][..], &Kdf::from_parts(KdfParams::MINIMUM, [0; 16]).encode()].concat(),
                wrapped: vec![],
                ..bogus.clone()
            })
            .collect();
        let mut sound = cheap("x");
        sound.id = SlotId::from_bytes([0xff; 16]);
        slots.push(sound);
        assert_eq!(open_any(&slots, PLACE, &Unlock::Passphrase(&pass)).err(), Some(SlotError::DoesNotOpen));
    }
}
