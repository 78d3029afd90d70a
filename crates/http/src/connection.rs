//! How a request reaches its host: trust, client certificate, route and protocol.
//!
//! A [`Connection`] is made once and never changes. The plan that judges a request and the transport that sends
//! it hold the same one, so what was judged is what is used; connections are pooled by its identity, so one that
//! was opened with `-k` is never handed to a request without it.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use subrosa_secret::{Deviation, Host, Origin};

use crate::error::HttpError;
use crate::route::{ConnectTo, Resolve};
use crate::transport::tls;

/// Which versions of HTTP are offered over TLS. Plain http always speaks HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/2 and HTTP/1.1, as curl offers by default and with `--http2`.
    #[default]
    Http2,
    /// HTTP/1.1 only (`--http1.1`).
    Http11,
}

/// Whom the connection trusts.
#[derive(Clone, Default)]
pub enum Trust {
    /// The certificates that the operating system trusts.
    #[default]
    System,
    /// Only these, in place of the system's (`--cacert`).
    Ca(Vec<CertificateDer<'static>>),
    /// Anybody (`-k`).
    InsecureAnybody,
}

/// A client certificate with its key.
pub struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// What a [`Connection`] is made of.
#[derive(Default)]
pub struct ConnectionOptions {
    /// Whom to trust over TLS.
    pub trust: Trust,
    /// The client certificate to show when a server asks; used over TLS only.
    pub identity: Option<Identity>,
    /// Addresses that stand for hosts (`--resolve`); of several for one host and port the last counts.
    pub resolve: Vec<Resolve>,
    /// Hosts that stand for hosts (`--connect-to`); the first that fits counts.
    pub connect_to: Vec<ConnectTo>,
    /// The versions of HTTP to offer.
    pub protocol: Protocol,
}

/// A way to reach hosts, fixed for good.
pub struct Connection {
    options: ConnectionOptions,
    tls: OnceLock<Arc<ClientConfig>>,
}

/// Where to open the connection to for an origin.
pub(crate) struct Endpoint {
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// Known addresses: no name is looked up.
    pub(crate) addresses: Option<Vec<IpAddr>>,
}

impl Trust {
    /// The certificates of a PEM file, to trust in place of the system's (`--cacert`).
    ///
    /// # Errors
    /// `CaFile` when the file cannot be read or holds no certificate.
    pub fn from_ca_file(path: &Path) -> Result<Self, HttpError> {
        let failed = |source| HttpError::CaFile { path: path.to_owned(), source };
        let pem = fs::read(path).map_err(failed)?;
        let invalid = |why| failed(io::Error::new(io::ErrorKind::InvalidData, why));
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Ok(found) if found.is_empty() => Err(invalid("it holds no certificate")),
            Ok(found) => Ok(Self::Ca(found)),
            Err(_) => Err(invalid("it is not valid PEM")),
        }
    }
}

impl Identity {
    /// From PEM texts; `key` may be the same text as `certificate`. Encrypted keys are not read.
    ///
    /// # Errors
    /// `ClientCertificate` when one of them is missing or not valid.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, HttpError> {
        let failed = |why: &str| HttpError::ClientCertificate { why: why.to_owned() };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|_| failed("it is not valid PEM"))?;
        if chain.is_empty() {
            return Err(failed("it holds no certificate"));
        }
        if contains(key, b"ENCRYPTED") {
            return Err(failed("its key is encrypted"));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| failed("it comes without a usable key"))?;
        Ok(Self { chain, key })
    }

    /// From PEM files (`--cert`, `--key`); without a key file the key is looked for in the certificate's.
    ///
    /// # Errors
    /// `ClientCertificate` when a file cannot be read or does not hold what it should.
    pub fn from_files(certificate: &Path, key: Option<&Path>) -> Result<Self, HttpError> {
        let read = |path: &Path| {
            fs::read(path).map(zeroize::Zeroizing::new).map_err(|error| HttpError::ClientCertificate {
                why: format!("cannot read {}: {error}", path.display()),
            })
        };
        let certificate = read(certificate)?;
        match key {
            Some(path) => Self::from_pem(&certificate, &read(path)?),
            None => Self::from_pem(&certificate, &certificate),
        }
    }
}

impl Connection {
    /// Fixes `options`.
    #[must_use]
    pub fn new(options: ConnectionOptions) -> Arc<Self> {
        Arc::new(Self { options, tls: OnceLock::new() })
    }

    /// System trust, no client certificate, no detour, HTTP/2 where the server speaks it.
    #[must_use]
    pub fn plain() -> Arc<Self> {
        Self::new(ConnectionOptions::default())
    }

