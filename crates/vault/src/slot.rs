//! Wrapping and unwrapping the root key (`docs/spec/vault-key.md`, sections 4 and 5).
//!
//! Nothing here knows of rows or of the store: a slot is its id, its public bytes and its sealed ones, and none of
//! them is believed until it opens.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    FORMAT, NewSlot, SlotKind, Unlock,
    id::{SlotId, VaultId},
    kdf::{KDF_LEN, Kdf, KdfError, KdfParams, Passphrase},
    role::{Epoch, KEY_LEN, RootKey, SealingKey},
    seal::{Context, HEAD_LEN, Padding, Sealed, open, push_field, seal},
};

const WRAPPED_LEN: usize = HEAD_LEN + KEY_LEN;
/// The longest label in bytes.
pub const MAX_LABEL_LEN: usize = 256;
/// So many slots are tried with one passphrase: someone who can write the file could add any number of them.
pub const MAX_PASSPHRASE_SLOTS: usize = 16;

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

/// What of a slot is stored beside its id and label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// The kind's byte and its parameters.
    pub public: Vec<u8>,
    /// The wrapped root key.
    pub sealed: Vec<u8>,
}

/// Wraps a root key. A salt is always a new one, also where a slot keeps its id.
pub(crate) fn wrap(
    new: &NewSlot<'_>,
    vault: &VaultId,
    id: SlotId,
    epoch: Epoch,
    root: &RootKey,
) -> Result<Wrapped, SlotError> {
    if new.label().len() > MAX_LABEL_LEN {
        return Err(SlotError::LabelTooLong);
    }
    let unlock = new.as_unlock();
    let mut public = vec![unlock.kind().byte()];
    if let NewSlot::Passphrase { params, .. } = new {
        if params.is_weak() {
            return Err(SlotError::Weak);
        }
        public.extend_from_slice(&Kdf::generate(**params)?.encode());
    }
    let key = SlotKey::derive(vault, &public, &unlock)?;
    let sealed = key.seal(&Place { vault, id, epoch, public: &public }, root.expose_key())?;
    Ok(Wrapped { public, sealed })
}

/// Unwraps a root key. Whether it is the vault's, the manifest will say.
pub(crate) fn unwrap(
    public: &[u8],
    sealed: &[u8],
    vault: &VaultId,
    id: SlotId,
    epoch: Epoch,
    unlock: &Unlock<'_>,
) -> Result<RootKey, SlotError> {
    if kind_of(public)? != unlock.kind() || sealed.len() != WRAPPED_LEN {
        return Err(SlotError::DoesNotOpen);
    }
    let sealed = Sealed::from_slice(sealed).ok_or(SlotError::DoesNotOpen)?;
    let key = SlotKey::derive(vault, public, unlock)?;
    key.open(&Place { vault, id, epoch, public }, sealed)
}

/// Kind and cost of a slot. A cost that is refused is `None`: it is no reason not to show or open the slots beside it.
pub(crate) fn describe(public: &[u8]) -> Result<(SlotKind, Option<KdfParams>), SlotError> {
    let kind = kind_of(public)?;
    let kdf = (kind == SlotKind::Passphrase).then(|| Kdf::decode(&public[1..]).ok()).flatten();
    Ok((kind, kdf.map(|kdf| kdf.params())))
}

/// Tries every slot that fits, given as id, public and sealed column, and tells which one opened.
///
/// Where none does, an error that says more than that comes first.
pub(crate) fn open_any<'r>(
    slots: impl IntoIterator<Item = (SlotId, &'r [u8], &'r [u8])>,
    vault: &VaultId,
    epoch: Epoch,
    unlock: &Unlock<'_>,
) -> Result<(SlotId, RootKey), SlotError> {
    if let Unlock::Passphrase(passphrase) = unlock {
        Passphrase::new(passphrase.expose_secret())?;
    }
    let fits = |public: &[u8]| kind_of(public).is_ok_and(|kind| kind == unlock.kind());
    let mut fitting: Vec<_> = slots.into_iter().filter(|(_, public, _)| fits(public)).collect();
    fitting.sort_by_key(|(id, _, _)| *id);
    if unlock.kind() == SlotKind::Passphrase {
        fitting.truncate(MAX_PASSPHRASE_SLOTS);
    }
    let mut failure = SlotError::DoesNotOpen;
    for (id, public, sealed) in fitting {
        match unwrap(public, sealed, vault, id, epoch, unlock) {
            Ok(root) => return Ok((id, root)),
            Err(error) if failure == SlotError::DoesNotOpen => failure = error,
            Err(_) => {}
        }
    }
    Err(failure)
}

