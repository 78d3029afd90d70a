//! A CA of the server's own and what it signs.

use std::path::PathBuf;
use std::sync::Arc;

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData as _,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};

use crate::Folder;

/// What is wrong with a server's certificate. A wrong name is not among these: ask for one with another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFault {
    /// Nothing.
    None,
    /// It was valid from 2001 to 2002.
    Expired,
    /// It is not signed by a CA but by itself.
    SelfSigned,
    /// It is valid from 2090 on.
    NotYetValid,
    /// It is for clients and not for servers.
    WrongPurpose,
    /// Both: signed by itself, from 2001 to 2002.
    ExpiredSelfSigned,
    /// It is signed by somebody whom the CA vouches for, and who is not shown.
    MissingIntermediate,
}

impl CertificateFault {
    fn is_expired(self) -> bool {
        matches!(self, Self::Expired | Self::ExpiredSelfSigned)
    }

    fn is_self_signed(self) -> bool {
        matches!(self, Self::SelfSigned | Self::ExpiredSelfSigned)
    }
}

const SERIAL: u64 = 7;

/// The certificates of one server, and their files.
pub(crate) struct Certificates {
    folder: Folder,
    ca: CertificateDer<'static>,
    server: CertificateDer<'static>,
    server_key: Vec<u8>,
    client: Client,
}

/// A client certificate and its key, in DER.
struct Client {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    pub(crate) fn new(names: &[String], fault: CertificateFault) -> Self {
        let mut ca_params = CertificateParams::new(Vec::new()).expect("no names");
        ca_params.distinguished_name.push(DnType::CommonName, "subrosa test CA");
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca_params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = CertifiedIssuer::self_signed(ca_params.clone(), key()).expect("a CA");
        ca_params.distinguished_name.push(DnType::CommonName, "subrosa test intermediate");
        let between = CertifiedIssuer::signed_by(ca_params, key(), &ca).expect("another CA");

        let mut params = CertificateParams::new(names.to_vec()).expect("valid names");
        params.distinguished_name.push(DnType::CommonName, names.first().cloned().unwrap_or_default());
        params.distinguished_name.push(DnType::OrganizationName, "subrosa tests");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.serial_number = Some(SerialNumber::from(SERIAL));
        if fault.is_expired() {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        if fault == CertificateFault::NotYetValid {
            params.not_before = date_time_ymd(2090, 1, 1);
            params.not_after = date_time_ymd(2091, 1, 1);
        }
        if fault == CertificateFault::WrongPurpose {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        let server_key = key();
        let server = if fault.is_self_signed() {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.self_signed(&server_key)
        } else if fault == CertificateFault::MissingIntermediate {
            params.signed_by(&server_key, &between)
        } else {
            params.signed_by(&server_key, &ca)
        };
        let server = server.expect("a server certificate");
        let folder = Folder::new();
        let trusted = if fault.is_self_signed() { server.pem() } else { ca.pem() };
        folder.write("ca.pem", trusted);
        folder.write("server.pem", server.pem());
        folder.write("server.key", server_key.serialize_pem());
        let client = write_client_identity(&folder, &ca);
        folder.write("public.pem", server_key.public_key_pem());
        folder.write("public.der", server_key.subject_public_key_info());
        write_revocations(&folder, &ca);
        Self {
            folder,
            ca: ca.der().clone(),
            server: server.der().clone(),
            server_key: server_key.serialize_der(),
            client,
        }
    }

    pub(crate) fn ca_path(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Certificate and key of the server, for one that is no part of this crate.
    #[cfg(unix)]
    pub(crate) fn server_identity(&self) -> (PathBuf, PathBuf) {
        (self.folder.join("server.pem"), self.folder.join("server.key"))
    }

    pub(crate) fn client_identity(&self) -> (PathBuf, PathBuf) {
        (self.folder.join("client.pem"), self.folder.join("client.key"))
    }

    pub(super) fn client_pfx(&self, passphrase: &str) -> Vec<u8> {
        let certificate = Certificate::from_der(&self.client.certificate).expect("a certificate");
        let key = PrivateKey::from_der(&self.client.key).expect("a key");
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new("client", key, [certificate]);
        store.add_entry("client", KeyStoreEntry::PrivateKeyChain(chain));
        store.writer(passphrase).write().expect("PKCS #12")
    }

    pub(super) fn shown(&self) -> CertificateDer<'static> {
        self.server.clone()
    }

    /// From here on the server shows this certificate.
    pub(super) fn copying(mut self, copied: Option<CertificateDer<'static>>) -> Self {
        self.server = copied.unwrap_or(self.server);
        self
    }

    pub(super) fn public_key_path(&self) -> PathBuf {
        self.folder.join("public.pem")
    }

    pub(super) fn revocation_path(&self, revoked: bool) -> PathBuf {
        self.folder.join(if revoked { "revoked.crl" } else { "nobody.crl" })
    }

    pub(super) fn server_config(&self, http2: bool, client_certificate: bool) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("TLS versions");
        let builder = if client_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.ca.clone()).expect("a CA");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::try_from(self.server_key.clone()).expect("a key");
        let key = ring::sign::any_supported_type(&key).expect("a key that signs");
        // not compared with the certificate, which may be another server's
        let shown = CertifiedKey::new(vec![self.server.clone()], key);
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        config.alpn_protocols =
            if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        Arc::new(config)
    }
}

/// Lists of the CA on which the server's certificate stands, and does not.
fn write_revocations(folder: &Folder, ca: &CertifiedIssuer<'_, KeyPair>) {
    let day = date_time_ymd(2020, 1, 1);
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(SERIAL),
        revocation_time: day,
        reason_code: None,
        invalidity_date: None,
    };
    for (name, revoked_certs) in [("revoked.crl", vec![revoked]), ("nobody.crl", Vec::new())] {
        let params = CertificateRevocationListParams {
            this_update: day,
            next_update: date_time_ymd(2120, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(ca).expect("a revocation list");
        folder.write(name, list.pem().expect("PEM"));
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn write_client_identity(folder: &Folder, ca: &CertifiedIssuer<'_, KeyPair>) -> Client {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name.push(DnType::CommonName, "subrosa test client");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client_key = key();
    let client = params.signed_by(&client_key, ca).expect("a client certificate");
    folder.write("client.pem", client.pem());
    folder.write("client.key", client_key.serialize_pem());
    Client { certificate: client.der().to_vec(), key: client_key.serialize_der() }
}
