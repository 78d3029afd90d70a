//! Why TLS fails, in words for whoever reads them: whose certificate it is and what is wrong with it.

use std::fmt;
use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};
use x509_cert::der::DateTime;

use crate::certificate::printable;

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Its time is over. The day is known in most cases.
    Expired(Option<String>),
    /// Its time has not come, or this machine's clock is wrong.
    NotYetValid(Option<String>),
    /// It is for other names; the first few of them.
    WrongName(Vec<String>),
    /// It is signed by nobody who is trusted here: a stranger, an own CA, or itself.
    UnknownIssuer,
    /// It is that of a CA, and no server's own.
    AuthorityAsServer,
    /// It may be used for other things than to be a server.
    WrongPurpose,
    /// Its issuer has taken it back.
    Revoked,
    /// The revocation lists at hand say nothing of it.
    RevocationUnknown,
    /// The revocation list of its issuer is too old to tell.
    RevocationListExpired,
    /// The revocation list of its issuer is damaged, or made by somebody else.
    RevocationListWrong,
    /// It is damaged, or has a form that cannot be read.
    Unreadable,
    /// A signature in its chain is wrong, or of a kind that is not safe.
    BadSignature,
    /// The server showed none.
    None,
    /// Anything else, in the library's words.
    Other(String),
}

/// Why a handshake fails for another reason than the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFault {
    /// What answers is no TLS, most often plain http.
    NotTls,
    /// The server speaks only versions that are not safe.
    TooOld,
    /// The two have no cipher, key exchange or signature in common.
    NothingInCommon,
    /// The server wants to see a client certificate, or another one.
    ClientCertificate,
    /// The server knows nobody of the host's name.
    UnknownHost,
    /// The connection ended in the middle of the handshake.
    Closed,
    /// Anything else, in the library's words.
    Other(String),
}

impl CertificateFault {
    pub(crate) fn of(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired => Self::Expired(None),
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(day(*not_after)),
            CertificateError::NotValidYet => Self::NotYetValid(None),
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid(day(*not_before)),
            CertificateError::NotValidForName => Self::WrongName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::WrongName(presented.iter().map(|name| bare_name(name)).collect())
            }
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::WrongPurpose
            }
            CertificateError::Revoked => Self::Revoked,
            CertificateError::UnknownRevocationStatus => Self::RevocationUnknown,
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => Self::RevocationListExpired,
            CertificateError::BadEncoding | CertificateError::UnhandledCriticalExtension => Self::Unreadable,
            CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::BadSignature,
            // WebPKI's own errors, which rustls does not make its own; `hostile_e64` holds the words
            other => match format!("{other:?}") {
                text if text.contains("CaUsedAsEndEntity") => Self::AuthorityAsServer,
                text if text.contains("EkuError") => Self::WrongPurpose,
                text if text.contains("UnsupportedCertVersion") => Self::Unreadable,
                _ => Self::Other(printable(&other.to_string())),
            },
        }
    }

    /// What can be done about it, as one line or none.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Expired(_) => {
                Some("whoever runs the server has to renew it, unless this machine's clock is wrong")
            }
            Self::NotYetValid(_) => Some("look whether this machine's clock is right"),
            Self::WrongName(_) => Some("look whether the host is the one that you mean"),
            Self::UnknownIssuer | Self::AuthorityAsServer => {
                Some("--cacert FILE trusts the CA of a test server of your own")
            }
            _ => None,
        }
    }
}

