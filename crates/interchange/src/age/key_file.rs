//! Files of keys that open age files: age's own, also under a passphrase, and private keys of ssh.

use std::io::BufReader;

use ::age::{DecryptError, Identity, IdentityFile, ssh};
use subrosa_secret::SecretValue;

use super::{Key, Lock, open, text_of};
use crate::{InterchangeError, Place};

/// The longest file of keys that is read, in bytes: 1 MiB.
pub const MAX_KEY_FILE_LEN: usize = 1 << 20;

/// Secret keys, ready to be tried. They cannot be shown or compared.
#[derive(Default)]
pub struct Identities(Vec<Box<dyn Identity + Send + Sync>>);

impl Identities {
    /// Adds others.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &dyn Identity> {
        self.0.iter().map(|identity| identity.as_ref() as &dyn Identity)
    }

    fn of(identity: impl Identity + Send + Sync + 'static) -> Self {
        Self(vec![Box::new(identity)])
    }
}

/// A file of keys as it was read.
pub enum KeyFile {
    /// Its keys can be tried.
    Ready(Identities),
    /// It has a passphrase of its own.
    Locked(LockedKeyFile),
}

/// A file of keys that opens with its passphrase.
pub struct LockedKeyFile(Locked);

enum Locked {
    Age(Vec<u8>),
    Ssh(Box<ssh::EncryptedKey>),
}

impl KeyFile {
    /// Reads a file of keys: lines with `AGE-SECRET-KEY-1…`, an age file with such lines under a passphrase, or a private
    /// key of ssh of the types ed25519 and RSA.
    ///
    /// # Errors
    /// [`InterchangeError`] that quotes nothing of it.
    pub fn read(bytes: &[u8]) -> Result<Self, InterchangeError> {
        if bytes.len() > MAX_KEY_FILE_LEN {
            return Err(malformed("a file of keys has at most 1 MiB"));
        }
        let trimmed = bytes.trim_ascii_start();
        if super::is_age(trimmed) {
            return match super::File::parse(trimmed)?.lock() {
                Lock::Passphrase => Ok(Self::Locked(LockedKeyFile(Locked::Age(trimmed.to_vec())))),
                Lock::Recipients => Err(malformed("a file of keys can be sealed under a passphrase only")),
            };
        }
        if trimmed.starts_with(b"-----BEGIN ") {
            return ssh_key(trimmed);
        }
        age_keys(trimmed).map(Self::Ready)
    }
}

impl LockedKeyFile {
    /// Opens it with its passphrase.
    ///
    /// # Errors
    /// [`InterchangeError::DoesNotOpen`], [`InterchangeError::TooMuchWork`].
    pub fn unlock(&self, passphrase: &SecretValue) -> Result<Identities, InterchangeError> {
        match &self.0 {
            Locked::Age(file) => age_keys(&open(file, &Key::Passphrase(passphrase))?),
            Locked::Ssh(key) => match key.decrypt(text_of(passphrase)?) {
                Ok(key) => Ok(Identities::of(ssh::Identity::from(key))),
                Err(DecryptError::KeyDecryptionFailed) => Err(InterchangeError::DoesNotOpen),
                Err(_) => Err(malformed("this private key cannot be read")),
            },
        }
    }
}

fn age_keys(text: &[u8]) -> Result<Identities, InterchangeError> {
    let file = IdentityFile::from_buffer(text).map_err(|_| {
        malformed("this is no file of keys: lines with AGE-SECRET-KEY-1…, or a private key of ssh")
    })?;
    let identities = file.into_identities().map_err(|_| malformed("its keys cannot be used"))?;
    match identities.is_empty() {
        true => Err(malformed("there is no key in it")),
        false => Ok(Identities(identities)),
    }
}

fn ssh_key(text: &[u8]) -> Result<KeyFile, InterchangeError> {
    match ssh::Identity::from_buffer(BufReader::new(text), None) {
        Ok(ssh::Identity::Encrypted(key)) => Ok(KeyFile::Locked(LockedKeyFile(Locked::Ssh(Box::new(key))))),
        Ok(ssh::Identity::Unsupported(_)) => {
            Err(malformed("private keys of this kind are not used; there are ssh-ed25519 and ssh-rsa"))
        }
        Ok(key) => Ok(KeyFile::Ready(Identities::of(key))),
        Err(_) => Err(malformed("this is no private key of ssh")),
    }
}

fn malformed(what: &str) -> InterchangeError {
    InterchangeError::Malformed { place: Place::File, what: what.to_owned() }
}
