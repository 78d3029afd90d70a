//! How a request reaches its host: trust, client certificate, route and protocol.
//!
//! A [`Connection`] is made once and never changes. The plan that judges a request and the transport that sends
//! it hold the same one, so what was judged is what is used; connections are pooled by its identity, so one that
//! was opened with `-k` is never handed to a request without it.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use subrosa_secret::{Destination, Deviation, Host, HostRule, Origin, Scheme};

use crate::certificate::{self, CertificateFacts};
use crate::error::HttpError;
use crate::identity::Identity;
use crate::proxy::{Proxy, ProxyKind};
use crate::route::{ConnectTo, Resolve};
use crate::socket::{Interface, SocketOptions, UnixSocket};
use crate::tls_options::TlsOptions;
use crate::transport::tls::{self, TlsSettings};

/// Which versions of HTTP are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/2 and HTTP/1.1 where TLS lets the two choose, as curl offers by default and with `--http2`.
    #[default]
    Http2,
    /// HTTP/2 only, over plain http too (`--http2-prior-knowledge`).
    Http2Only,
    /// HTTP/1.1 only (`--http1.1`).
    Http11,
    /// HTTP/1.0 only (`--http1.0`).
    Http10,
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

/// What the user keeps for the hosts of a rule, to be used by itself over https.
///
/// Unlike [`Trust::Ca`] and the identity of a request it belongs to the user's own setup, so that it is no deviation.
#[derive(Clone)]
pub struct Kept {
    /// What whoever keeps it knows it by, for records of its use.
    pub id: String,
    /// The hosts. Placements of the rule have no meaning here.
    pub rule: HostRule,
    /// The client certificate to show them.
    pub identity: Option<Identity>,
    /// Who may vouch for them besides those whom the system trusts; empty for nobody.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// What a [`Connection`] is made of.
#[derive(Default)]
pub struct ConnectionOptions {
    /// Whom to trust over TLS.
    pub trust: Trust,
    /// The client certificate to show when a server asks; used over TLS only.
    pub identity: Option<Identity>,
    /// What is kept by host, in the order in which it was added: of several that fit, the last counts. An `identity`
    /// counts before it, and so does a `trust` that is not the system's.
    pub kept: Vec<Kept>,
    /// Addresses that stand for hosts (`--resolve`); of several for one host and port the last counts.
    pub resolve: Vec<Resolve>,
    /// Hosts that stand for hosts (`--connect-to`); the first that fits counts.
    pub connect_to: Vec<ConnectTo>,
    /// The proxy to go through (`-x`). None of the environment's is ever used.
    pub proxy: Option<Proxy>,
    /// The versions of HTTP to offer.
    pub protocol: Protocol,
    /// What TLS has to be like beyond being safe.
    pub tls: TlsOptions,
    /// How sockets are made.
    pub socket: SocketOptions,
    /// The socket of this machine that stands for every host (`--unix-socket`): no name is looked up and no proxy used.
    pub unix_socket: Option<UnixSocket>,
}

/// A way to reach hosts, fixed for good.
pub struct Connection {
    options: ConnectionOptions,
    tls: Mutex<Vec<(TlsChoice, Arc<ClientConfig>)>>,
}

/// Which of the kept identities and authorities are for an origin, by their places, and what is offered to it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct TlsChoice {
    identity: Option<usize>,
    authorities: Option<usize>,
    /// Whether HTTP/2 is not offered.
    http1_only: bool,
}

/// Where to open the connection to for an origin.
pub(crate) struct Endpoint {
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// Known addresses: no name is looked up.
    pub(crate) addresses: Option<Vec<IpAddr>>,
}

impl Endpoint {
    /// Whether it is on this machine, as far as literal addresses tell.
    fn is_loopback(&self) -> bool {
        match &self.addresses {
            Some(addresses) => addresses.iter().all(IpAddr::is_loopback),
            None => self.host.is_loopback(),
        }
    }
}

