//! TLS settings and the handshake.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use subrosa_secret::Host;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::stream::Stream;
use super::verifier::{AnybodyVerifier, CaVerifier, KeptVerifier, PinMismatch, PinVerifier, Proven};
use crate::connection::{Protocol, Trust};
use crate::error::HttpError;
use crate::identity::Identity;
use crate::tls_fault::{CertificateFault, TlsFault};
use crate::tls_options::TlsOptions;

/// How long what a server has said may take to be there.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What a TLS session is set up with.
pub(crate) struct TlsSettings<'a> {
    pub(crate) trust: &'a Trust,
    /// Who is trusted beside the system's own, where the system's are.
    pub(crate) authorities: &'a [CertificateDer<'static>],
    pub(crate) identity: Option<&'a Identity>,
    pub(crate) protocol: Protocol,
    pub(crate) options: &'a TlsOptions,
}

/// Keys are never logged: `SSLKEYLOGFILE` has no effect.
pub(crate) fn config(settings: &TlsSettings<'_>) -> Result<ClientConfig, HttpError> {
    if settings.options.versions().is_empty() {
        return Err(HttpError::NoTlsVersion);
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&settings.options.versions())
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
    config.alpn_protocols = offered(settings);
    Ok(config)
}

/// The protocols to choose among (RFC 7301). Servers know no name of HTTP/1.0, and speak it to whom names none.
pub(crate) fn offered(settings: &TlsSettings<'_>) -> Vec<Vec<u8>> {
    match settings.protocol {
        _ if settings.options.no_alpn => Vec::new(),
        Protocol::Http2 | Protocol::Http2Only => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Protocol::Http11 => vec![b"http/1.1".to_vec()],
        Protocol::Http10 => Vec::new(),
    }
}

/// Whom to trust, and which keys to take of those who are trusted.
fn verifier(
    settings: &TlsSettings<'_>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, HttpError> {
    let trusted = trusted(settings, provider.clone())?;
    match &settings.options.pins[..] {
        [] => Ok(trusted),
        pins => Ok(Arc::new(Proven::new(PinVerifier::new(pins.to_vec(), trusted), &provider))),
    }
}

fn trusted(
    settings: &TlsSettings<'_>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, HttpError> {
    let revoked = &settings.options.revoked;
    match settings.trust {
        Trust::InsecureAnybody => Ok(Arc::new(AnybodyVerifier::new(&provider))),
        Trust::Ca(certificates) => {
            let issued = issued_by(certificates, revoked, provider.clone())?;
            Ok(Arc::new(Proven::new(issued, &provider)))
        }
        Trust::System => {
            let system = rustls_platform_verifier::Verifier::new(provider.clone()).map_err(setup)?;
            match settings.authorities {
                [] => Ok(Arc::new(system)),
                kept => {
                    let issued = issued_by(kept, &[], provider.clone())?;
                    Ok(Arc::new(Proven::new(KeptVerifier::new(issued, Arc::new(system)), &provider)))
                }
            }
        }
    }
}

fn issued_by(
    certificates: &[CertificateDer<'static>],
    revoked: &[CertificateRevocationListDer<'static>],
    provider: Arc<CryptoProvider>,
) -> Result<CaVerifier, HttpError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    let mut chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    // with lists, everybody has to be in the realm of one, and no list may be too old to tell
    let mut own = certificates.to_vec();
    if !revoked.is_empty() {
        chains = chains.with_crls(revoked.iter().cloned()).enforce_revocation_expiration();
        own.clear();
    }
    let chains = chains.build().map_err(|error| HttpError::Setup { why: error.to_string() })?;
    Ok(CaVerifier::new(chains, own))
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
    match TlsConnector::from(config).connect(name, stream).into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, stream)) => match last_words(&error, stream).await {
            Some(alert) => Err(handshake_error(host, &io::Error::other(rustls::Error::AlertReceived(alert)))),
            None => Err(handshake_error(host, &error)),
        },
    }
}

/// A server of TLS 1.2 that ends the handshake says why in plain, and may hang up before it has read all that was sent
/// to it. What it said is still there then.
async fn last_words(error: &io::Error, mut stream: Stream) -> Option<AlertDescription> {
    const ALERT: u8 = 21;
    if !is_gone(error) {
        return None;
    }
    let mut record = [0; 7];
    timeout(LAST_WORDS, stream.read_exact(&mut record)).await.ok()?.ok()?;
    // RFC 5246, 6.2.1 and 7.2: type, version, a length of two, level, description
    match record {
        [ALERT, 3, _, 0, 2, _, description] => Some(AlertDescription::from(description)),
        _ => None,
    }
}

/// Whether the other end has hung up.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// A certificate that is not trusted is told from every other failure: curl's 60 and 35.
fn handshake_error(host: &Host, error: &io::Error) -> HttpError {
    let host = host.to_string();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other)))
            if other.0.is::<PinMismatch>() =>
        {
            HttpError::PinMismatch { host }
        }
        Some(rustls::Error::InvalidCertificate(error)) => {
            HttpError::Certificate { host, fault: CertificateFault::of(error) }
        }
        Some(rustls::Error::InvalidCertRevocationList(_)) => {
            HttpError::Certificate { host, fault: CertificateFault::RevocationListWrong }
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            HttpError::Certificate { host, fault: CertificateFault::None }
        }
        Some(other) => HttpError::Tls { host, fault: TlsFault::of(other) },
        None if is_gone(error) => HttpError::Tls { host, fault: TlsFault::Closed },
        None => HttpError::Tls { host, fault: TlsFault::Other(error.to_string()) },
    }
}
