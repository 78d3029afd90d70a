//! Header, records and their chain, as bytes (section 1).

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{AuditError, Head};
use crate::{
    AuditKey, Epoch, FORMAT, SUITE, VaultId,
    seal::{Context, HEAD_LEN, Padding, open, push_field, seal},
};

/// Header and records are multiples of this, in bytes.
pub(super) const BLOCK: usize = 128;
/// Length of a trailer in bytes.
pub(super) const TRAILER_LEN: usize = 44;
/// The longest record, in bytes.
pub(super) const MAX_RECORD: usize = 1 << 16;

const MAGIC: &[u8; 16] = b"subrosa audit\r\n\0";
const LENGTH_LEN: usize = 4;
/// All of a record but the ciphertext is one block.
const OVERHEAD: usize = LENGTH_LEN + HEAD_LEN + TRAILER_LEN;
const _: () = assert!(OVERHEAD == BLOCK);

/// What a log's records are bound to, and their key.
pub(super) struct Chain {
    pub vault: VaultId,
    pub key: AuditKey,
    pub epoch: Epoch,
}

/// What the first block of a file is.
pub(super) enum FirstBlock {
    /// Nothing, or what a crash left of this vault's header.
    Blank,
    /// The header of this vault's log in an epoch.
    Header(Epoch),
    /// This vault's header with something wrong in it.
    Damaged,
    /// Something of another format.
    Newer,
    /// Another vault's log, or none.
    Foreign,
}

impl Chain {
    /// The header, which is the same for every log of this vault and epoch.
    pub fn header(&self) -> [u8; BLOCK] {
        header(&self.vault, self.epoch)
    }

    /// The head of an empty log.
    pub fn genesis(&self) -> Head {
        Trailer::of(&self.header()).expect("a header ends with a trailer").head
    }

    /// Reads the first block, or all of a shorter file.
    pub fn first_block(&self, block: &[u8]) -> FirstBlock {
        let ours = self.header();
        if block.iter().all(|byte| *byte == 0) || (block.len() < BLOCK && ours.starts_with(block)) {
            return FirstBlock::Blank;
        }
        let Ok(block) = <&[u8; BLOCK]>::try_from(block) else { return FirstBlock::Foreign };
        if !block.starts_with(MAGIC) {
            return FirstBlock::Foreign;
        }
        if block[16..22] != ours[16..22] {
            return FirstBlock::Newer;
        }
        if block[22..38] != ours[22..38] {
            return FirstBlock::Foreign;
        }
        let epoch = Epoch(u32::from_le_bytes([block[38], block[39], block[40], block[41]]));
        if *block == header(&self.vault, epoch) { FirstBlock::Header(epoch) } else { FirstBlock::Damaged }
    }

    /// Seals an entry as the one after `before`; answers the record and the head that it makes.
    pub fn seal(&self, before: &Head, plain: &[u8]) -> Result<(Vec<u8>, Head), AuditError> {
        let length = OVERHEAD + Padding::Row.padded(plain.len());
        if length > MAX_RECORD {
            return Err(AuditError::TooLong);
        }
        let framed = u32::try_from(length).map_err(|_| AuditError::TooLong)?.to_le_bytes();
        let count = before.count.checked_add(1).ok_or(AuditError::TooLong)?;
        let sealed = seal(&self.key, &self.context(before, count), Padding::Row, plain)?.to_bytes();
        let head = Head { count, hash: chain_hash(&before.hash, &sealed) };
        let record = [&framed, &*sealed, &framed, &head.count.to_le_bytes(), &head.hash].concat();
        Ok((record, head))
    }

    /// Opens a record that [`follow`] has found to be the one after `before`; `None` if no holder of the key wrote it there.
    pub fn open(&self, before: &Head, record: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (head, body) = sealed_part(record)?.split_first_chunk::<HEAD_LEN>()?;
        let count = before.count.checked_add(1)?;
        open(&self.key, &self.context(before, count), Padding::Row, head, body.to_vec()).ok()
    }

    fn context<'a>(&'a self, before: &'a Head, count: u64) -> Context<'a> {
        Context {
            vault: &self.vault,
            table: "audit",
            record: &before.hash,
            field: "entry",
            version: count,
            epoch: self.epoch,
        }
    }
}

/// The end of a header or record.
pub(super) struct Trailer {
    /// Length of the header or record in bytes.
    pub length: usize,
    /// The head that it claims to make.
    pub head: Head,
}

