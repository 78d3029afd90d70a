//! What a TLS session has to be like beyond what is always demanded.

use std::fs;
use std::io;
use std::path::Path;

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use rustls::{SupportedProtocolVersion, version};

use crate::error::HttpError;
use crate::pin::Pin;

/// A version of TLS. There are no older ones here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    V12,
    /// TLS 1.3 (RFC 8446).
    V13,
}

/// The settings, none of which makes a session less safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// The oldest version that is spoken.
    pub oldest: TlsVersion,
    /// The newest version that is spoken (`--tls-max`).
    pub newest: TlsVersion,
    /// The public keys of which the server must have one; any if there are none (`--pinnedpubkey`).
    pub pins: Vec<Pin>,
    /// No protocol is offered, which leaves HTTP/1.1 (`--no-alpn`).
    pub no_alpn: bool,
    /// Who has been taken back (`--crlfile`); counts with authorities of the request's own only.
    pub revoked: Vec<CertificateRevocationListDer<'static>>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            oldest: TlsVersion::V12,
            newest: TlsVersion::V13,
            pins: Vec::new(),
            no_alpn: false,
            revoked: Vec::new(),
        }
    }
}

impl TlsOptions {
    /// The versions to offer; none where the newest is older than the oldest.
    pub(crate) fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let all = [(TlsVersion::V13, &version::TLS13), (TlsVersion::V12, &version::TLS12)];
        let wanted = |version: &TlsVersion| (self.oldest..=self.newest).contains(version);
        all.iter().filter(|(version, _)| wanted(version)).map(|(_, supported)| *supported).collect()
    }
}

/// The revocation lists of a PEM file (`--crlfile`).
///
/// # Errors
/// `CrlFile` when the file cannot be read or holds none.
pub fn read_revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, HttpError> {
    let failed = |source| HttpError::CrlFile { path: path.to_owned(), source };
    let pem = fs::read(path).map_err(failed)?;
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&pem).collect();
    let invalid = |why: &str| failed(io::Error::new(io::ErrorKind::InvalidData, why));
    match lists {
        Ok(found) if found.is_empty() => Err(invalid("it holds no revocation list")),
        Ok(found) => Ok(found),
        Err(_) => Err(invalid("it is not valid PEM")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_lie_between_two_ends() {
        let versions = |oldest, newest| {
            let options = TlsOptions { oldest, newest, ..TlsOptions::default() };
            options.versions().iter().map(|version| version.version).collect::<Vec<_>>()
        };
        use rustls::ProtocolVersion::{TLSv1_2, TLSv1_3};
        assert_eq!(versions(TlsVersion::V12, TlsVersion::V13), [TLSv1_3, TLSv1_2]);
        assert_eq!(versions(TlsVersion::V13, TlsVersion::V13), [TLSv1_3]);
        assert_eq!(versions(TlsVersion::V12, TlsVersion::V12), [TLSv1_2]);
        assert!(versions(TlsVersion::V13, TlsVersion::V12).is_empty());
    }
}
