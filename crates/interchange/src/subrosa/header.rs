//! The document around a sealed payload: what is in clear, and what each chunk is bound to (sections 2 and 3).

use std::borrow::Cow;
use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use subrosa_vault::{
    HEAD_LEN, ID_LEN, KEY_LEN, Kdf, KdfError, KdfParams, Padding, SALT_LEN, SUITE, VaultId, push_field,
};

use super::json::{self, VERSION, document, malformed, newer};
use super::payload::CHUNK_LEN;
use crate::text::text;
use crate::{InterchangeError, Place};

const WRAPPED_LEN: usize = HEAD_LEN + KEY_LEN;
/// The number of passphrases among the kinds of keyslots (vault-key.md, section 4).
const PASSPHRASE: u8 = 2;
const ARGON2_VERSION: u64 = 0x13;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u64,
    suite: u64,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    keys: Vec<Slot<'a>>,
    #[serde(borrow)]
    payload: Chunks<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slot<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    kdf: Derivation<'a>,
    #[serde(borrow)]
    wrapped: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    version: u64,
    memory: u64,
    passes: u64,
    lanes: u64,
    #[serde(borrow)]
    salt: Cow<'a, str>,
}

impl<'a> json::Document<'a> for Sealed<'a> {
    const FORMAT: &'static str = "subrosa-export";

    fn preamble(&self) -> (&str, u64) {
        (&self.format, self.version)
    }
}

/// What stands before the payload. Nothing of it is believed before the file key and every chunk have opened.
pub(super) struct Header {
    pub id: VaultId,
    pub kdf: Kdf,
    /// The file key, sealed under what the passphrase gives.
    pub wrapped: [u8; WRAPPED_LEN],
}

impl Header {
    /// What the file key's seal is bound to: kind and parameters of what opens it.
    pub(super) fn slot(kdf: &Kdf) -> Vec<u8> {
        [&[PASSPHRASE][..], &kdf.encode()].concat()
    }

    /// What every chunk is bound to: all that is in clear.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        push_field(&mut out, &VERSION.to_le_bytes());
        push_field(&mut out, &Self::slot(&self.kdf));
        push_field(&mut out, &self.wrapped);
        out
    }

    /// The text of the document up to its first chunk.
    pub(super) fn to_text(&self) -> String {
        let params = self.kdf.params();
        format!(
            r#"{{
 "format": "subrosa-export",
 "version": {VERSION},
 "suite": {SUITE},
 "id": "{id}",
 "keys": [
  {{
   "kind": "passphrase",
   "kdf": {{"algorithm": "argon2id", "version": {ARGON2_VERSION}, "memory": {memory}, "passes": {passes}, "lanes": {lanes}, "salt": "{salt}"}},
   "wrapped": "{wrapped}"
  }}
 ],
 "payload": ["#,
            id = self.id,
            memory = params.memory(),
            passes = params.passes(),
            lanes = params.lanes(),
            salt = HEXLOWER.encode(self.kdf.salt()),
            wrapped = BASE64.encode(&self.wrapped),
        )
    }
}

/// Reads the document and judges all that can be judged without the passphrase. Nothing is derived.
pub(super) fn read(bytes: &[u8]) -> Result<(Header, Vec<&str>), InterchangeError> {
    let document: Sealed<'_> = document(text(bytes)?)?;
    if document.suite != u64::from(SUITE) {
        return Err(newer(Place::File, "its suite"));
    }
    let id = hexadecimal::<ID_LEN>(&document.id).ok_or_else(|| wrong("id", "is not 16 bytes"))?;
    let [slot] = document.keys.as_slice() else {
        return Err(match document.keys.len() {
            0 => wrong("keys", "is empty"),
            _ => newer(at("keys"), "more than one key"),
        });
    };
    if slot.kind != "passphrase" {
        return Err(newer(at("keys[0]"), "its kind"));
    }
    let kdf = derivation(&slot.kdf)?;
    let wrapped = BASE64.decode(slot.wrapped.as_bytes()).ok().and_then(|wrapped| wrapped.try_into().ok());
    let wrapped = wrapped.ok_or_else(|| wrong("keys[0].wrapped", "is not 112 bytes"))?;
    let chunks = document.payload.0?;
    Ok((Header { id: VaultId::from_bytes(id), kdf, wrapped }, chunks))
}

/// The parameters, judged before anything is allocated (vault-key.md, section 3).
fn derivation(kdf: &Derivation<'_>) -> Result<Kdf, KdfError> {
    if kdf.algorithm != "argon2id" {
        return Err(KdfError::Parameters("the algorithm must be Argon2id"));
    }
    if kdf.version != ARGON2_VERSION {
        return Err(KdfError::Parameters("Argon2's version must be 0x13"));
    }
    // what does not fit is outside the limits too
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let params = KdfParams::accept(narrow(kdf.memory), narrow(kdf.passes), narrow(kdf.lanes))?;
    let salt = hexadecimal::<SALT_LEN>(&kdf.salt);
    Ok(Kdf::from_parts(params, salt.ok_or(KdfError::Parameters("the salt must be 16 bytes"))?))
}

/// The payload: all chunks but the last are of one length, and the last is of a length that a padding makes. What is not
/// so is refused where it stands, so that a list of nothing takes no memory.
struct Chunks<'a>(Result<Vec<&'a str>, InterchangeError>);

struct ChunksVisitor;

impl<'de> Visitor<'de> for ChunksVisitor {
    type Value = Chunks<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of chunks")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Chunks<'de>, A::Error> {
        let mut chunks: Vec<&str> = Vec::new();
        let mut is_sound = true;
        while let Some(chunk) = list.next_element::<&str>()? {
            is_sound = is_sound && chunks.last().is_none_or(|before| before.len() == encoded(CHUNK_LEN));
            if is_sound {
                chunks.push(chunk);
            }
        }
        let number = chunks.len().saturating_sub(1);
        let mut lengths = (6..=16).map(|power| encoded(1 << power));
        Ok(Chunks(match chunks.last() {
            None => Err(wrong("payload", "is empty")),
            Some(last) if is_sound && lengths.any(|length| length == last.len()) => Ok(chunks),
            Some(_) => Err(wrong(&chunk_path(number), "has a length that no chunk has there")),
        }))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Chunks<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChunksVisitor)
    }
}

/// The length in base64 of a chunk that has so many bytes padded.
pub(super) fn encoded(padded: usize) -> usize {
    BASE64.encode_len(HEAD_LEN + padded)
}

/// The length of a payload's last chunk, padded.
pub(super) fn padded(length: usize) -> usize {
    Padding::Value.padded(length)
}

pub(super) fn chunk_path(number: usize) -> String {
    format!("payload[{number}]")
}

fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    // a text of another length is not decoded at all
    (text.len() == 2 * N)
        .then(|| HEXLOWER.decode(text.as_bytes()).ok())?
        .and_then(|bytes| bytes.try_into().ok())
}

fn at(path: &str) -> Place {
    Place::Path(path.to_owned())
}

fn wrong(path: &str, what: &str) -> InterchangeError {
    malformed(at(path), what)
}
