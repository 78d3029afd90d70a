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

use std::io::{self, Write};

use subrosa_vault::{Kdf, KdfParams, Passphrase, VaultId};

use crate::outgoing::Length;
use crate::{Contents, InterchangeError, Items, MAX_FILE_LEN, MAX_ITEMS, Notice, Notices, Outgoing, Place};
use header::Header;
use payload::Sealer;

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
pub fn seal<'a>(
    items: &'a Items,
    passphrase: &Passphrase,
    params: KdfParams,
) -> Result<Outgoing<'a>, InterchangeError> {
    check_passphrase(passphrase)?;
    if params.is_weak() {
        return Err(InterchangeError::WeakKdf);
    }
    seal_with(items, passphrase, Kdf::generate(params)?)
}

fn seal_with<'a>(
    items: &'a Items,
    passphrase: &Passphrase,
    kdf: Kdf,
) -> Result<Outgoing<'a>, InterchangeError> {
    seal_items(items, kdf, &Key::derive(&kdf, passphrase)?)
}

pub(crate) fn seal_items<'a>(
    items: &'a Items,
    kdf: Kdf,
    key: &Key,
) -> Result<Outgoing<'a>, InterchangeError> {
    secret::check_links(items)?;
    check_size(items, payload::text_len, |out| write_lines(items, out))?;
    seal_lines(kdf, key, |out| write_lines(items, out))
}

/// The document around lines.
pub(crate) fn seal_lines<'a>(
    kdf: Kdf,
    key: &Key,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + 'a,
) -> Result<Outgoing<'a>, InterchangeError> {
    let (id, file) = (VaultId::random()?, Key::generate()?);
    let wrapped = payload::wrap(key, &file, &id, &Header::slot(&kdf))?;
    let header = Header { id, kdf, wrapped: wrapped.try_into().expect("a head and a key") };
    Ok(Outgoing::new(Notices::default(), move |out| {
        out.write_all(header.to_text().as_bytes())?;
        let record = header.encode();
        let mut sealer = Sealer::new(&file, &id, &record, out);
        write(&mut sealer)?;
        sealer.finish()?;
        out.write_all(TAIL.as_bytes())
    }))
}

/// One secret to a line.
fn write_lines(items: &Items, mut out: &mut dyn Write) -> io::Result<()> {
    for item in items.iter() {
        secret::write(&item, &mut out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
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
        payload::lines(&file, &self.header, &self.chunks, |line| match contents.items.len() {
            MAX_ITEMS => Err(InterchangeError::TooMany),
            number => secret::read(line, Place::Secret(number), &mut contents),
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

/// Refuses to write what would not be read. `file_len` gives the length of a file with so many bytes of text in it.
fn check_size(
    items: &Items,
    file_len: impl Fn(usize) -> usize,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), InterchangeError> {
    // what stands around the text
    const FRAME_LEN: usize = 4096;
    if items.len() > MAX_ITEMS {
        return Err(InterchangeError::TooMany);
    }
    if file_len(items.text_len()) + FRAME_LEN <= MAX_FILE_LEN {
        return Ok(());
    }
    let mut length = Length::default();
    write(&mut length).expect("counting does not fail");
    match file_len(length.0) + FRAME_LEN {
        len if len > MAX_FILE_LEN => Err(InterchangeError::TooLong { len: len as u64 }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::scratch::{PASSPHRASE, cheap, item, items, passphrase, sealed, told, told_of};
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_all_that_is_told() {
        let (items, passphrase) = (items(), passphrase(PASSPHRASE));
        let packed = Items::of(&items).expect("few");
        let file =
            seal(&packed, &passphrase, KdfParams::MINIMUM).expect("sealed").to_bytes().expect("written");
        assert_eq!(crate::detect(&file, None).expect("recognised"), crate::Format::Subrosa);
        let export = Export::parse(&file).expect("an export");
        assert_eq!(export.params(), KdfParams::MINIMUM);
        let contents = export.open(&passphrase).expect("opens");
        assert_eq!(told_of(&contents), told(&items));
        assert!(contents.notices.is_empty());
        assert_eq!(contents.items.get(1).place, Place::Secret(1));
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
        let [one, other] = [(); 2].map(|()| sealed(&items()));
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
        let error =
            seal(&Items::default(), &passphrase("hunter2"), KdfParams::MINIMUM).err().expect("refused");
        assert_eq!(error.kind(), "passphrase_too_short");
    }

    #[test]
    fn weak_parameters_are_read_with_a_notice_and_not_written() {
        let contents = open(&sealed(&items()), &passphrase(PASSPHRASE)).expect("opens");
        assert!(contents.notices[0].text.contains("19 MiB"), "{:?}", contents.notices);
        let error =
            seal(&Items::default(), &passphrase(PASSPHRASE), cheap().params()).err().expect("refused");
        assert_eq!(error.kind(), "kdf_weak");
    }
}
