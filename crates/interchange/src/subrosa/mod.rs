//! subrosa's own files: exports under a passphrase, and the same in plain text (`docs/spec/export-format.md`).
//!
//! Section numbers in comments are those of that document.

mod header;
#[cfg(test)]
mod hostile;
mod json;
mod payload;
mod plain;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod scratch;
mod secret;

use subrosa_vault::{Kdf, KdfParams, Passphrase, VaultId};

use crate::{Contents, InterchangeError, Item, MAX_FILE_LEN, MAX_ITEMS, Notice, Place};
use header::Header;
use payload::Sealer;
use plain::Length;

pub(crate) use payload::Key;
pub use plain::{read_plain, write_plain};

/// The fewest characters of a passphrase for a new export, counted in Unicode NFC.
pub const MIN_PASSPHRASE: usize = 12;

const TAIL: &str = "\n ]\n}\n";

/// Whether a passphrase is long enough for a new export. How strong it is, is for the caller to show.
///
/// # Errors
/// [`InterchangeError::PassphraseTooShort`] below [`MIN_PASSPHRASE`] characters.
pub fn check_passphrase(passphrase: &Passphrase) -> Result<(), InterchangeError> {
    match passphrase.characters() {
        characters if characters < MIN_PASSPHRASE => Err(InterchangeError::PassphraseTooShort { characters }),
        _ => Ok(()),
    }
}

/// Seals secrets under a passphrase. What the items propose is not written. Takes as long as `params` say.
///
/// # Errors
/// [`InterchangeError`]: a short passphrase, parameters below [`KdfParams::MINIMUM`], more secrets or bytes than a file may
/// have, a link that no file could have, no memory, no random bytes.
pub fn seal(items: &[Item], passphrase: &Passphrase, params: KdfParams) -> Result<Vec<u8>, InterchangeError> {
    check_passphrase(passphrase)?;
    if params.is_weak() {
        return Err(InterchangeError::WeakKdf);
    }
    seal_with(items, passphrase, Kdf::generate(params)?)
}

fn seal_with(items: &[Item], passphrase: &Passphrase, kdf: Kdf) -> Result<Vec<u8>, InterchangeError> {
    seal_items(items, kdf, &Key::derive(&kdf, passphrase)?)
}

pub(crate) fn seal_items(items: &[Item], kdf: Kdf, key: &Key) -> Result<Vec<u8>, InterchangeError> {
    secret::check_links(items)?;
    let mut length = Length(0);
    write_lines(items, &mut length).expect("counting does not fail");
    check_size(items.len(), payload::text_len(length.0))?;
    seal_lines(kdf, key, length.0, |out| write_lines(items, out))
}