impl Trailer {
    /// The trailer that these bytes end with; `None` if its length is none that a header or record can have.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let length = record_length(*bytes.last_chunk::<TRAILER_LEN>()?.first_chunk()?)?;
        Some(Self { length, head: Self::head_of(bytes)? })
    }

    /// The head alone, whatever the length says: for the trailer in front of a record that is looked at from behind.
    pub fn head_of(bytes: &[u8]) -> Option<Head> {
        let (count, hash) = bytes.last_chunk::<40>()?.split_first_chunk::<8>()?;
        Some(Head { count: u64::from_le_bytes(*count), hash: hash.try_into().ok()? })
    }
}

/// The length that four bytes give, or `None` if no header or record has it.
pub(super) fn record_length(bytes: [u8; LENGTH_LEN]) -> Option<usize> {
    let length = usize::try_from(u32::from_le_bytes(bytes)).ok()?;
    (length != 0 && length.is_multiple_of(BLOCK) && length <= MAX_RECORD).then_some(length)
}

/// The head that a record makes after `before`; `None` if framing, number or chain hash are not those of the record after it.
///
/// That takes no key: whether a holder of the key wrote it, [`Chain::open`] tells.
pub(super) fn follow(before: &Head, record: &[u8]) -> Option<Head> {
    let trailer = Trailer::of(record)?;
    let length = record_length(*record.first_chunk()?)?;
    let count = before.count.checked_add(1)?;
    let framed = length > BLOCK && length == record.len() && length == trailer.length;
    let hash = chain_hash(&before.hash, sealed_part(record)?);
    let head = Head { count, hash };
    (framed && trailer.head == head).then_some(head)
}

fn sealed_part(record: &[u8]) -> Option<&[u8]> {
    record.get(LENGTH_LEN..record.len().checked_sub(TRAILER_LEN)?)
}

fn chain_hash(before: &[u8; 32], sealed: &[u8]) -> [u8; 32] {
    let mut text = Vec::with_capacity(sealed.len() + BLOCK);
    for field in [b"subrosa audit record".as_slice(), before, sealed] {
        push_field(&mut text, field);
    }
    Sha256::digest(&text).into()
}

fn header(vault: &VaultId, epoch: Epoch) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..16].copy_from_slice(MAGIC);
    block[16..20].copy_from_slice(&FORMAT.to_le_bytes());
    block[20..22].copy_from_slice(&SUITE.to_le_bytes());
    block[22..38].copy_from_slice(vault.as_bytes());
    block[38..42].copy_from_slice(&epoch.0.to_le_bytes());
    let mut text = Vec::with_capacity(BLOCK);
    push_field(&mut text, b"subrosa audit log");
    push_field(&mut text, &block[..BLOCK - TRAILER_LEN]);
    block[84..88].copy_from_slice(&128u32.to_le_bytes());
    block[96..].copy_from_slice(&Sha256::digest(&text));
    block
}

#[cfg(test)]
mod tests {
    use super::super::scratch::{chain, entry};
    use super::*;

    #[test]
    fn a_record_opens_where_it_was_sealed_and_nowhere_else() {
        let chain = chain(1);
        let start = chain.genesis();
        let (record, head) = chain.seal(&start, &entry(1).to_json()).expect("seal");
        assert!(record.len().is_multiple_of(BLOCK));
        assert_eq!(follow(&start, &record), Some(head));
        assert_eq!(*chain.open(&start, &record).expect("open"), entry(1).to_json());
        let elsewhere = [Head { count: 1, ..start }, Head { hash: [1; 32], ..start }];
        for before in elsewhere {
            assert_eq!(follow(&before, &record), None);
            assert!(chain.open(&before, &record).is_none());
        }
        assert!(super::super::scratch::chain(2).open(&start, &record).is_none());
    }

    #[test]
    fn an_entry_longer_than_a_record_is_refused() {
        let chain = chain(1);
        let room = MAX_RECORD - OVERHEAD - 4;
        assert!(chain.seal(&chain.genesis(), &vec![b'x'; room]).is_ok());
        let error = chain.seal(&chain.genesis(), &vec![b'x'; room + 1]).map(drop).expect_err("too long");
        assert_eq!(error.kind(), "audit_too_long");
    }

    #[test]
    fn the_header_is_the_one_specified() {
        let block = chain(3).header();
        assert_eq!(&block[..22], b"subrosa audit\r\n\0\x01\0\0\0\x01\0");
        assert_eq!(block[22..42], [[7; 16].as_slice(), &[3, 0, 0, 0]].concat());
        assert_eq!(block[42..96], [[0; 42].as_slice(), &[128, 0, 0, 0], &[0; 8]].concat());
        let text = [b"\x11\0\0\0subrosa audit log\x54\0\0\0".as_slice(), &block[..84]].concat();
        assert_eq!(block[96..], *Sha256::digest(text));
    }
}