fn kind_of(public: &[u8]) -> Result<SlotKind, SlotError> {
    let (byte, parameters) = public.split_first().ok_or(SlotError::Malformed("it has no kind"))?;
    let kind = SlotKind::of(*byte).ok_or(SlotError::Malformed("its kind is not known"))?;
    if matches!(kind, SlotKind::VaultKey | SlotKind::Recovery) && !parameters.is_empty() {
        return Err(SlotError::Malformed("it has parameters that its kind does not have"));
    }
    Ok(kind)
}

/// What a wrapping is bound to.
struct Place<'a> {
    vault: &'a VaultId,
    id: SlotId,
    epoch: Epoch,
    public: &'a [u8],
}

impl Place<'_> {
    /// The slot with its kind and every parameter.
    fn record(&self) -> Vec<u8> {
        let mut record = Vec::with_capacity(8 + self.id.as_bytes().len() + 1 + KDF_LEN);
        push_field(&mut record, self.id.as_bytes());
        push_field(&mut record, self.public);
        record
    }

    fn context<'a>(&'a self, record: &'a [u8]) -> Context<'a> {
        let Self { vault, epoch, .. } = *self;
        Context { vault, table: "keyslot", record, field: "root key", version: 1, epoch }
    }
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

    fn seal(&self, place: &Place<'_>, root: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
        Ok(seal(self, &place.context(&place.record()), Padding::None, root)?.to_bytes())
    }

    fn open(&self, place: &Place<'_>, sealed: Sealed) -> Result<RootKey, SlotError> {
        let root = open(self, &place.context(&place.record()), Padding::None, &sealed.head, sealed.body)
            .map_err(|_| SlotError::DoesNotOpen)?;
        RootKey::from_slice(&root).ok_or(SlotError::DoesNotOpen)
    }
}

