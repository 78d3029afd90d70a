//! Files in the age format (C2SP, `age-encryption.org/v1`), for other people's keys or under a passphrase.
//!
//! What an age file of ours holds is a document of [`crate::subrosa::write_plain`]. What another holds may be any format:
//! [`open`] gives the bytes, and [`crate::detect`] says what they are. An age file within an age file is refused.

#[cfg(test)]
mod hostile;
mod key_file;
mod recipients;

use std::borrow::Cow;
use std::io::{self, Cursor, Read as _, Write};

use ::age::armor::{self, ArmoredReader, ArmoredWriter};
use ::age::secrecy::SecretString;
use ::age::{DecryptError, Decryptor, Encryptor, scrypt};
use subrosa_secret::SecretValue;
use subrosa_vault::KdfError;
use zeroize::Zeroizing;

use crate::text::check_len;
use crate::{InterchangeError, MAX_FILE_LEN, Outgoing, Place};

pub use key_file::{Identities, KeyFile, LockedKeyFile, MAX_KEY_FILE_LEN};
pub use recipients::Recipients;

/// The work that a new passphrase costs: scrypt with N = 2^18, which is what age itself takes. 256 MiB.
const WORK: u8 = 18;
/// The most work that is done for a file: N = 2^20, which takes 1 GiB.
pub const MAX_WORK: u8 = 20;
/// The longest header of a file that is read, in bytes: 64 KiB, some hundred recipients.
const MAX_HEADER_LEN: usize = 64 << 10;
const MAGIC: &[u8] = b"age-encryption.org/";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Bytes.
    Binary,
    /// Lines of base64 between markers.
    Armored,
}

/// What opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// A passphrase.
    Passphrase,
    /// The key of one of its recipients.
    Recipients,
}

/// A key to try.
pub enum Key<'a> {
    /// The passphrase of the file, byte for byte as it was typed: age normalises nothing.
    Passphrase(&'a SecretValue),
    /// Keys of recipients.
    Identities(&'a Identities),
}

/// Seals a file for recipients. Writing it fails where it is longer than a file may be.
///
/// # Errors
/// [`InterchangeError::NoRecipients`].
pub fn seal<'a>(
    plain: Outgoing<'a>,
    recipients: &Recipients,
    form: Form,
) -> Result<Outgoing<'a>, InterchangeError> {
    let encryptor = Encryptor::with_recipients(recipients.iter());
    Ok(sealed(encryptor.map_err(|_| InterchangeError::NoRecipients)?, plain, form))
}

/// Seals a file under a passphrase. Takes about a second and 256 MiB.
///
/// # Errors
/// [`InterchangeError::PassphraseTooShort`], and a passphrase that is no text.
pub fn seal_with_passphrase<'a>(
    plain: Outgoing<'a>,
    passphrase: &SecretValue,
    form: Form,
) -> Result<Outgoing<'a>, InterchangeError> {
    crate::subrosa::check_passphrase(&subrosa_vault::Passphrase::new(passphrase.expose_secret())?)?;
    let mut recipient = scrypt::Recipient::new(text_of(passphrase)?);
    recipient.set_work_factor(WORK);
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn ::age::Recipient))
        .expect("one recipient is enough");
    Ok(sealed(encryptor, plain, form))
}

fn sealed(encryptor: Encryptor, mut plain: Outgoing<'_>, form: Form) -> Outgoing<'_> {
    let form = match form {
        Form::Binary => armor::Format::Binary,
        Form::Armored => armor::Format::AsciiArmor,
    };
    Outgoing::new(std::mem::take(&mut plain.notices), move |out| {
        let out = Limited { out, left: MAX_FILE_LEN };
        let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(out, form)?)?;
        plain.write_to(&mut writer)?;
        writer.finish()?.finish().map(drop)
    })
}

/// Refuses to write what would not be read: only age knows how long it is going to be.
struct Limited<'a> {
    out: &'a mut dyn Write,
    left: usize,
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len()) {
            Some(left) => self.left = left,
            None => {
                let len = (MAX_FILE_LEN - self.left + bytes.len()) as u64;
                return Err(io::Error::other(InterchangeError::TooLong { len }));
            }
        }
        self.out.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file whose header was read. Nothing was tried on it.
pub struct File<'a> {
    decryptor: Decryptor<Cursor<Cow<'a, [u8]>>>,
    len: usize,
}

