//! What a person wants to know of a certificate (RFC 5280, 4.1). Nothing is verified here.

use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::name::Name;
use x509_cert::time::Time;

/// The facts of a certificate that `-v` and lists show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whom it names, as curl shows it: `O=...; CN=...`.
    pub subject: String,
    /// Who issued it, written likewise.
    pub issuer: String,
    /// Seconds since 1970 from which it is valid.
    pub not_before: u64,
    /// Seconds since 1970 until which it is valid.
    pub not_after: u64,
    /// Whether it may issue others (RFC 5280, 4.2.1.9 and 4.2.1.3).
    pub is_authority: bool,
    /// The SHA-256 of the whole certificate.
    pub fingerprint: [u8; 32],
}

impl CertificateFacts {
    /// Reads the facts, or nothing if the bytes are no certificate in DER.
    #[must_use]
    pub fn of(der: &[u8]) -> Option<Self> {
        facts(der)
    }
}

/// Reads the facts, or nothing if the bytes are no certificate.
pub(crate) fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let certificate = Certificate::from_der(der).ok()?;
    let signed = certificate.tbs_certificate();
    let seconds = |time: Time| time.to_unix_duration().as_secs();
    let constraints = signed.get_extension::<BasicConstraints>().ok().flatten();
    // an extension that cannot be read gives no right
    let may_sign = match signed.get_extension::<KeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
        Err(_) => false,
    };
    Some(CertificateFacts {
        subject: named(signed.subject()),
        issuer: named(signed.issuer()),
        not_before: seconds(signed.validity().not_before),
        not_after: seconds(signed.validity().not_after),
        is_authority: may_sign && constraints.is_some_and(|(_, constraints)| constraints.ca),
        fingerprint: Sha256::digest(der).into(),
    })
}

/// The parts of a name in the order of the certificate.
fn named(name: &Name) -> String {
    let parts: Vec<String> = name.iter_rdn().map(ToString::to_string).collect();
    printable(&parts.join("; "))
}

/// Without characters that could play tricks on a terminal: the certificate comes from a stranger.
pub(crate) fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_has_no_facts() {
        for der in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x30\x01\x00", b"\x30\x80"] {
            assert_eq!(facts(der), None);
        }
        assert_eq!(printable("CN=a\u{1b}[2J\u{85}b"), "CN=a[2Jb");
    }
}