/// The document around `length` bytes of lines.
pub(crate) fn seal_lines(
    kdf: Kdf,
    key: &Key,
    length: usize,
    write: impl FnOnce(&mut Sealer<'_>) -> std::io::Result<()>,
) -> Result<Vec<u8>, InterchangeError> {
    let (id, file) = (VaultId::random()?, Key::generate()?);
    let wrapped = payload::wrap(key, &file, &id, &Header::slot(&kdf))?;
    let header = Header { id, kdf, wrapped: wrapped.try_into().expect("a head and a key") };
    let text = header.to_text();
    let size = text.len() + payload::text_len(length) + TAIL.len();
    check_size(0, size)?;
    // room for all of it: growing would take as much again
    let mut out = String::with_capacity(size);
    out.push_str(&text);
    let record = header.encode();
    let mut sealer = Sealer::new(&file, &id, &record, &mut out);
    write(&mut sealer).map_err(random_failed)?;
    sealer.finish()?;
    out.push_str(TAIL);
    Ok(out.into_bytes())
}

/// One secret to a line.
fn write_lines(items: &[Item], mut out: impl std::io::Write) -> std::io::Result<()> {
    for item in items {
        secret::write(item, &mut out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Nothing else can fail where a payload is written into memory.
fn random_failed(error: std::io::Error) -> InterchangeError {
    let random = error.into_inner().and_then(|inner| inner.downcast::<getrandom::Error>().ok());
    InterchangeError::Random(random.map_or(getrandom::Error::UNEXPECTED, |error| *error))
}

/// An export that was judged as far as it can be without its passphrase.
pub struct Export<'a> {
    header: Header,
    chunks: Vec<&'a str>,
}

impl<'a> Export<'a> {
    /// Judges what is in clear. Costs one look at each byte, and no memory to speak of: what is no export is refused before
    /// anybody is asked for a passphrase.
    ///
    /// # Errors
    /// [`InterchangeError`]: not of this format, of a newer version, or with parameters outside of what is accepted.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, InterchangeError> {
        let (header, chunks) = header::read(bytes)?;
        Ok(Self { header, chunks })
    }

    /// What the key derivation costs.
    #[must_use]
    pub fn params(&self) -> KdfParams {
        self.header.kdf.params()
    }

    /// Opens it. Nothing is given out before the last chunk has opened.
    ///
    /// # Errors
    /// [`InterchangeError::DoesNotOpen`] with another passphrase or where what wraps the file key is damaged;
    /// [`InterchangeError::Damaged`] where a chunk is missing, doubled, moved or changed.
    pub fn open(&self, passphrase: &Passphrase) -> Result<Contents, InterchangeError> {
        self.open_with(&Key::derive(&self.header.kdf, passphrase)?)
    }

    pub(crate) fn open_with(&self, key: &Key) -> Result<Contents, InterchangeError> {
        let file = payload::unwrap(key, &self.header).map_err(|_| InterchangeError::DoesNotOpen)?;
        let mut contents = Contents::default();
        payload::lines(&file, &self.header, &self.chunks, |line| {
            let number = contents.items.len();
            match number {
                MAX_ITEMS => Err(InterchangeError::TooMany),
                _ => secret::read(line, secret::place(number), &mut contents),
            }
        })?;
        secret::check_names(&contents)?;
        if self.params().is_weak() {
            let text = format!("its passphrase is worth less than it should be: {}", self.params());
            contents.notices.push(Notice { place: Place::File, text });
        }
        Ok(contents)
    }
}

/// Opens an export with its passphrase: [`Export::parse`] and [`Export::open`].
///
/// # Errors
/// Those of both.
pub fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<Contents, InterchangeError> {
    Export::parse(bytes)?.open(passphrase)
}

/// Refuses to write what would not be read.
fn check_size(secrets: usize, bytes: usize) -> Result<(), InterchangeError> {
    match () {
        () if secrets > MAX_ITEMS => Err(InterchangeError::TooMany),
        () if bytes > MAX_FILE_LEN => Err(InterchangeError::TooLong { len: bytes as u64 }),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::scratch::{PASSPHRASE, cheap, item, items, passphrase, sealed, told, told_of};
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_all_that_is_told() {
        let (items, passphrase) = (items(), passphrase(PASSPHRASE));
        let file = seal(&items, &passphrase, KdfParams::MINIMUM).expect("sealed");
        assert_eq!(crate::detect(&file, None).expect("recognised"), crate::Format::Subrosa);
        let export = Export::parse(&file).expect("an export");
        assert_eq!(export.params(), KdfParams::MINIMUM);
        let contents = export.open(&passphrase).expect("opens");
        assert_eq!(told_of(&contents), told(&items));
        assert!(contents.notices.is_empty());
        assert_eq!(contents.items[1].place, Place::Path("secrets[1]".to_owned()));
    }

    #[test]
    fn nothing_in_it_can_be_read() {
        let file = String::from_utf8(sealed(&items())).expect("text");
        for word in ["stripe", "example.com", "payments", "made-up", "1700000000"] {
            assert!(!file.contains(word), "{word}");
        }
    }

    #[test]
    fn two_exports_of_the_same_have_nothing_in_common() {
        let [one, other] =
            [(); 2].map(|()| seal_with(&items(), &passphrase(PASSPHRASE), cheap()).expect("sealed"));
        let parts = |file: &[u8]| {
            let (header, chunks) = header::read(file).expect("an export");
            (header.id, header.wrapped, chunks[0].to_owned())
        };
        let (one, other) = (parts(&one), parts(&other));
        assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2);
    }

    #[test]
    fn sizes_around_a_chunk_come_back() {
        for length in [0, 1, 65_000, 65_420, 65_460, 65_531, 65_532, 65_533, 131_064, 1 << 20] {
            let items = [item("large", &vec![b'x'; length])];
            let file = sealed(&items);
            let contents = open(&file, &passphrase(PASSPHRASE)).expect("opens");
            assert_eq!(told_of(&contents), told(&items), "{length}");
        }
        let none = open(&sealed(&[]), &passphrase(PASSPHRASE)).expect("opens");
        assert!(none.items.is_empty());
    }

    #[test]
    fn passphrases_are_counted_in_characters_of_nfc() {
        let short = |text: &str| match check_passphrase(&passphrase(text)) {
            Err(InterchangeError::PassphraseTooShort { characters }) => Some(characters),
            _ => None,
        };
        assert_eq!(short("hunter2"), Some(7));
        assert_eq!(short(&"e\u{301}".repeat(11)), Some(11));
        assert_eq!(short(&"\u{e9}".repeat(12)), None);
        let error = seal(&[], &passphrase("hunter2"), KdfParams::MINIMUM).expect_err("refused");
        assert_eq!(error.kind(), "passphrase_too_short");
    }

    #[test]
    fn weak_parameters_are_read_with_a_notice_and_not_written() {
        let contents = open(&sealed(&items()), &passphrase(PASSPHRASE)).expect("opens");
        assert!(contents.notices[0].text.contains("19 MiB"), "{:?}", contents.notices);
        let error = seal(&[], &passphrase(PASSPHRASE), cheap().params()).expect_err("refused");
        assert_eq!(error.kind(), "kdf_weak");
    }
}
