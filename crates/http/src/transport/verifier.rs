//! The certificate verifiers that are not the platform's: `--cacert`, authorities kept by host, `-k`, and pins.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use crate::certificate;
use crate::pin::Pin;

/// What a server shows of itself.
pub(super) struct Offered<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    server_name: &'a ServerName<'a>,
    ocsp_response: &'a [u8],
    now: UnixTime,
}

impl Offered<'_> {
    /// What another verifier says of it.
    fn to(&self, verifier: &dyn ServerCertVerifier) -> Result<ServerCertVerified, Error> {
        let Self { end_entity, intermediates, server_name, ocsp_response, now } = *self;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }
}

/// Says which certificates are taken.
pub(super) trait Takes: fmt::Debug + Send + Sync {
    fn take(&self, offered: &Offered<'_>) -> Result<ServerCertVerified, Error>;
}

/// Takes certificates as `T` does, from servers that prove in the handshake that they have the key.
#[derive(Debug)]
pub(super) struct Proven<T> {
    takes: T,
    algorithms: WebPkiSupportedAlgorithms,
}

impl<T> Proven<T> {
    pub(super) fn new(takes: T, provider: &CryptoProvider) -> Self {
        Self { takes, algorithms: provider.signature_verification_algorithms }
    }
}

impl<T: Takes> ServerCertVerifier for Proven<T> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.takes.take(&Offered { end_entity, intermediates, server_name, ocsp_response, now })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Chains to the given certificates; one of them may also be the server's own.
///
/// WebPKI refuses a CA certificate as a server's own, but a self-signed certificate that is both is what many
/// test servers have, and curl takes it from `--cacert`. Byte-for-byte identity is as strong as a chain; name
/// and dates are checked all the same.
#[derive(Debug)]
pub(super) struct CaVerifier {
    chains: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl CaVerifier {
    pub(super) fn new(chains: Arc<WebPkiServerVerifier>, own: Vec<CertificateDer<'static>>) -> Self {
        Self { chains, own }
    }

    fn verify_own(
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
        let facts = certificate::facts(end_entity).ok_or(CertificateError::BadEncoding)?;
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let (not_before, not_after) = (at(facts.not_before), at(facts.not_after));
        if now < not_before {
            return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
        }
        if now > not_after {
            return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
        }
        Ok(())
    }
}

impl Takes for CaVerifier {
    fn take(&self, offered: &Offered<'_>) -> Result<ServerCertVerified, Error> {
        if self.own.iter().any(|own| own.as_ref() == offered.end_entity.as_ref()) {
            Self::verify_own(offered.end_entity, offered.server_name, offered.now)?;
            return Ok(ServerCertVerified::assertion());
        }
        offered.to(self.chains.as_ref())
    }
}

/// Whom the user trusts for a host, and whom the system does.
#[derive(Debug)]
pub(super) struct KeptVerifier {
    kept: CaVerifier,
    system: Arc<dyn ServerCertVerifier>,
}

impl KeptVerifier {
    pub(super) fn new(kept: CaVerifier, system: Arc<dyn ServerCertVerifier>) -> Self {
        Self { kept, system }
    }
}

impl Takes for KeptVerifier {
    fn take(&self, offered: &Offered<'_>) -> Result<ServerCertVerified, Error> {
        match self.kept.take(offered) {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                offered.to(self.system.as_ref())
            }
            answer => answer,
        }
    }
}

/// Takes every certificate.
///
/// The handshake's signature is not checked either: it would only prove that the stranger has the stranger's
/// key, and version 1 certificates, common on old devices, cannot be parsed to do it.
#[derive(Debug)]
pub(super) struct AnybodyVerifier {
    schemes: Vec<SignatureScheme>,
}

impl AnybodyVerifier {
    pub(super) fn new(provider: &CryptoProvider) -> Self {
        Self { schemes: provider.signature_verification_algorithms.supported_schemes() }
    }
}

impl ServerCertVerifier for AnybodyVerifier {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// The server's key is none of those that it may have.
#[derive(Debug)]
pub(super) struct PinMismatch;

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the public key is none of those that are pinned")
    }
}

impl std::error::Error for PinMismatch {}

/// Takes of whom `trusted` takes only those who have a pinned key. It has to be [`Proven`]: with `-k` nobody else asks for
/// the key, and a certificate is no secret.
#[derive(Debug)]
pub(super) struct PinVerifier {
    pins: Vec<Pin>,
    trusted: Arc<dyn ServerCertVerifier>,
}

impl PinVerifier {
    pub(super) fn new(pins: Vec<Pin>, trusted: Arc<dyn ServerCertVerifier>) -> Self {
        Self { pins, trusted }
    }
}

impl Takes for PinVerifier {
    fn take(&self, offered: &Offered<'_>) -> Result<ServerCertVerified, Error> {
        let verified = offered.to(self.trusted.as_ref())?;
        let key = ParsedCertificate::try_from(offered.end_entity)?.subject_public_key_info();
        if self.pins.contains(&Pin::of(&key)) {
            return Ok(verified);
        }
        Err(CertificateError::Other(OtherError(Arc::new(PinMismatch))).into())
    }
}
