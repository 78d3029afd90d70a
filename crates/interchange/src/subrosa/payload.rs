//! The sealed payload: lines of JSON in chunks (section 4).

use std::io::{self, Write};

use data_encoding::BASE64;
use subrosa_vault::{
    Context, Epoch, HEAD_LEN, KEY_LEN, Kdf, KdfError, Padding, Passphrase, Sealed, SealingKey, Unsealable,
    VaultId, open, seal,
};
use zeroize::Zeroizing;

use super::header::{Header, chunk_path, encoded, padded};
use crate::{InterchangeError, Place};

/// The length of a chunk that is not the last, padded.
pub(super) const CHUNK_LEN: usize = 1 << 16;
/// Bytes of plain text in such a chunk: four say how many there are.
const PLAIN_LEN: usize = CHUNK_LEN - 4;

/// A key that seals: that of a passphrase, or that of one file.
pub(crate) struct Key(Box<Zeroizing<[u8; KEY_LEN]>>);

impl Key {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::room();
        (bytes.len() == KEY_LEN).then(|| key.0.copy_from_slice(bytes))?;
        Some(key)
    }

    /// What a passphrase gives. Takes as long, and as much memory, as the parameters say.
    pub(super) fn derive(kdf: &Kdf, passphrase: &Passphrase) -> Result<Self, KdfError> {
        Ok(Self::from_bytes(&*kdf.derive(passphrase)?).expect("32 bytes are derived"))
    }

    pub(super) fn generate() -> Result<Self, getrandom::Error> {
        let mut key = Self::room();
        getrandom::fill(key.0.as_mut_slice())?;
        Ok(key)
    }

    /// On the heap, and filled there: a key that is moved leaves a copy behind.
    fn room() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_LEN])))
    }
}

impl SealingKey for Key {
    fn expose_key(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

fn context<'a>(id: &'a VaultId, record: &'a [u8], field: &'a str, number: u64) -> Context<'a> {
    Context { vault: id, table: "export", record, field, version: number, epoch: Epoch(1) }
}

/// Seals the key of a file under that of a passphrase, bound to how the latter was derived.
pub(super) fn wrap(key: &Key, file: &Key, id: &VaultId, slot: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
    let context = context(id, slot, "file key", 1);
    Ok(seal(key, &context, Padding::None, file.expose_key())?.to_bytes())
}

/// The key of a file.
pub(super) fn unwrap(key: &Key, header: &Header) -> Result<Key, Unsealable> {
    let sealed = Sealed::from_slice(&header.wrapped).ok_or(Unsealable)?;
    let slot = Header::slot(&header.kdf);
    let context = context(&header.id, &slot, "file key", 1);
    Key::from_bytes(&open(key, &context, Padding::None, &sealed.head, sealed.body)?).ok_or(Unsealable)
}

/// Which chunk this is, and whether it is the last: neither can be taken for the other.
fn field(is_last: bool) -> &'static str {
    if is_last { "last chunk" } else { "chunk" }
}

/// Seals what is written into it, chunk by chunk, and passes them on to a document.
pub(crate) struct Sealer<'a> {
    key: &'a Key,
    id: &'a VaultId,
    record: &'a [u8],
    plain: Zeroizing<Vec<u8>>,
    number: u64,
    text: String,
    out: &'a mut dyn Write,
}

impl<'a> Sealer<'a> {
    pub(super) fn new(key: &'a Key, id: &'a VaultId, record: &'a [u8], out: &'a mut dyn Write) -> Self {
        let plain = Zeroizing::new(Vec::with_capacity(PLAIN_LEN));
        Self { key, id, record, plain, number: 0, text: String::new(), out }
    }

    /// Seals what is left as the last chunk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.seal(true)
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let context = context(self.id, self.record, field(is_last), self.number);
        let sealed = seal(self.key, &context, Padding::Value, &self.plain).map_err(io::Error::other)?;
        self.text.clear();
        self.text.push_str(if self.number == 0 { "\n  \"" } else { ",\n  \"" });
        BASE64.encode_append(&sealed.to_bytes(), &mut self.text);
        self.text.push('"');
        self.out.write_all(self.text.as_bytes())?;
        self.number += 1;
        self.plain.clear();
        Ok(())
    }
}

impl Write for Sealer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.plain.len() == PLAIN_LEN {
            self.seal(false)?;
        }
        let taken = bytes.len().min(PLAIN_LEN - self.plain.len());
        self.plain.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The length of the text of all chunks of a payload, with what stands between them.
pub(super) fn text_len(payload: usize) -> usize {
    let full = payload.saturating_sub(1) / PLAIN_LEN;
    let last = padded(payload - full * PLAIN_LEN);
    full * (encoded(CHUNK_LEN) + ",\n  \"\"".len()) + encoded(last) + "\n  \"\"".len()
}

/// Opens the chunks in turn and gives each line of the payload to `each`, without its line ending.
pub(super) fn lines(
    key: &Key,
    header: &Header,
    chunks: &[&str],
    mut each: impl FnMut(&[u8]) -> Result<(), InterchangeError>,
) -> Result<(), InterchangeError> {
    let record = header.encode();
    // the beginning of a line whose end is in a chunk to come
    let mut begun = Zeroizing::new(Vec::new());
    for (number, chunk) in chunks.iter().enumerate() {
        let is_last = number + 1 == chunks.len();
        let damaged = |what| InterchangeError::Damaged { place: Place::Path(chunk_path(number)), what };
        let context = context(&header.id, &record, field(is_last), number as u64);
        let plain = open_chunk(key, &context, chunk).ok_or_else(|| damaged("does not open"))?;
        let is_fitting = if is_last { number == 0 || !plain.is_empty() } else { plain.len() == PLAIN_LEN };
        if !is_fitting {
            return Err(damaged("is shorter than it may be"));
        }
        let mut rest = plain.as_slice();
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            if begun.is_empty() {
                each(line)?;
            } else {
                extend(&mut begun, line);
                each(&std::mem::take(&mut begun))?;
            }
            rest = &behind[1..];
        }
        extend(&mut begun, rest);
        if is_last && !begun.is_empty() {
            return Err(damaged("ends within a secret"));
        }
    }
    Ok(())
}

fn open_chunk(key: &Key, context: &Context<'_>, chunk: &str) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = BASE64.decode(chunk.as_bytes()).ok()?;
    let (head, body) = sealed.split_first_chunk::<HEAD_LEN>()?;
    open(key, context, Padding::Value, head, body.to_vec()).ok()
}

/// Appends to a buffer that grows by moving, so that what it leaves behind is wiped.
fn extend(buffer: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    let length = buffer.len() + bytes.len();
    if length > buffer.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.max(2 * buffer.capacity())));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(bytes);
}
