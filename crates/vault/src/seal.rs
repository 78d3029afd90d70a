//! Sealing: AES-256-GCM under a one-time key, with a key commitment (vault-format.md, "Seals").
//!
//! `HKDF-Expand(role key, context || 32 fresh random bytes, 64)` gives a one-time AES key and a
//! commitment to it. The key is never used twice, so the nonce is fixed at zero and no nonce can be reused;
//! the commitment makes a ciphertext open under one key only, which GCM alone does not promise.

use std::ops::Range;

use aes_gcm::{
    Aes256Gcm, Nonce, Tag,
    aead::{AeadInOut, KeyInit},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    FORMAT, SUITE,
    id::VaultId,
    role::{Epoch, KEY_LEN, SealingKey},
};

/// Length of a seal's head: 32 random bytes, 32 of commitment, 16 of GCM tag.
pub const HEAD_LEN: usize = RANDOM_LEN + COMMITMENT_LEN + TAG_LEN;
const RANDOM_LEN: usize = 32;
const COMMITMENT_LEN: usize = 32;
const TAG_LEN: usize = 16;
const NONCE: [u8; 12] = [0; 12];

/// Why a seal does not open. Which of the checks failed is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a seal does not open with this key")]
pub struct Unsealable;

/// Where a sealed field stands. It is authenticated, never stored: moving a ciphertext to another place breaks it.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The vault it belongs to.
    pub vault: &'a VaultId,
    /// What kind of row it stands in, such as `secret` or `keyslot`.
    pub table: &'a str,
    /// The row's identifier, or whatever else singles it out.
    pub record: &'a [u8],
    /// Which field of the row.
    pub field: &'a str,
    /// The row's version at which this field was sealed.
    pub version: u64,
    /// The epoch of the root key that it is sealed under.
    pub epoch: Epoch,
}

impl Context<'_> {
    /// The length-prefixed encoding: no two contexts have the same bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.encode_into(&mut out);
        out
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        push_field(out, b"subrosa");
        push_field(out, &FORMAT.to_le_bytes());
        push_field(out, &SUITE.to_le_bytes());
        push_field(out, self.vault.as_bytes());
        push_field(out, self.table.as_bytes());
        push_field(out, self.record);
        push_field(out, self.field.as_bytes());
        push_field(out, &self.version.to_le_bytes());
        push_field(out, &self.epoch.0.to_le_bytes());
    }
}

/// Appends `field` with its length in front, four bytes little-endian.
///
/// # Panics
/// If the field has 4 GiB or more.
pub fn push_field(out: &mut Vec<u8>, field: &[u8]) {
    let length = u32::try_from(field.len()).expect("no field of a context comes near 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(field);
}

/// A sealed field. The body alone is worth nothing: key, commitment and tag hang on the head.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Random bytes, commitment and tag.
    pub head: [u8; HEAD_LEN],
    /// The ciphertext, as long as the padded plain text.
    pub body: Vec<u8>,
}

impl Sealed {
    /// Head and body in one piece, as it is stored where they need not be apart.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }

    /// Takes one piece apart; `None` if it is shorter than a head.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let (head, body) = bytes.split_first_chunk::<HEAD_LEN>()?;
        Some(Self { head: *head, body: body.to_vec() })
    }

    /// The commitment to the one-time key, which names this very seal.
    #[must_use]
    pub fn commitment(&self) -> &[u8; COMMITMENT_LEN] {
        commitment_of(&self.head)
    }
}

/// The commitment within a head.
#[must_use]
pub fn commitment_of(head: &[u8; HEAD_LEN]) -> &[u8; COMMITMENT_LEN] {
    head[RANDOM_LEN..].first_chunk().expect("a head holds a commitment")
}

/// How a plain text is padded before it is sealed, so that its length says little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// To the next multiple of 128 bytes: metadata and policies.
    Row,
    /// To the next power of two from 64 bytes to 64 KiB, then to a multiple of 64 KiB: values.
    Value,
    /// Not at all: plain texts whose length is always the same.
    None,
}

