//! Public keys that a server must have (`--pinnedpubkey`), whoever vouches for it.
//!
//! A pin only adds to what is demanded of a server: it is no reason to trust one, and with `-k` it is all that is
//! left, which is why the server has to prove then, too, that the key is its own.

use std::fmt;
use std::fs;
use std::path::Path;

use data_encoding::BASE64;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use x509_cert::der::Decode;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::error::HttpError;

const PREFIX: &str = "sha256//";
/// curl's limit for the file of a key.
const MAX_FILE: u64 = 1 << 20;

/// The SHA-256 of a public key with its algorithm (RFC 5280, SubjectPublicKeyInfo).
#[derive(Clone, PartialEq, Eq)]
pub struct Pin([u8; 32]);

impl Pin {
    /// Reads the text of `--pinnedpubkey`: `sha256//BASE64` and more of them behind `;`, or the name of a file with one
    /// public key in PEM or DER.
    ///
    /// # Errors
    /// `PinMalformed` for hashes that are none and for a file that cannot be read or holds no public key.
    pub fn parse(text: &str) -> Result<Vec<Self>, HttpError> {
        if !text.starts_with(PREFIX) {
            return Self::of_file(Path::new(text)).map(|pin| vec![pin]);
        }
        let malformed = || HttpError::PinMalformed {
            why: "the hash of a key is sha256// and 44 characters of Base64".to_owned(),
        };
        text.split(';')
            .map(|one| {
                let digits = one.strip_prefix(PREFIX).ok_or_else(malformed)?;
                let bytes = BASE64.decode(digits.as_bytes()).map_err(|_| malformed())?;
                bytes.try_into().map(Self).map_err(|_| malformed())
            })
            .collect()
    }

    fn of_file(path: &Path) -> Result<Self, HttpError> {
        let failed = |why: String| HttpError::PinMalformed { why: format!("{}: {why}", path.display()) };
        let size = fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
        if size > MAX_FILE {
            return Err(failed("it is longer than 1 MiB".to_owned()));
        }
        let bytes = fs::read(path).map_err(|error| failed(error.to_string()))?;
        let key = match SubjectPublicKeyInfoDer::from_pem_slice(&bytes) {
            Ok(key) => key.to_vec(),
            Err(_) => bytes,
        };
        SubjectPublicKeyInfoRef::from_der(&key)
            .map_err(|_| failed("it holds no public key in PEM or DER".to_owned()))?;
        Ok(Self::of(&key))
    }

    /// That of a key in DER.
    pub(crate) fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An Ed25519 key: RFC 8410, section 10.1.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    const HASH: &str = "sha256//HashOfTheKey";

    #[test]
    fn hashes_stand_in_a_list() {
        let one = format!("{PREFIX}{}", BASE64.encode(&[1; 32]));
        let two = format!("{PREFIX}{}", BASE64.encode(&[2; 32]));
        assert_eq!(Pin::parse(&one).unwrap(), [Pin([1; 32])]);
        assert_eq!(Pin::parse(&format!("{one};{two}")).unwrap(), [Pin([1; 32]), Pin([2; 32])]);
        for wrong in
            [PREFIX, HASH, &format!("{one};"), &format!("{one};{}", &two[8..]), &format!("{one}, {two}")]
        {
            assert_eq!(Pin::parse(wrong).unwrap_err().kind(), "pin_malformed", "{wrong}");
        }
    }

    #[test]
    fn a_file_holds_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let der = SubjectPublicKeyInfoDer::from_pem_slice(PEM.as_bytes()).unwrap().to_vec();
        let pin = Pin::parse(&file("key.pem", PEM.as_bytes())).unwrap();
        assert_eq!(pin, Pin::parse(&file("key.der", &der)).unwrap());
        assert_eq!(pin, [Pin::of(&der)]);
        assert_eq!(Pin::parse(&format!("{:?}", pin[0])).unwrap(), pin);
        for wrong in [file("empty", b""), file("text", b"sha256"), file("more", &[&der[..], &[0]].concat())] {
            assert_eq!(Pin::parse(&wrong).unwrap_err().kind(), "pin_malformed", "{wrong}");
        }
        assert!(Pin::parse("no such file").is_err());
    }
}