impl TlsFault {
    /// `None` for what is a matter of the certificate.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::InvalidEmptyPayload,
            ) => Self::NotTls,
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::ExtendedMasterSecretExtensionRequired,
            )
            | Error::AlertReceived(AlertDescription::ProtocolVersion) => Self::TooOld,
            Error::PeerIncompatible(_)
            | Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
            ) => Self::NothingInCommon,
            Error::AlertReceived(alert) if asks_for_certificate(*alert) => Self::ClientCertificate,
            Error::AlertReceived(AlertDescription::UnrecognisedName) => Self::UnknownHost,
            other => Self::Other(printable(&other.to_string())),
        }
    }

    /// The same for an error of the stream, whatever it is wrapped in; `None` where TLS has no part in it.
    pub(crate) fn behind(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(tls) = error.downcast_ref::<Error>() {
                return Some(Self::of(tls));
            }
            // the source of an I/O error is that of what it wraps, and not the wrapped error itself
            cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }

    /// What can be done about it, as one line or none.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotTls => {
                Some("a server without TLS has a URL with http://, and everybody on the way can read it")
            }
            Self::ClientCertificate => {
                Some("--cert FILE shows one, with its key in the same file or by --key FILE")
            }
            _ => None,
        }
    }
}

/// With TLS 1.3 such an alert comes only after the handshake.
fn asks_for_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(None) => f.write_str("it has expired"),
            Self::Expired(Some(day)) => write!(f, "it expired on {day}"),
            Self::NotYetValid(None) => f.write_str("it is not valid yet"),
            Self::NotYetValid(Some(day)) => write!(f, "it is not valid before {day}"),
            Self::WrongName(names) if names.is_empty() => f.write_str("it is not for this host"),
            Self::WrongName(names) => {
                const SHOWN: usize = 3;
                let more = if names.len() > SHOWN { " and others" } else { "" };
                let shown = &names[..names.len().min(SHOWN)];
                write!(f, "it is not for this host but for {}{more}", shown.join(", "))
            }
            Self::UnknownIssuer => f.write_str("nobody who is trusted here has issued it"),
            Self::AuthorityAsServer => {
                f.write_str("it is that of a CA, or signed by itself, and not a server's own")
            }
            Self::WrongPurpose => f.write_str("it is not meant for a server"),
            Self::Revoked => f.write_str("its issuer has revoked it"),
            Self::RevocationUnknown => f.write_str("no revocation list says anything of it"),
            Self::RevocationListExpired => f.write_str("the revocation list of its issuer is too old"),
            Self::RevocationListWrong => {
                f.write_str("the revocation list of its issuer is damaged, or made by somebody else")
            }
            Self::Unreadable => f.write_str("it cannot be read"),
            Self::BadSignature => f.write_str("a signature in its chain is wrong or not safe"),
            Self::None => f.write_str("the server showed none"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls => f.write_str("what answers on this port does not speak TLS"),
            Self::TooOld => f.write_str("it speaks no TLS that is safe, which is 1.2 and newer"),
            Self::NothingInCommon => f.write_str("it offers no encryption that is safe"),
            Self::ClientCertificate => f.write_str("it wants a client certificate that it accepts"),
            Self::UnknownHost => f.write_str("it knows no host of that name"),
            Self::Closed => f.write_str("the connection was closed in the middle of it"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// `2002-01-01`
fn day(time: UnixTime) -> Option<String> {
    let time = DateTime::from_unix_duration(std::time::Duration::from_secs(time.as_secs())).ok()?;
    Some(format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.day()))
}

/// The name alone of WebPKI's `DnsName("api.example.com")`. It comes from a stranger.
fn bare_name(shown: &str) -> String {
    let inner = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(shown);
    printable(inner.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_and_names_are_readable() {
        assert_eq!(
            day(UnixTime::since_unix_epoch(Duration::from_secs(1_009_843_200))).unwrap(),
            "2002-01-01"
        );
        assert_eq!(bare_name("DnsName(\"api.example.com\")"), "api.example.com");
        assert_eq!(bare_name("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(bare_name("a\u{1b}b"), "ab");
        let names = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let shown = CertificateFault::WrongName(names).to_string();
        assert_eq!(shown, "it is not for this host but for a, b, c and others");
    }

    #[test]
    fn an_alert_is_found_behind_other_errors() {
        let alert = Error::AlertReceived(AlertDescription::CertificateRequired);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, alert));
        assert_eq!(TlsFault::behind(&wrapped), Some(TlsFault::ClientCertificate));
        assert_eq!(TlsFault::behind(&io::Error::from(io::ErrorKind::ConnectionReset)), None);
    }
}