impl Padding {
    /// The padded length of `length` bytes, the four-byte length prefix included.
    #[must_use]
    pub fn padded(self, length: usize) -> usize {
        let framed = length + 4;
        match self {
            Self::None => length,
            Self::Row => framed.next_multiple_of(128),
            Self::Value if framed <= 1 << 16 => framed.next_power_of_two().max(64),
            Self::Value => framed.next_multiple_of(1 << 16),
        }
    }
}

/// Seals `plain` under a fresh one-time key. The only error is that of the system's random generator.
pub fn seal(
    key: &impl SealingKey,
    context: &Context<'_>,
    padding: Padding,
    plain: &[u8],
) -> Result<Sealed, getrandom::Error> {
    let mut random = [0; RANDOM_LEN];
    getrandom::fill(&mut random)?;
    Ok(seal_with(key, context, padding, plain, &random))
}

/// Seals with given random bytes: for test vectors only, since they must never repeat.
pub(crate) fn seal_with(
    key: &impl SealingKey,
    context: &Context<'_>,
    padding: Padding,
    plain: &[u8],
    random: &[u8; RANDOM_LEN],
) -> Sealed {
    let aad = context.encode();
    let keys = OneTime::derive(key, &aad, random);
    let mut body = pad(padding, plain);
    let tag = keys
        .cipher()
        .encrypt_inout_detached(&Nonce::from(NONCE), &aad, body.as_mut_slice().into())
        .expect("no field comes near GCM's limit of 64 GiB");
    let mut head = [0; HEAD_LEN];
    head[..RANDOM_LEN].copy_from_slice(random);
    head[RANDOM_LEN..RANDOM_LEN + COMMITMENT_LEN].copy_from_slice(keys.commitment());
    head[RANDOM_LEN + COMMITMENT_LEN..].copy_from_slice(&tag);
    Sealed { head, body: std::mem::take(&mut *body) }
}

/// Opens a seal: commitment first, in constant time, then GCM, then the padding.
pub fn open(
    key: &impl SealingKey,
    context: &Context<'_>,
    padding: Padding,
    head: &[u8; HEAD_LEN],
    body: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    let mut body = Zeroizing::new(body);
    decrypt(key, &context.encode(), head, &mut body)?;
    unpad(padding, body)
}

/// Memory in which seals are opened one after the other. It is wiped when the last of them is done with.
#[derive(Default)]
pub(crate) struct Room {
    aad: Vec<u8>,
    plain: Zeroizing<Vec<u8>>,
}

impl Room {
    /// Opens a seal whose head and body are in one piece. The plain text is there until the next seal is opened.
    pub fn open(
        &mut self,
        key: &impl SealingKey,
        context: &Context<'_>,
        padding: Padding,
        sealed: &[u8],
    ) -> Result<&[u8], Unsealable> {
        let (head, body) = sealed.split_first_chunk::<HEAD_LEN>().ok_or(Unsealable)?;
        self.aad.clear();
        context.encode_into(&mut self.aad);
        if self.plain.capacity() < body.len() {
            // a vector that grows leaves what it held behind
            self.plain = Zeroizing::new(Vec::with_capacity(body.len().next_power_of_two()));
        }
        self.plain.clear();
        self.plain.extend_from_slice(body);
        decrypt(key, &self.aad, head, &mut self.plain)?;
        let text = unpadded(padding, &self.plain)?;
        Ok(&self.plain[text])
    }
}

fn decrypt(
    key: &impl SealingKey,
    aad: &[u8],
    head: &[u8; HEAD_LEN],
    body: &mut [u8],
) -> Result<(), Unsealable> {
    let (random, rest) = head.split_first_chunk::<RANDOM_LEN>().ok_or(Unsealable)?;
    let (commitment, tag) = rest.split_first_chunk::<COMMITMENT_LEN>().ok_or(Unsealable)?;
    let keys = OneTime::derive(key, aad, random);
    if !bool::from(keys.commitment().ct_eq(commitment.as_slice())) {
        return Err(Unsealable);
    }
    let tag = Tag::try_from(tag).map_err(|_| Unsealable)?;
    keys.cipher().decrypt_inout_detached(&Nonce::from(NONCE), aad, body.into(), &tag).map_err(|_| Unsealable)
}