impl Trust {
    /// The certificates of a PEM file, to trust in place of the system's (`--cacert`).
    ///
    /// # Errors
    /// `CaFile` when the file cannot be read or holds no certificate.
    pub fn from_ca_file(path: &Path) -> Result<Self, HttpError> {
        read_authorities(path).map(Self::Ca)
    }
}

/// The certificates of a PEM file of authorities.
///
/// # Errors
/// `CaFile` when the file cannot be read or holds no certificate.
pub fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let failed = |source| HttpError::CaFile { path: path.to_owned(), source };
    let pem = fs::read(path).map_err(failed)?;
    authorities(&pem).map_err(|why| failed(io::Error::new(io::ErrorKind::InvalidData, why)))
}

/// The certificates of a PEM text of authorities; at least one.
///
/// # Errors
/// What is wrong with the text.
pub fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(found) if found.is_empty() => Err("it holds no certificate"),
        Ok(found) => Ok(found),
        Err(_) => Err("it is not valid PEM"),
    }
}

/// The authorities that a user wants to keep: any number in PEM, or one in DER.
///
/// # Errors
/// `AuthorityRefused` where there is none, or one of them is no authority: a certificate that may issue no others
/// (RFC 5280, 4.2.1.9) would vouch for nobody.
pub fn authorities_to_keep(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let refused = |why: &str| HttpError::AuthorityRefused { why: why.to_owned() };
    let found = match certificate::facts(bytes) {
        Some(_) => vec![CertificateDer::from(bytes.to_vec())],
        None => authorities(bytes).map_err(refused)?,
    };
    for one in &found {
        let facts = certificate::facts(one).ok_or_else(|| refused("a certificate in it cannot be read"))?;
        let CertificateFacts { subject, is_authority: true, .. } = &facts else {
            return Err(refused(&format!(
                "{} is no authority but somebody's own certificate",
                facts.subject
            )));
        };
        if RootCertStore::empty().add(one.clone()).is_err() {
            return Err(refused(&format!("{subject} is of a kind that TLS cannot use")));
        }
    }
    Ok(found)
}

impl Connection {
    /// Fixes `options`.
    #[must_use]
    pub fn new(options: ConnectionOptions) -> Arc<Self> {
        Arc::new(Self { options, tls: Mutex::default() })
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
        if self.options.unix_socket.is_some() {
            return found;
        }
        let endpoint = self.far_end(origin);
        if endpoint.host != origin.host || endpoint.port != origin.port {
            found.push(Deviation::ConnectTo);
        }
        if endpoint.addresses.is_some() && !matches!(endpoint.host, Host::V4(_) | Host::V6(_)) {
            found.push(Deviation::Resolve);
        }
        if self.binds_to_device() {
            found.push(Deviation::Interface);
        }
        if self.proxy_for(origin).is_some() {
            found.push(Deviation::Proxy);
        }
        found
    }

    /// The proxy on the way to `origin`.
    pub(crate) fn proxy_for(&self, origin: &Origin) -> Option<&Proxy> {
        let proxy = self.options.proxy.as_ref().filter(|_| self.options.unix_socket.is_none());
        proxy.filter(|proxy| !proxy.except.covers(&origin.host))
    }

    /// An address of this machine says nothing of the way; an interface takes the system's routes away.
    fn binds_to_device(&self) -> bool {
        matches!(self.options.socket.interface, Some(Interface::Device(_)))
    }

    /// Whether the proxy is handed the request itself, and not asked for a tunnel: plain http, unless a tunnel is
    /// wanted or the request goes to another host than its URL says, as with curl.
    pub(crate) fn forwards(&self, origin: &Origin) -> bool {
        let plain = origin.scheme == Scheme::Http && self.detour(origin).is_none();
        self.proxy_for(origin).is_some_and(|proxy| proxy.kind() == ProxyKind::Http && !proxy.tunnel && plain)
    }

