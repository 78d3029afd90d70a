//! Client certificates with their keys, in the forms in which people have them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use p12_keystore::error::Error as Pkcs12Error;
use p12_keystore::{KeyStore, Pkcs12Archive, Pkcs12ImportPolicy};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::certificate::{self, CertificateFacts};
use crate::error::HttpError;

/// How a certificate or a key is written (`--cert-type`, `--key-type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CertificateForm {
    /// PEM (RFC 7468): text, with any number of certificates and keys.
    #[default]
    Pem,
    /// One certificate, or one key, in DER.
    Der,
    /// PKCS #12 (RFC 7292), also called PFX: certificates and a key in one encrypted file.
    Pkcs12,
}

/// A client certificate with its chain and its key, which are known to belong together.
#[derive(Clone)]
pub struct Identity {
    pub(crate) certified: Arc<CertifiedKey>,
}

/// What an [`Identity`] is made of, in the one form in which it can be kept: DER, the key decrypted.
#[non_exhaustive]
pub struct IdentityParts {
    /// The certificate, then what vouches for it, as far as it was given.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key: PKCS #8, SEC 1 or PKCS #1.
    pub key: Zeroizing<Vec<u8>>,
}

/// The texts of an [`Identity`], each in its form.
#[derive(Clone, Copy)]
pub struct IdentitySource<'a> {
    /// The certificate, with its chain or without.
    pub certificate: &'a [u8],
    /// How it is written.
    pub form: CertificateForm,
    /// The key, where it stands elsewhere.
    pub key: Option<(&'a [u8], CertificateForm)>,
    /// What opens the key, if it is encrypted.
    pub passphrase: Option<&'a SecretValue>,
}

impl CertificateForm {
    /// Reads the word of `--cert-type` and `--key-type`, in any case.
    ///
    /// # Errors
    /// `OptionMalformed` for a word that is none of these; curl's `ENG` (a key inside of a device) is one.
    pub fn parse(option: &'static str, word: &str) -> Result<Self, HttpError> {
        match word.to_ascii_uppercase().as_str() {
            "PEM" => Ok(Self::Pem),
            "DER" => Ok(Self::Der),
            "P12" => Ok(Self::Pkcs12),
            _ => Err(HttpError::OptionMalformed { option, why: "expected PEM, DER or P12" }),
        }
    }

    /// What a file most likely is: PEM if it says so, else PKCS #12.
    ///
    /// A certificate in DER holds no key, so that nobody has it alone and means it.
    #[must_use]
    pub fn guess(bytes: &[u8]) -> Self {
        if find(bytes, b"-----BEGIN ").is_some() { Self::Pem } else { Self::Pkcs12 }
    }

    /// What a file is that may be any of them, a certificate or a key in DER among them.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let is_key = match PrivateKeyDer::try_from(bytes) {
            // told by so little that PKCS #12 looks the same
            Ok(PrivateKeyDer::Pkcs8(_)) => PrivateKeyInfoRef::try_from(bytes).is_ok(),
            Ok(_) => true,
            Err(_) => EncryptedPrivateKeyInfoRef::try_from(bytes).is_ok(),
        };
        let is_der = is_key || certificate::facts(bytes).is_some();
        if is_der { Self::Der } else { Self::guess(bytes) }
    }
}

impl Identity {
    /// Reads certificate and key, decrypts the key where it has to, and checks that they belong together.
    ///
    /// Encrypted keys are PKCS #8 (RFC 5958) under PBES2 (RFC 8018), and all that PKCS #12 has but RC2 with 128 bits.
    ///
    /// # Errors
    /// `PassphraseMissing` and `PassphraseWrong` for a key that is encrypted; `ClientCertificate` when one of the two
    /// is missing, not valid, or not the other's.
    pub fn read(source: &IdentitySource<'_>) -> Result<Self, HttpError> {
        let (chain, key) = read(source)?;
        Self::of(chain, key)
    }

