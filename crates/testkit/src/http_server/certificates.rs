//! A CA of the server's own and what it signs.

use std::path::PathBuf;
use std::sync::Arc;

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
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
}

impl CertificateFault {
    fn is_expired(self) -> bool {
        matches!(self, Self::Expired | Self::ExpiredSelfSigned)
    }

    fn is_self_signed(self) -> bool {
        matches!(self, Self::SelfSigned | Self::ExpiredSelfSigned)
    }
}

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
        let ca = CertifiedIssuer::self_signed(ca_params, key()).expect("a CA");

        let mut params = CertificateParams::new(names.to_vec()).expect("valid names");
        params.distinguished_name.push(DnType::CommonName, names.first().cloned().unwrap_or_default());
        params.distinguished_name.push(DnType::OrganizationName, "subrosa tests");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
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
        let mut config =
            builder.with_single_cert(vec![self.server.clone()], key).expect("a certificate with its key");
        config.alpn_protocols =
            if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        Arc::new(config)
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
