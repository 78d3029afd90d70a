//! TLS settings and the handshake.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use subrosa_secret::Host;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::verifier::{AnybodyVerifier, CaVerifier};
use crate::connection::{ConnectionOptions, Protocol, Trust};
use crate::error::HttpError;
use crate::tls_fault::{CertificateFault, TlsFault};

/// The settings that `options` ask for. Keys are never logged: `SSLKEYLOGFILE` has no effect.
pub(crate) fn config(options: &ConnectionOptions) -> Result<ClientConfig, HttpError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier(&options.trust, provider)?);
    let mut config = match &options.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
            .map_err(|error| HttpError::ClientCertificate { why: error.to_string() })?,
    };
    config.alpn_protocols = match options.protocol {
        Protocol::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Protocol::Http11 => vec![b"http/1.1".to_vec()],
    };
    Ok(config)
}

fn verifier(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, HttpError> {
    match trust {
        Trust::System => {
            let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(setup)?;
            Ok(Arc::new(verifier))
        }
        Trust::InsecureAnybody => Ok(Arc::new(AnybodyVerifier::new(&provider))),
        Trust::Ca(certificates) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates.iter().cloned());
            let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| HttpError::Setup { why: error.to_string() })?;
            Ok(Arc::new(CaVerifier::new(chains, certificates.clone())))
        }
    }
}

fn setup(error: rustls::Error) -> HttpError {
    HttpError::Setup { why: error.to_string() }
}

/// Speaks TLS as a client of `host`. Returns only once the server's certificate was verified.
pub(crate) async fn handshake(
    config: Arc<ClientConfig>,
    host: &Host,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, HttpError> {
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