    /// The same, to be kept: what is read here makes an identity again without a passphrase.
    ///
    /// # Errors
    /// Those of [`Identity::read`].
    pub fn read_parts(source: &IdentitySource<'_>) -> Result<IdentityParts, HttpError> {
        let (chain, key) = read(source)?;
        let parts = IdentityParts { chain: chain.clone(), key: Zeroizing::new(key.secret_der().to_vec()) };
        Self::of(chain, key).map(|_| parts)
    }

    /// From what [`Identity::read_parts`] gave.
    ///
    /// # Errors
    /// `ClientCertificate` when one of the two is not valid, or not the other's.
    pub fn from_parts(chain: Vec<CertificateDer<'static>>, key: &[u8]) -> Result<Self, HttpError> {
        let key = PrivateKeyDer::try_from(key).map_err(|_| failed("it comes without a usable key"))?;
        Self::of(chain, key.clone_key())
    }

    /// From PEM texts; `key` may be the same text as `certificate`.
    ///
    /// # Errors
    /// Those of [`Identity::read`].
    pub fn from_pem(
        certificate: &[u8],
        key: &[u8],
        passphrase: Option<&SecretValue>,
    ) -> Result<Self, HttpError> {
        let form = CertificateForm::Pem;
        Self::read(&IdentitySource { certificate, form, key: Some((key, form)), passphrase })
    }

    /// From a PKCS #12 file. Without a passphrase the empty one is tried, which many such files have.
    ///
    /// # Errors
    /// Those of [`Identity::read`].
    pub fn from_pkcs12(file: &[u8], passphrase: Option<&SecretValue>) -> Result<Self, HttpError> {
        let form = CertificateForm::Pkcs12;
        Self::read(&IdentitySource { certificate: file, form, key: None, passphrase })
    }

    /// The certificate itself, as far as it can be read.
    #[must_use]
    pub fn facts(&self) -> Option<CertificateFacts> {
        certificate::facts(self.certified.end_entity_cert().ok()?)
    }

    fn of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, HttpError> {
        match CertifiedKey::from_der(chain, key, &ring::default_provider()) {
            Ok(certified) => Ok(Self { certified: Arc::new(certified) }),
            Err(rustls::Error::InconsistentKeys(_)) => Err(failed("the key is not that of the certificate")),
            Err(rustls::Error::InvalidCertificate(_)) => Err(failed("it cannot be read")),
            Err(_) => Err(failed("its key is of a kind that TLS cannot use")),
        }
    }
}

/// The bytes of a file of a certificate or a key.
///
/// # Errors
/// `ClientCertificate`, with the file's name.
pub fn read_identity_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, HttpError> {
    fs::read(path).map(Zeroizing::new).map_err(|error| HttpError::ClientCertificate {
        why: format!("cannot read {}: {error}", path.display()),
    })
}

/// The chain and the key, decrypted.
fn read(
    source: &IdentitySource<'_>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), HttpError> {
    let passphrase = source.passphrase;
    let (chain, mut key) = match source.form {
        CertificateForm::Pem => (pem_chain(source.certificate)?, None),
        CertificateForm::Der => (vec![CertificateDer::from(source.certificate.to_vec())], None),
        CertificateForm::Pkcs12 => {
            let (chain, key) = pkcs12(source.certificate, passphrase)?;
            (chain, Some(key))
        }
    };
    if let Some((bytes, form)) = source.key {
        key = Some(read_key(bytes, form, passphrase)?);
    }
    let key = match key {
        Some(key) => key,
        None => read_key(source.certificate, source.form, passphrase)?,
    };
    Ok((chain, key))
}

fn failed(why: &str) -> HttpError {
    HttpError::ClientCertificate { why: why.to_owned() }
}

fn pem_chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(failed("it holds no certificate")),
        Ok(chain) => Ok(chain),
        Err(_) => Err(failed("it is not valid PEM")),
    }
}

fn read_key(
    bytes: &[u8],
    form: CertificateForm,
    passphrase: Option<&SecretValue>,
) -> Result<PrivateKeyDer<'static>, HttpError> {
    match form {
        CertificateForm::Pem => pem_key(bytes, passphrase),
        CertificateForm::Der => der_key(bytes, passphrase),
        CertificateForm::Pkcs12 => pkcs12(bytes, passphrase).map(|(_, key)| key),
    }
}