/// The 64 bytes derived for one message: an AES-256 key and the commitment to it.
struct OneTime(Zeroizing<[u8; KEY_LEN + COMMITMENT_LEN]>);

impl OneTime {
    fn derive(key: &impl SealingKey, context: &[u8], random: &[u8; RANDOM_LEN]) -> Self {
        let mut out = Zeroizing::new([0; KEY_LEN + COMMITMENT_LEN]);
        key.expand(&[context, random], out.as_mut());
        Self(out)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new_from_slice(&self.0[..KEY_LEN]).expect("AES-256 takes 32 bytes")
    }

    fn commitment(&self) -> &[u8] {
        &self.0[KEY_LEN..]
    }
}

fn pad(padding: Padding, plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = padding.padded(plain.len());
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    if padding != Padding::None {
        let framed = u32::try_from(plain.len()).expect("no plain text comes near 4 GiB");
        out.extend_from_slice(&framed.to_le_bytes());
    }
    out.extend_from_slice(plain);
    out.resize(length, 0);
    out
}

/// Takes the padding off.
pub(crate) fn unpad(
    padding: Padding,
    mut framed: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    let text = unpadded(padding, &framed)?;
    let length = text.len();
    framed.copy_within(text, 0);
    framed.truncate(length);
    Ok(framed)
}