impl SealingKey for SlotKey {
    fn expose_key(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use subrosa_secret::SecretValue;

    use super::*;
    use crate::{RecoveryKey, VaultKey};

    const VAULT: VaultId = VaultId::from_bytes([5; 16]);
    const EPOCH: Epoch = Epoch(3);
    const ROOT: [u8; KEY_LEN] = [9; KEY_LEN];
    /// Where the key derivation's parameters begin in the public column.
    const KDF: usize = 1;

    #[derive(Clone)]
    struct Slot {
        id: SlotId,
        public: Vec<u8>,
        sealed: Vec<u8>,
    }

    impl Slot {
        fn new(new: &NewSlot<'_>) -> Self {
            let root = RootKey::from_slice(&ROOT).expect("32 bytes");
            let id = SlotId::random().expect("random");
            let Wrapped { public, sealed } = wrap(new, &VAULT, id, EPOCH, &root).expect("wrap");
            Self { id, public, sealed }
        }

        /// One that holds `payload`, rightly sealed.
        fn holding(public: Vec<u8>, unlock: &Unlock<'_>, payload: &[u8]) -> Self {
            let id = SlotId::random().expect("random");
            let key = SlotKey::derive(&VAULT, &public, unlock).expect("derive");
            let place = Place { vault: &VAULT, id, epoch: EPOCH, public: &public };
            let sealed = key.seal(&place, payload).expect("seal");
            Self { id, public, sealed }
        }

        /// For a passphrase at the least cost that is accepted, as an older program could have made it.
        fn cheap(text: &str) -> Self {
            let params = KdfParams::accept(19 * 1024, 2, 1).expect("accepted");
            let kdf = Kdf::generate(params).expect("random").encode();
            let public = [&[SlotKind::Passphrase.byte()][..], &kdf].concat();
            Self::holding(public, &Unlock::Passphrase(&passphrase(text)), &ROOT)
        }

        fn open(&self, unlock: &Unlock<'_>) -> Result<[u8; KEY_LEN], SlotError> {
            let root = unwrap(&self.public, &self.sealed, &VAULT, self.id, EPOCH, unlock);
            root.map(|root| *root.expose_key())
        }
    }

    fn any(slots: &[Slot], unlock: &Unlock<'_>) -> Result<SlotId, SlotError> {
        let columns = slots.iter().map(|slot| (slot.id, slot.public.as_slice(), slot.sealed.as_slice()));
        open_any(columns, &VAULT, EPOCH, unlock).map(|(id, _)| id)
    }

    fn passphrase(text: &str) -> SecretValue {
        SecretValue::new(text.into()).expect("short")
    }

    fn vault_key() -> VaultKey {
        VaultKey::generate().expect("random")
    }

    #[test]
    fn every_kind_opens_with_its_own_secret_and_no_other() {
        let (vault, recovery) = (vault_key(), RecoveryKey::generate().expect("random"));
        let pass = passphrase("correct horse");
        let slots = [
            Slot::new(&NewSlot::VaultKey { key: &vault, label: "" }),
            Slot::new(&NewSlot::Passphrase { passphrase: &pass, params: &KdfParams::MINIMUM, label: "" }),
            Slot::new(&NewSlot::Recovery { key: &recovery, label: "" }),
        ];
        let unlocks = [Unlock::VaultKey(&vault), Unlock::Passphrase(&pass), Unlock::Recovery(&recovery)];
        for (at, slot) in slots.iter().enumerate() {
            for (with, unlock) in unlocks.iter().enumerate() {
                let expected = if at == with { Ok(ROOT) } else { Err(SlotError::DoesNotOpen) };
                assert_eq!(slot.open(unlock), expected, "{at} {with}");
            }
            assert_eq!(slot.sealed.len(), 112);
            assert_eq!(any(&slots, &unlocks[at]), Ok(slot.id));
            let kdf = (at == 1).then_some(KdfParams::MINIMUM);
            assert_eq!(describe(&slot.public), Ok((unlocks[at].kind(), kdf)));
        }
        assert_eq!(slots[0].open(&Unlock::VaultKey(&vault_key())), Err(SlotError::DoesNotOpen));
    }

    #[test]
    fn the_same_bytes_as_a_key_of_another_kind_do_not_open() {
        let vault = vault_key();
        let mut slot = Slot::new(&NewSlot::VaultKey { key: &vault, label: "" });
        slot.public = vec![SlotKind::Recovery.byte()];
        let recovery = RecoveryKey::from_key(*vault.expose_key());
        assert_eq!(slot.open(&Unlock::Recovery(&recovery)), Err(SlotError::DoesNotOpen));
    }

    #[test]
    fn hostile_a11_edited_kind_id_and_parameters_do_not_open() {
        let pass = passphrase("correct horse");
        let unlock = Unlock::Passphrase(&pass);
        let right = Slot::cheap("correct horse");
        assert_eq!(right.open(&unlock), Ok(ROOT));
        let moved = Slot { id: SlotId::random().expect("random"), ..right.clone() };
        assert_eq!(moved.open(&unlock), Err(SlotError::DoesNotOpen));
        // passes, lanes, salt: 2 -> 3, 1 -> 2, another byte
        for (at, byte) in [(6, 3), (10, 2), (14, right.public[KDF + 14] ^ 1)] {
            let mut edited = right.clone();
            edited.public[KDF + at] = byte;
            assert_eq!(edited.open(&unlock), Err(SlotError::DoesNotOpen), "{at}");
        }
        let key = vault_key();
        for kind in [2, 3, 4] {
            let mut edited = Slot::new(&NewSlot::VaultKey { key: &key, label: "" });
            edited.public[0] = kind;
            assert_eq!(edited.open(&Unlock::VaultKey(&key)), Err(SlotError::DoesNotOpen), "{kind}");
        }
    }

    #[test]
    fn hostile_a01_every_flipped_bit_of_a_passphrase_slot_is_refused() {
        let pass = passphrase("correct horse");
        let unlock = Unlock::Passphrase(&pass);
        let sound = Slot::cheap("correct horse");
        let flip = |bytes: &mut [u8], bit: usize| bytes[bit / 8] ^= 1 << (bit % 8);
        let refused = |slot: &Slot, bit| match slot.open(&unlock).expect_err("refused") {
            SlotError::DoesNotOpen | SlotError::Kdf(KdfError::Parameters(_)) | SlotError::Malformed(_) => {}
            error => panic!("bit {bit}: {error}"),
        };
        // kind, costs and salt: another key is derived, or none
        std::thread::scope(|scope| {
            for first in 0..2 {
                let (sound, refused) = (&sound, &refused);
                scope.spawn(move || {
                    for bit in (first..sound.public.len() * 8).step_by(2) {
                        let mut slot = sound.clone();
                        flip(&mut slot.public, bit);
                        refused(&slot, bit);
                    }
                });
            }
        });
        // the wrapped key and the id: the same key is derived for all of them
        let key = SlotKey::derive(&VAULT, &sound.public, &unlock).expect("derive");
        let open = |slot: &Slot| {
            let place = Place { vault: &VAULT, id: slot.id, epoch: EPOCH, public: &slot.public };
            key.open(&place, Sealed::from_slice(&slot.sealed).expect("long enough")).map(drop)
        };
        assert_eq!(open(&sound), Ok(()));
        for bit in 0..WRAPPED_LEN * 8 {
            let mut slot = sound.clone();
            flip(&mut slot.sealed, bit);
            assert_eq!(open(&slot), Err(SlotError::DoesNotOpen), "bit {bit}");
        }
        for bit in 0..crate::ID_LEN * 8 {
            let mut id = *sound.id.as_bytes();
            flip(&mut id, bit);
            let slot = Slot { id: SlotId::from_bytes(id), ..sound.clone() };
            assert_eq!(open(&slot), Err(SlotError::DoesNotOpen), "bit {bit} of the id");
        }
    }

    #[test]
    fn hostile_a11_a_slot_of_another_vault_or_epoch_does_not_open() {
        let key = vault_key();
        let Slot { id, public, sealed } = Slot::new(&NewSlot::VaultKey { key: &key, label: "" });
        let opens =
            |vault, epoch| unwrap(&public, &sealed, &vault, id, epoch, &Unlock::VaultKey(&key)).is_ok();
        assert!(opens(VAULT, EPOCH));
        assert!(!opens(VaultId::from_bytes([6; 16]), EPOCH));
        assert!(!opens(VAULT, Epoch(4)));
    }

    #[test]
    fn hostile_a12_unknown_kinds_are_no_slots_and_recipients_never_open() {
        let malformed: [&[u8]; 7] = [&[], &[0], &[5], &[0x80], &[0xff], &[1, 0], &[3, 0]];
        let key = vault_key();
        for public in malformed {
            assert!(matches!(describe(public), Err(SlotError::Malformed(_))), "{public:?}");
            let slot =
                Slot { id: SlotId::from_bytes([1; 16]), public: public.to_vec(), sealed: vec![0; 112] };
            assert!(slot.open(&Unlock::VaultKey(&key)).is_err());
            // nor do they keep others from opening
            let sound = Slot::new(&NewSlot::VaultKey { key: &key, label: "" });
            assert_eq!(any(&[slot, sound.clone()], &Unlock::VaultKey(&key)), Ok(sound.id));
        }
        let recipient =
            Slot { id: SlotId::from_bytes([1; 16]), public: vec![4, 1, 2, 3], sealed: vec![0; WRAPPED_LEN] };
        assert_eq!(describe(&recipient.public), Ok((SlotKind::Recipient, None)));
        assert_eq!(recipient.open(&Unlock::VaultKey(&key)), Err(SlotError::DoesNotOpen));
    }

    #[test]
    fn hostile_b19_a_slot_that_asks_for_too_much_is_refused_before_it_is_tried() {
        let pass = passphrase("correct horse");
        let unlock = Unlock::Passphrase(&pass);
        let mut greedy = Slot::cheap("correct horse");
        greedy.public[KDF + 2..KDF + 6].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(greedy.open(&unlock), Err(SlotError::Kdf(KdfError::Parameters(_)))));
        assert_eq!(describe(&greedy.public), Ok((SlotKind::Passphrase, None)));
        // it does not keep the sound one beside it from opening, and is named where there is none
        let sound = Slot::cheap("correct horse");
        assert_eq!(any(&[greedy.clone(), sound.clone()], &unlock), Ok(sound.id));
        assert!(matches!(any(&[greedy], &unlock), Err(SlotError::Kdf(KdfError::Parameters(_)))));
    }