fn pem_key(text: &[u8], passphrase: Option<&SecretValue>) -> Result<PrivateKeyDer<'static>, HttpError> {
    const BEGIN: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const END: &[u8] = b"-----END ENCRYPTED PRIVATE KEY-----";
    if let Some(start) = find(text, BEGIN) {
        let end = find(&text[start..], END).ok_or_else(|| failed("its key is not valid PEM"))?;
        let block = std::str::from_utf8(&text[start..start + end + END.len()]);
        let block = block.map_err(|_| failed("its key is not valid PEM"))?;
        let (_, document) =
            SecretDocument::from_pem(block).map_err(|_| failed("its key is not valid PEM"))?;
        return decrypt(document.as_bytes(), passphrase);
    }
    // RFC 1421's header, from before PKCS #8: the passphrase goes through MD5 once
    if find(text, b"Proc-Type: 4,ENCRYPTED").is_some() {
        return Err(HttpError::KeyFormOld);
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|_| failed("it comes without a usable key"))
}

fn der_key(bytes: &[u8], passphrase: Option<&SecretValue>) -> Result<PrivateKeyDer<'static>, HttpError> {
    if EncryptedPrivateKeyInfoRef::try_from(bytes).is_ok() {
        return decrypt(bytes, passphrase);
    }
    let key = PrivateKeyDer::try_from(bytes.to_vec());
    key.map_err(|_| failed("it comes without a usable key"))
}

fn decrypt(der: &[u8], passphrase: Option<&SecretValue>) -> Result<PrivateKeyDer<'static>, HttpError> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| failed("its key cannot be read"))?;
    let passphrase = passphrase.ok_or(HttpError::PassphraseMissing)?;
    match info.decrypt(passphrase.expose_secret()) {
        Ok(plain) => Ok(PrivatePkcs8KeyDer::from(plain.as_bytes().to_vec()).into()),
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed)) => {
            Err(HttpError::PassphraseWrong)
        }
        // a wrong passphrase whose last byte happened to look like padding
        Err(pkcs8::Error::Asn1(_)) => Err(HttpError::PassphraseWrong),
        Err(_) => Err(failed("its key is encrypted in a way that is not supported")),
    }
}

/// The chain, the certificate first, and the key of the first entry that has both.
fn pkcs12(
    file: &[u8],
    passphrase: Option<&SecretValue>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), HttpError> {
    let bytes = passphrase.map_or(&b""[..], SecretValue::expose_secret);
    let text = std::str::from_utf8(bytes).map_err(|_| HttpError::PassphraseWrong)?;
    let unopened = |error| match error {
        Pkcs12Error::MacError(_) | Pkcs12Error::UnpadError | Pkcs12Error::Pkcs5Error(_) => {
            if passphrase.is_some() { HttpError::PassphraseWrong } else { HttpError::PassphraseMissing }
        }
        Pkcs12Error::UnsupportedEncryptionScheme | Pkcs12Error::UnsupportedMacAlgorithm => {
            failed("it is encrypted in a way that is not supported")
        }
        _ => failed("it is not valid PKCS #12"),
    };
    let store = KeyStore::from_pkcs12(file, text, Pkcs12ImportPolicy::Strict).map_err(unopened)?;
    let der = |certificate: &p12_keystore::Certificate| CertificateDer::from(certificate.as_der().to_vec());
    let private = |key: &[u8]| PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_vec()));
    if let Some((_, entry)) = store.private_key_chain() {
        return Ok((entry.certs().iter().map(der).collect(), private(entry.key().as_der())));
    }
    // nothing says which certificate the key is of: the first is, or they are refused as not matching
    let archive = Pkcs12Archive::from_pkcs12(file, text).map_err(unopened)?;
    match (archive.keys.first(), archive.certs.is_empty()) {
        (_, true) => Err(failed("it holds no certificate")),
        (None, _) => Err(failed("it comes without a usable key")),
        (Some(bag), false) => {
            Ok((archive.certs.iter().map(|bag| der(&bag.cert)).collect(), private(bag.key.as_der())))
        }
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}