/// Where the text stands within its padding, which must be exactly what [`pad`] makes: one plain text has one sealed form.
fn unpadded(padding: Padding, framed: &[u8]) -> Result<Range<usize>, Unsealable> {
    if padding == Padding::None {
        return Ok(0..framed.len());
    }
    let (length, rest) = framed.split_first_chunk::<4>().ok_or(Unsealable)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Unsealable)?;
    if length > rest.len() || padding.padded(length) != framed.len() {
        return Err(Unsealable);
    }
    if rest[length..].iter().any(|byte| *byte != 0) {
        return Err(Unsealable);
    }
    Ok(4..4 + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::{MetadataKey, RootKey, ValueKey};

    const VAULT: VaultId = VaultId::from_bytes([7; 16]);

    fn keys() -> (MetadataKey, ValueKey) {
        let root = RootKey::from_slice(&[9; 32]).expect("32 bytes");
        (MetadataKey::derive(&root, &VAULT, Epoch(1)), ValueKey::derive(&root, &VAULT, Epoch(1)))
    }

    fn context<'a>(table: &'a str, field: &'a str) -> Context<'a> {
        Context { vault: &VAULT, table, record: &[1; 16], field, version: 1, epoch: Epoch(1) }
    }

    fn seal_and_open(padding: Padding, plain: &[u8]) -> Zeroizing<Vec<u8>> {
        let (_, key) = keys();
        let sealed = seal(&key, &context("secret", "value"), padding, plain).expect("seal");
        open(&key, &context("secret", "value"), padding, &sealed.head, sealed.body).expect("open")
    }

    #[test]
    fn what_was_sealed_opens() {
        for length in [0, 1, 59, 60, 61, 124, 4092, 65_532, 65_533, 1 << 20] {
            let plain = vec![0xa5; length];
            for padding in [Padding::Row, Padding::Value, Padding::None] {
                assert!(*seal_and_open(padding, &plain) == plain, "{length} {padding:?}");
            }
        }
    }

    #[test]
    fn lengths_are_padded_to_steps() {
        let steps = [(0, 64), (60, 64), (61, 128), (65_532, 65_536), (65_533, 131_072), (1 << 20, 17 << 16)];
        for (length, padded) in steps {
            assert_eq!(Padding::Value.padded(length), padded, "{length}");
        }
        assert_eq!(Padding::Row.padded(124), 128);
        assert_eq!(Padding::Row.padded(125), 256);
    }

    #[test]
    fn hostile_a14_context_fields_cannot_be_shifted() {
        let (_, key) = keys();
        let ambiguous = ["", ":", "a", "b", "a:b", "b:c", "a:", ":b", "ab", "c", "a\0b", "\u{4}"];
        let places = ambiguous.iter().flat_map(|table| ambiguous.map(|field| context(table, field)));
        let places: Vec<_> = places.collect();
        let encodings: std::collections::BTreeSet<_> = places.iter().map(Context::encode).collect();
        assert_eq!(encodings.len(), places.len());
        let sealed = seal(&key, &context("a:b", "c"), Padding::Row, b"x").expect("seal");
        for place in &places {
            let opens = open(&key, place, Padding::Row, &sealed.head, sealed.body.clone()).is_ok();
            assert_eq!(opens, (place.table, place.field) == ("a:b", "c"), "{} {}", place.table, place.field);
        }
        let [mut short, mut long] = [context("a", "b"); 2];
        (short.record, long.record) = (b"", b"a");
        (short.table, long.table) = ("aa", "a");
        assert_ne!(short.encode(), long.encode());
    }

    #[test]
    fn another_place_key_or_version_does_not_open() {
        let (metadata, value) = keys();
        let sealed = seal(&value, &context("secret", "value"), Padding::Value, b"x").expect("seal");
        let fails = |key: &dyn Fn() -> Result<Zeroizing<Vec<u8>>, Unsealable>| assert!(key().is_err());
        let (head, body) = (&sealed.head, || sealed.body.clone());
        fails(&|| open(&metadata, &context("secret", "value"), Padding::Value, head, body()));
        fails(&|| open(&value, &context("secret", "metadata"), Padding::Value, head, body()));
        fails(&|| open(&value, &context("history", "value"), Padding::Value, head, body()));
        let mut other = context("secret", "value");
        other.version = 2;
        fails(&|| open(&value, &other, Padding::Value, head, body()));
        other = context("secret", "value");
        other.epoch = Epoch(2);
        fails(&|| open(&value, &other, Padding::Value, head, body()));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let (_, key) = keys();
        let place = context("secret", "value");
        let sealed = seal(&key, &place, Padding::Value, b"hunter two").expect("seal").to_bytes();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let flipped = Sealed::from_slice(&flipped).expect("long enough");
            assert!(open(&key, &place, Padding::Value, &flipped.head, flipped.body).is_err(), "{bit}");
        }
    }

    #[test]
    fn hostile_a15_no_one_time_key_twice_in_two_million_seals() {
        const SEALS: usize = 2_000_000;
        let (_, key) = keys();
        let place = context("secret", "value");
        let seal_some = || {
            let one = |_| *seal(&key, &place, Padding::None, b"").expect("seal").commitment();
            (0..SEALS / 2).map(one).collect::<Vec<_>>()
        };
        // the nonce is always the same, and a commitment names the key beside it
        let mut seen = std::thread::scope(|scope| {
            let other = scope.spawn(seal_some);
            let mut seen = seal_some();
            seen.extend(other.join().expect("sealed"));
            seen
        });
        seen.sort_unstable();
        assert_eq!(seen.len(), SEALS);
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn seals_open_one_after_the_other_in_the_same_memory() {
        let (_, key) = keys();
        let place = context("secret", "metadata");
        let mut room = Room::default();
        for plain in [&[0xa5; 300][..], b"", b"short", &[0x5a; 3000]] {
            let mut sealed = seal(&key, &place, Padding::Row, plain).expect("seal").to_bytes();
            assert!(room.open(&key, &place, Padding::Row, &sealed) == Ok(plain));
            assert!(room.open(&key, &context("secret", "policy"), Padding::Row, &sealed).is_err());
            sealed[HEAD_LEN] ^= 1;
            assert!(room.open(&key, &place, Padding::Row, &sealed).is_err());
            assert!(room.open(&key, &place, Padding::Row, &sealed[..HEAD_LEN - 1]).is_err());
        }
    }

    #[test]
    fn padding_other_than_ours_is_refused() {
        let (_, key) = keys();
        let place = context("secret", "value");
        for framed in [vec![0; 63], vec![1; 64], [&[0u8; 4][..], &[0; 59], &[1]].concat(), vec![0; 128]] {
            let sealed = seal(&key, &place, Padding::None, &framed).expect("seal");
            assert!(open(&key, &place, Padding::Value, &sealed.head, sealed.body).is_err());
        }
    }
}