impl<'a> File<'a> {
    /// Reads the header of a file, binary or armored.
    ///
    /// # Errors
    /// [`InterchangeError`]: too long, no age file, or one of a newer version.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, InterchangeError> {
        check_len(bytes)?;
        let trimmed = bytes.trim_ascii_start();
        let bytes = match trimmed.starts_with(ARMOR) {
            true => Cow::Owned(dearmored(trimmed)?),
            false => Cow::Borrowed(bytes),
        };
        check_header(&bytes)?;
        let len = bytes.len();
        let decryptor = Decryptor::new_buffered(Cursor::new(bytes)).map_err(|error| match error {
            DecryptError::UnknownFormat => newer(),
            _ => malformed("its header is not that of an age file"),
        })?;
        Ok(Self { decryptor, len })
    }

    /// What opens it.
    #[must_use]
    pub fn lock(&self) -> Lock {
        if self.decryptor.is_scrypt() { Lock::Passphrase } else { Lock::Recipients }
    }

    /// What is in it, after all of it has been verified.
    ///
    /// # Errors
    /// [`InterchangeError`]: a wrong key, more work than [`MAX_WORK`], damage, or an age file within.
    pub fn open(self, key: &Key<'_>) -> Result<Zeroizing<Vec<u8>>, InterchangeError> {
        let with_passphrase = matches!(key, Key::Passphrase(_));
        let opened = match key {
            Key::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(text_of(passphrase)?);
                identity.set_max_work_factor(MAX_WORK);
                self.decryptor.decrypt(std::iter::once(&identity as &dyn ::age::Identity))
            }
            Key::Identities(identities) => self.decryptor.decrypt(identities.iter()),
        };
        let mut reader = opened.map_err(|error| refused(&error, with_passphrase))?;
        // more than it will take, so that it does not grow: growing would leave copies behind
        let mut plain = Zeroizing::new(Vec::with_capacity(self.len));
        reader.read_to_end(&mut plain).map_err(|_| damaged("does not open to its end"))?;
        if is_age(&plain) {
            return Err(InterchangeError::Unsupported { what: "an age file within an age file" });
        }
        Ok(plain)
    }
}

/// Opens a file with a key: [`File::parse`] and [`File::open`].
///
/// # Errors
/// Those of both.
pub fn open(bytes: &[u8], key: &Key<'_>) -> Result<Zeroizing<Vec<u8>>, InterchangeError> {
    File::parse(bytes)?.open(key)
}

/// Whether these bytes begin as an age file does.
pub(crate) fn is_age(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.trim_ascii_start().starts_with(ARMOR)
}

fn dearmored(armored: &[u8]) -> Result<Vec<u8>, InterchangeError> {
    let mut bytes = Vec::with_capacity(armored.len() / 4 * 3 + 64);
    ArmoredReader::new(armored)
        .read_to_end(&mut bytes)
        .map_err(|_| malformed("its armor is not lines of base64 between two markers"))?;
    Ok(bytes)
}

/// Refuses a header without end before it is parsed line by line.
fn check_header(bytes: &[u8]) -> Result<(), InterchangeError> {
    let first = &bytes[..bytes.len().min(MAX_HEADER_LEN)];
    match () {
        () if !first.starts_with(MAGIC) => Err(malformed("it is no age file")),
        () if !first.starts_with(b"age-encryption.org/v1\n") => Err(newer()),
        () if memchr::memmem::find(first, b"\n---").is_none() => {
            Err(malformed("its header does not end within 64 KiB"))
        }
        () => Ok(()),
    }
}

/// Why a file did not open, in terms of what was tried on it.
fn refused(error: &DecryptError, with_passphrase: bool) -> InterchangeError {
    match error {
        DecryptError::ExcessiveWork { required, .. } => InterchangeError::TooMuchWork { required: *required },
        DecryptError::DecryptionFailed | DecryptError::NoMatchingKeys if with_passphrase => {
            InterchangeError::DoesNotOpen
        }
        DecryptError::NoMatchingKeys => InterchangeError::NoKeyFits,
        DecryptError::DecryptionFailed | DecryptError::InvalidMac => {
            damaged("has another header than was written")
        }
        DecryptError::UnknownFormat => newer(),
        _ => malformed("its header is not that of an age file"),
    }
}

/// Secrets of age are text.
pub(crate) fn text_of(secret: &SecretValue) -> Result<SecretString, InterchangeError> {
    let text = str::from_utf8(secret.expose_secret()).map_err(|_| KdfError::NotText)?;
    Ok(SecretString::from(text.to_owned()))
}

fn malformed(what: &str) -> InterchangeError {
    InterchangeError::Malformed { place: Place::File, what: what.to_owned() }
}

fn damaged(what: &'static str) -> InterchangeError {
    InterchangeError::Damaged { place: Place::File, what }
}

fn newer() -> InterchangeError {
    InterchangeError::NeedsNewer { place: Place::File, what: "its version of the age format" }
}
