//! The certificate by which an application is known.

use std::path::PathBuf;
use std::sync::OnceLock;

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use ring::digest;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::pkcs8::EncodePrivateKey as _;
use rustls::pki_types::PrivatePkcs8KeyDer;

use crate::Folder;

/// A certificate that signs itself, and its RSA key.
pub struct AzureCertificate {
    folder: Folder,
    certificate: Vec<u8>,
    key: Vec<u8>,
    pub(super) public_key: Vec<u8>,
}

impl AzureCertificate {
    /// One whose key, which takes a second to make, is the same within a test process.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "making a key is an effect, not a default")]
    pub fn new() -> Self {
        static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
        let key = KEY.get_or_init(|| RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key"));
        let public_key = key.to_public_key().to_pkcs1_der().expect("DER").into_vec();
        let key = key.to_pkcs8_der().expect("DER").as_bytes().to_vec();
        let pair =
            KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(key.clone()), &PKCS_RSA_SHA256);
        let pair = pair.expect("an RSA key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "subrosa test application");
        let certificate = params.self_signed(&pair).expect("a certificate");
        let folder = Folder::new();
        folder.write("application.pem", format!("{}{}", certificate.pem(), pair.serialize_pem()));
        Self { folder, certificate: certificate.der().to_vec(), key, public_key }
    }

    /// Certificate and key in one PEM file.
    #[must_use]
    pub fn pem_path(&self) -> PathBuf {
        self.folder.join("application.pem")
    }

    /// The same as PKCS #12.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn pfx(&self, passphrase: &str) -> Vec<u8> {
        let certificate = Certificate::from_der(&self.certificate).expect("a certificate");
        let key = PrivateKey::from_der(&self.key).expect("a key");
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new("application", key, [certificate]);
        store.add_entry("application", KeyStoreEntry::PrivateKeyChain(chain));
        store.writer(passphrase).write().expect("PKCS #12")
    }

    /// What names the certificate in an assertion: `x5t#S256`, and `x5t` of older clients.
    pub(super) fn thumbprints(&self) -> [Vec<u8>; 2] {
        let hash = |algorithm| digest::digest(algorithm, &self.certificate).as_ref().to_vec();
        [hash(&digest::SHA256), hash(&digest::SHA1_FOR_LEGACY_USE_ONLY)]
    }
}