    /// The proxy as a destination: of the deviations only those of the way to itself.
    pub(crate) fn proxy_destination(&self, proxy: &Proxy) -> Destination {
        let endpoint = self.near_end(proxy);
        let mut deviations = Vec::new();
        if proxy.origin().scheme == Scheme::Https && !proxy.authorities.is_empty() {
            deviations.push(Deviation::CustomCa);
        }
        let is_named = matches!(endpoint.host, Host::Domain(_));
        if is_named && endpoint.addresses.is_some() {
            deviations.push(Deviation::Resolve);
        }
        if self.binds_to_device() {
            deviations.push(Deviation::Interface);
        }
        Destination { origin: proxy.origin().clone(), deviations, ends_on_loopback: endpoint.is_loopback() }
    }

    /// Whether literal addresses and overrides alone say that the way to `origin` ends on this machine. What goes
    /// through a proxy ends where the proxy lets it, which nobody here can see.
    pub(crate) fn ends_on_loopback(&self, origin: &Origin) -> bool {
        // what listens at a socket is here; whose it is is asked when the connection stands
        self.options.unix_socket.is_some()
            || (self.proxy_for(origin).is_none() && self.far_end(origin).is_loopback())
    }

    /// Where to open a connection to for `origin`: the proxy, or the host itself.
    pub(crate) fn endpoint(&self, origin: &Origin) -> Endpoint {
        self.proxy_for(origin).map_or_else(|| self.far_end(origin), |proxy| self.near_end(proxy))
    }

    fn near_end(&self, proxy: &Proxy) -> Endpoint {
        let (host, port) = (proxy.origin().host.clone(), proxy.origin().port);
        Endpoint { addresses: self.addresses(&host, port), host, port }
    }

    fn detour(&self, origin: &Origin) -> Option<&ConnectTo> {
        self.options.connect_to.iter().find(|detour| detour.applies_to(&origin.host, origin.port))
    }

    /// `--connect-to` first, then `--resolve` for the host that it leads to: curl's order.
    pub(crate) fn far_end(&self, origin: &Origin) -> Endpoint {
        let (host, port) = match self.detour(origin) {
            Some(detour) => detour.target(&origin.host, origin.port),
            None => (origin.host.clone(), origin.port),
        };
        Endpoint { addresses: self.addresses(&host, port), host, port }
    }

    fn addresses(&self, host: &Host, port: u16) -> Option<Vec<IpAddr>> {
        match host {
            Host::V4(address) => Some(vec![IpAddr::V4(*address)]),
            Host::V6(address) => Some(vec![IpAddr::V6(*address)]),
            Host::Domain(name) => {
                self.options.resolve.iter().rev().find_map(|entry| entry.addresses_of(name, port))
            }
        }
    }

    /// The TLS settings for an https proxy. It speaks HTTP/1.1, and is trusted apart from hosts: `-k` is not for it.
    pub(crate) fn proxy_tls(&self, proxy: &Proxy) -> Result<Arc<ClientConfig>, HttpError> {
        let choice = self.choice_for_proxy(proxy);
        let trust = match &proxy.authorities[..] {
            [] => Trust::System,
            own => Trust::Ca(own.to_vec()),
        };
        let kept = &self.options.kept;
        let config = tls::config(&TlsSettings {
            trust: &trust,
            authorities: choice.authorities.map_or(&[], |at| &kept[at].authorities),
            identity: choice.identity.and_then(|at| kept[at].identity.as_ref()),
            protocol: Protocol::Http11,
            options: &TlsOptions::default(),
        });
        config.map(Arc::new)
    }

