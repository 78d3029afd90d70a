//! TLS settings and the handshake.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use subrosa_secret::Host;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::stream::Stream;
use super::verifier::{AnybodyVerifier, CaVerifier, KeptVerifier};
use crate::connection::{Protocol, Trust};
use crate::error::HttpError;
use crate::identity::Identity;
use crate::tls_fault::{CertificateFault, TlsFault};

/// What a TLS session is set up with.
pub(crate) struct TlsSettings<'a> {
    pub(crate) trust: &'a Trust,
    /// Who is trusted beside the system's own, where the system's are.
    pub(crate) authorities: &'a [CertificateDer<'static>],
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) protocol: Protocol,
}

/// Keys are never logged: `SSLKEYLOGFILE` has no effect.
pub(crate) fn config(settings: &TlsSettings<'_>) -> Result<ClientConfig, HttpError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier(settings, provider)?);
    let mut config = match settings.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let shown = SingleCertAndKey::from(identity.certified.clone());
            builder.with_client_cert_resolver(Arc::new(shown))
        }
    };
    config.alpn_protocols = match settings.protocol {
        Protocol::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Protocol::Http11 => vec![b"http/1.1".to_vec()],
    };
    Ok(config)
}

fn verifier(
    settings: &TlsSettings<'_>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, HttpError> {
    match settings.trust {
        Trust::InsecureAnybody => Ok(Arc::new(AnybodyVerifier::new(&provider))),
        Trust::Ca(certificates) => Ok(Arc::new(issued_by(certificates, provider)?)),
        Trust::System => {
            let system = rustls_platform_verifier::Verifier::new(provider.clone()).map_err(setup)?;
            match settings.authorities {
                [] => Ok(Arc::new(system)),
                kept => Ok(Arc::new(KeptVerifier::new(issued_by(kept, provider)?, Arc::new(system)))),
            }
        }
    }
}

fn issued_by(
    certificates: &[CertificateDer<'static>],
    provider: Arc<CryptoProvider>,
) -> Result<CaVerifier, HttpError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| HttpError::Setup { why: error.to_string() })?;
    Ok(CaVerifier::new(chains, certificates.to_vec()))
}

fn setup(error: rustls::Error) -> HttpError {
    HttpError::Setup { why: error.to_string() }
}

/// Speaks TLS as a client of `host`. Returns only once the server's certificate was verified.
pub(crate) async fn handshake(
    config: Arc<ClientConfig>,
    host: &Host,
    stream: Stream,
) -> Result<TlsStream<Stream>, HttpError> {
    let name = match host {
        Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|_| HttpError::Tls {
            host: name.clone(),
            fault: TlsFault::Other("its name is none that TLS knows".to_owned()),
        })?,
        Host::V4(address) => ServerName::from(*address),
        Host::V6(address) => ServerName::from(*address),
    };
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| handshake_error(host, &error))
}

/// A certificate that is not trusted is told from every other failure: curl's 60 and 35.
fn handshake_error(host: &Host, error: &io::Error) -> HttpError {
    let host = host.to_string();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(error)) => {
            HttpError::Certificate { host, fault: CertificateFault::of(error) }
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            HttpError::Certificate { host, fault: CertificateFault::None }
        }
        Some(other) => HttpError::Tls { host, fault: TlsFault::of(other) },
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            HttpError::Tls { host, fault: TlsFault::Closed }
        }
        None => HttpError::Tls { host, fault: TlsFault::Other(error.to_string()) },
    }
}