    /// What of this makes the way to `origin` another than the plain one.
    pub(crate) fn deviations(&self, origin: &Origin) -> Vec<Deviation> {
        let mut found = Vec::new();
        if origin.scheme.is_encrypted() {
            match self.options.trust {
                Trust::System => {}
                Trust::Ca(_) => found.push(Deviation::CustomCa),
                Trust::InsecureAnybody => found.push(Deviation::Insecure),
            }
        }
        let endpoint = self.endpoint(origin);
        if endpoint.host != origin.host || endpoint.port != origin.port {
            found.push(Deviation::ConnectTo);
        }
        if endpoint.addresses.is_some() && !matches!(endpoint.host, Host::V4(_) | Host::V6(_)) {
            found.push(Deviation::Resolve);
        }
        found
    }

    /// Whether literal addresses and overrides alone say that the way to `origin` ends on this machine.
    pub(crate) fn ends_on_loopback(&self, origin: &Origin) -> bool {
        let endpoint = self.endpoint(origin);
        match endpoint.addresses {
            Some(addresses) => addresses.iter().all(IpAddr::is_loopback),
            None => endpoint.host.is_loopback(),
        }
    }

    /// `--connect-to` first, then `--resolve` for the host that it leads to: curl's order.
    pub(crate) fn endpoint(&self, origin: &Origin) -> Endpoint {
        let detour =
            self.options.connect_to.iter().find(|detour| detour.applies_to(&origin.host, origin.port));
        let (host, port) = match detour {
            Some(detour) => detour.target(&origin.host, origin.port),
            None => (origin.host.clone(), origin.port),
        };
        let addresses = match &host {
            Host::V4(address) => Some(vec![IpAddr::V4(*address)]),
            Host::V6(address) => Some(vec![IpAddr::V6(*address)]),
            Host::Domain(name) => {
                self.options.resolve.iter().rev().find_map(|entry| entry.addresses_of(name, port))
            }
        };
        Endpoint { host, port, addresses }
    }

    /// The TLS settings, made when the first connection needs them: reading the system's certificates costs
    /// more than a request over plain http.
    pub(crate) fn tls(&self) -> Result<Arc<ClientConfig>, HttpError> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let config = Arc::new(tls::config(&self.options)?);
        Ok(self.tls.get_or_init(|| config).clone())
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of_url(url).unwrap()
    }

    fn with(resolve: &[&str], connect_to: &[&str]) -> Arc<Connection> {
        Connection::new(ConnectionOptions {
            resolve: resolve.iter().map(|text| Resolve::parse(text).unwrap()).collect(),
            connect_to: connect_to.iter().map(|text| ConnectTo::parse(text).unwrap()).collect(),
            ..ConnectionOptions::default()
        })
    }

    #[test]
    fn hostile_e65a_overrides_are_deviations_of_the_hosts_they_move() {
        let moved = with(&["api.example.com:443:6.6.6.6"], &[]);
        assert_eq!(moved.deviations(&origin("https://api.example.com")), [Deviation::Resolve]);
        assert!(!moved.ends_on_loopback(&origin("https://api.example.com")));
        assert_eq!(moved.deviations(&origin("https://other.example.com")), []);
        assert_eq!(moved.deviations(&origin("https://api.example.com:8443")), []);
        let detour = with(&[], &["api.example.com:443:evil.example:443"]);
        assert_eq!(detour.deviations(&origin("https://api.example.com")), [Deviation::ConnectTo]);
        let away = with(&["localhost:80:6.6.6.6"], &[]);
        assert!(!away.ends_on_loopback(&origin("http://localhost")));
    }

    #[test]
    fn hostile_e65a_trust_is_a_deviation_over_tls_only() {
        let insecure = Connection::new(ConnectionOptions {
            trust: Trust::InsecureAnybody,
            ..ConnectionOptions::default()
        });
        assert_eq!(insecure.deviations(&origin("https://api.example.com")), [Deviation::Insecure]);
        assert_eq!(insecure.deviations(&origin("http://api.example.com")), []);
    }

    #[test]
    fn overrides_that_end_here_are_known_to() {
        let here = with(&["api.example.com:443:127.0.0.1,[::1]"], &[]);
        assert!(here.ends_on_loopback(&origin("https://api.example.com")));
        let half = with(&["api.example.com:443:127.0.0.1,6.6.6.6"], &[]);
        assert!(!half.ends_on_loopback(&origin("https://api.example.com")));
        let chained = with(&["b.example:8443:127.0.0.1"], &["a.example:443:b.example:8443"]);
        assert!(chained.ends_on_loopback(&origin("https://a.example")));
        assert_eq!(
            chained.deviations(&origin("https://a.example")),
            [Deviation::ConnectTo, Deviation::Resolve]
        );
    }

    #[test]
    fn the_last_resolve_and_the_first_connect_to_count() {
        let both = with(&["a.example:80:1.1.1.1", "a.example:80:2.2.2.2"], &["::b.example:", "::c.example:"]);
        let endpoint = both.endpoint(&origin("http://a.example"));
        assert_eq!(endpoint.host.to_string(), "b.example");
        let one = with(&["*:80:1.1.1.1", "a.example:80:2.2.2.2"], &[]);
        assert_eq!(
            one.endpoint(&origin("http://a.example")).addresses,
            Some(vec!["2.2.2.2".parse().unwrap()])
        );
    }
}