    /// The TLS settings for `origin`, made when the first connection needs them: reading the system's certificates
    /// costs more than a request over plain http.
    pub(crate) fn tls(&self, origin: &Origin, http1_only: bool) -> Result<Arc<ClientConfig>, HttpError> {
        let choice = TlsChoice { http1_only, ..self.choice(origin) };
        let mut made = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = made.iter().find(|(known, _)| *known == choice) {
            return Ok(config.clone());
        }
        let kept = &self.options.kept;
        let config = Arc::new(tls::config(&TlsSettings {
            trust: &self.options.trust,
            authorities: choice.authorities.map_or(&[], |at| &kept[at].authorities),
            identity: self
                .options
                .identity
                .as_ref()
                .or(choice.identity.and_then(|at| kept[at].identity.as_ref())),
            protocol: if http1_only { Protocol::Http11 } else { self.options.protocol },
            options: &self.options.tls,
        })?);
        made.push((choice, config.clone()));
        Ok(config)
    }

    pub(crate) fn options(&self) -> &ConnectionOptions {
        &self.options
    }

    /// What is kept and would be used for `origin`: the entry whose identity is shown, and the one whose authorities
    /// are trusted.
    pub(crate) fn kept_for(&self, origin: &Origin) -> (Option<&Kept>, Option<&Kept>) {
        self.chosen(self.choice(origin))
    }

    /// The same for a proxy that is spoken to over TLS.
    pub(crate) fn kept_for_proxy(&self, proxy: &Proxy) -> (Option<&Kept>, Option<&Kept>) {
        self.chosen(self.choice_for_proxy(proxy))
    }

    fn chosen(&self, choice: TlsChoice) -> (Option<&Kept>, Option<&Kept>) {
        let kept = |at: Option<usize>| at.and_then(|at| self.options.kept.get(at));
        (kept(choice.identity), kept(choice.authorities))
    }

    fn choice(&self, origin: &Origin) -> TlsChoice {
        let own_trust = !matches!(self.options.trust, Trust::System);
        self.last_kept(origin, self.options.identity.is_some(), own_trust)
    }

    /// What a request says of its host is not said of the proxy.
    fn choice_for_proxy(&self, proxy: &Proxy) -> TlsChoice {
        self.last_kept(proxy.origin(), false, !proxy.authorities.is_empty())
    }

    fn last_kept(&self, origin: &Origin, own_identity: bool, own_trust: bool) -> TlsChoice {
        let last = |wanted: &dyn Fn(&Kept) -> bool| {
            let fits = |kept: &Kept| wanted(kept) && kept.rule.matches(origin);
            self.options.kept.iter().rposition(fits).filter(|_| origin.scheme == Scheme::Https)
        };
        TlsChoice {
            identity: last(&|kept| !own_identity && kept.identity.is_some()),
            authorities: last(&|kept| !own_trust && !kept.authorities.is_empty()),
            http1_only: false,
        }
    }
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
    fn hostile_e65a_an_interface_is_a_deviation_and_an_address_none() {
        let begins_at = |text: &str| {
            let socket =
                SocketOptions { interface: Some(Interface::parse(text).unwrap()), ..Default::default() };
            Connection::new(ConnectionOptions { socket, ..ConnectionOptions::default() })
        };
        let away = origin("https://api.example.com");
        assert_eq!(begins_at("tun0").deviations(&away), [Deviation::Interface]);
        assert_eq!(begins_at("10.0.0.1").deviations(&away), []);
    }

    #[test]
    fn a_unix_socket_is_here_and_takes_the_place_of_every_detour() {
        let options = ConnectionOptions {
            unix_socket: Some(UnixSocket::Path("/run/a".into())),
            proxy: Some(Proxy::parse(&"http://proxy.example".into()).unwrap()),
            connect_to: vec![ConnectTo::parse("::b.example:").unwrap()],
            ..ConnectionOptions::default()
        };
        let connection = Connection::new(options);
        let api = origin("http://api.example.com");
        assert!(connection.ends_on_loopback(&api) && connection.proxy_for(&api).is_none());
        assert_eq!(connection.deviations(&api), []);
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