    #[test]
    fn hostile_b22_wrapped_keys_of_other_lengths_are_refused() {
        let key = vault_key();
        let unlock = Unlock::VaultKey(&key);
        for length in [0, 31, 33, 48] {
            let slot = Slot::holding(vec![1], &unlock, &vec![9; length]);
            assert_eq!(slot.open(&unlock), Err(SlotError::DoesNotOpen), "{length}");
        }
        assert_eq!(Slot::holding(vec![1], &unlock, &ROOT).open(&unlock), Ok(ROOT));
    }

    #[test]
    fn hostile_b23_passphrases_that_cannot_be_are_refused_before_any_slot_is_tried() {
        let refused = |bytes: &[u8]| {
            let pass = SecretValue::new(bytes.to_vec()).expect("short");
            any(&[], &Unlock::Passphrase(&pass)).err()
        };
        assert_eq!(refused(b""), Some(SlotError::Kdf(KdfError::Empty)));
        assert_eq!(refused(&[0xff]), Some(SlotError::Kdf(KdfError::NotText)));
        assert_eq!(refused(b"x"), Some(SlotError::DoesNotOpen));
        let slot = Slot::cheap("caf\u{e9}");
        assert_eq!(slot.open(&Unlock::Passphrase(&passphrase("cafe\u{301}"))), Ok(ROOT));
    }

    #[test]
    fn hostile_b24_a_wrong_passphrase_and_a_damaged_slot_say_the_same() {
        let slot = Slot::cheap("correct horse");
        let wrong = slot.open(&Unlock::Passphrase(&passphrase("correct horsf"))).expect_err("wrong");
        for at in [0, 31, 32, 63, 64, 79, 80, WRAPPED_LEN - 1] {
            let mut damaged = slot.clone();
            damaged.sealed[at] ^= 0x10;
            let error = damaged.open(&Unlock::Passphrase(&passphrase("correct horse"))).expect_err("damaged");
            assert_eq!((error, error.to_string()), (wrong, wrong.to_string()), "{at}");
        }
    }

    #[test]
    fn weak_slots_open_and_are_not_made() {
        let weak = Slot::cheap("x");
        let pass = passphrase("x");
        assert_eq!(weak.open(&Unlock::Passphrase(&pass)), Ok(ROOT));
        let (kind, kdf) = describe(&weak.public).expect("a slot");
        let info = |kdf| crate::SlotInfo { id: weak.id, kind, kdf, label: None, created: None };
        assert!(info(kdf).needs_upgrade() && !info(Some(KdfParams::MINIMUM)).needs_upgrade());
        let params = &kdf.expect("a passphrase");
        let root = RootKey::from_slice(&ROOT).expect("32 bytes");
        let refused = |new: &NewSlot<'_>| wrap(new, &VAULT, weak.id, EPOCH, &root).err();
        let new = NewSlot::Passphrase { passphrase: &pass, params, label: "" };
        assert_eq!(refused(&new), Some(SlotError::Weak));
        let long = "x".repeat(MAX_LABEL_LEN + 1);
        let new = NewSlot::VaultKey { key: &vault_key(), label: &long };
        assert_eq!(refused(&new), Some(SlotError::LabelTooLong));
    }

    #[test]
    fn hostile_b19_no_more_than_sixteen_slots_are_tried() {
        let pass = passphrase("x");
        let bogus = |n| {
            let public = [&[2][..], &Kdf::from_parts(KdfParams::MINIMUM, [0; 16]).encode()].concat();
            Slot { id: SlotId::from_bytes([n; 16]), public, sealed: vec![] }
        };
        let sound = loop {
            let slot = Slot::cheap("x");
            if (SlotId::from_bytes([0x10; 16])..SlotId::from_bytes([0xff; 16])).contains(&slot.id) {
                break slot;
            }
        };
        let mut slots: Vec<Slot> = (1..16).map(bogus).collect();
        slots.push(sound.clone());
        assert_eq!(any(&slots, &Unlock::Passphrase(&pass)), Ok(sound.id));
        slots.push(bogus(0));
        assert_eq!(any(&slots, &Unlock::Passphrase(&pass)), Err(SlotError::DoesNotOpen));
    }
}
