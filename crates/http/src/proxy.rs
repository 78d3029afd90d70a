//! Proxies that a request names (`-x`, `-U`, `--noproxy`, `--proxy-header`), as curl reads them.
//!
//! A proxy is a destination of its own: its credentials go to it and to nobody else, and are judged by the rules for
//! its own origin, `http://proxy.example:3128`. SOCKS has no scheme that rules know; as it carries its credentials in
//! plain, it counts as `http`. What goes *through* a proxy has [`Deviation::Proxy`](subrosa_secret::Deviation::Proxy),
//! and never ends on loopback as far as anybody here can tell.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use subrosa_secret::{Host, Origin, Scheme};

use crate::error::HttpError;
use crate::header::HeaderField;
use crate::substitute::Rule;
use crate::target::SplitUrl;
use crate::template::{Around, MalformedUse, Scanned, Slot, Template};
use crate::text::Text;

const PLACE: &str = "proxy user:password";
/// curl's: of old that of SOCKS, and kept for plain HTTP proxies.
const DEFAULT_PORT: u16 = 1080;
const DEFAULT_HTTPS_PORT: u16 = 443;

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP, in plain or over TLS.
    Http,
    /// SOCKS 5 (RFC 1928) with names looked up here (`socks5://`).
    Socks5,
    /// SOCKS 5 with names looked up by the proxy (`socks5h://`).
    Socks5Hostname,
}

/// A proxy, and what it is told.
#[derive(Clone)]
pub struct Proxy {
    kind: ProxyKind,
    origin: Origin,
    /// `user`, `:` and `password`, decoded.
    userinfo: Option<Vec<Template>>,
    malformed: Vec<MalformedUse>,
    /// Headers for it alone (`--proxy-header`).
    pub headers: Vec<HeaderField>,
    /// The User-Agent that it is told; the default one if there is none.
    pub user_agent: Option<Text>,
    /// Whether plain http goes through a tunnel too (`-p`).
    pub tunnel: bool,
    /// Whether its answers to CONNECT are no part of the response (`--suppress-connect-headers`).
    pub hides_answers: bool,
    /// Hosts that are reached without it (`--noproxy`).
    pub except: NoProxy,
    /// Whom to trust as an https proxy in place of the system's authorities (`--proxy-cacert`); empty for the system's.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// The hosts of `--noproxy`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy {
    all: bool,
    names: Vec<String>,
    networks: Vec<(IpAddr, u8)>,
}

impl Proxy {
    /// Reads the text of `-x`: `[scheme://][user:password@]host[:port]`, with references in user and password.
    ///
    /// # Errors
    /// `ProxySchemeUnsupported` and `ProxyMalformed`.
    pub fn parse(text: &Text) -> Result<Self, HttpError> {
        Self::with_default(text, "http")
    }

    /// The same for a text without a scheme of its own (`--socks5`, `--socks5-hostname`).
    ///
    /// # Errors
    /// As [`Proxy::parse`].
    pub fn parse_socks(text: &Text, kind: ProxyKind) -> Result<Self, HttpError> {
        Self::with_default(text, if kind == ProxyKind::Socks5 { "socks5" } else { "socks5h" })
    }

    fn with_default(text: &Text, default: &str) -> Result<Self, HttpError> {
        let bytes = text.as_bytes();
        let split = bytes.windows(3).position(|window| window == b"://");
        let (scheme, rest) = match split {
            Some(at) => (String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase(), text.from(at + 3)),
            None => (default.to_owned(), text.clone()),
        };
        let (kind, scheme, default_port) = match scheme.as_str() {
            "http" => (ProxyKind::Http, Scheme::Http, DEFAULT_PORT),
            "https" => (ProxyKind::Http, Scheme::Https, DEFAULT_HTTPS_PORT),
            "socks5" => (ProxyKind::Socks5, Scheme::Http, DEFAULT_PORT),
            "socks5h" => (ProxyKind::Socks5Hostname, Scheme::Http, DEFAULT_PORT),
            _ => return Err(HttpError::ProxySchemeUnsupported),
        };
        let malformed = |error: HttpError| match error {
            HttpError::UrlMalformed { why } => HttpError::ProxyMalformed { why },
            other => other,
        };
        let url = rest.preceded_by(b"http://");
        let (url, parts) = SplitUrl::of(&url).map_err(malformed)?;
        let userinfo = parts.userinfo.clone().map(|range| url.userinfo(range, PLACE)).transpose();
        let port = if parts.port_range.is_some() { parts.port } else { default_port };
        Ok(Self {
            kind,
            origin: Origin { scheme, host: parts.host, port },
            userinfo: userinfo.map_err(malformed)?,
            malformed: Vec::new(),
            headers: Vec::new(),
            user_agent: None,
            tunnel: false,
            hides_answers: false,
            except: NoProxy::default(),
            authorities: Vec::new(),
        })
    }

    /// Who it is. Rules for secrets that it is told are judged by this.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What it speaks.
    #[must_use]
    pub fn kind(&self) -> ProxyKind {
        self.kind
    }

    /// Takes the text of `-U`, `user:password`. What stands in the URL itself counts before it, as with curl.
    pub fn set_user(&mut self, text: &Text) {
        if self.userinfo.is_some() {
            return;
        }
        let scanned = Scanned::of(text);
        let masked = scanned.masked(text.as_bytes(), b'v');
        let end = masked.len();
        let colon = masked.iter().position(|byte| *byte == b':').unwrap_or(end);
        let faults = scanned.malformed.into_iter();
        self.malformed.extend(faults.map(|fault| MalformedUse { place: PLACE.to_owned(), fault }));
        // a text that is one reference may hold both
        let whole = colon == end && !scanned.references.is_empty();
        let part = |range: std::ops::Range<usize>, rule| {
            let inside = scanned
                .references
                .iter()
                .filter(|(_, span)| range.start <= span.start && span.end <= range.end);
            let slots =
                inside.map(|(name, span)| Slot { name: name.clone(), span: span.clone(), rule }).collect();
            Template::with_slots(text, range, slots, PLACE).around(Around::Decoded)
        };
        self.userinfo = Some(if whole {
            vec![part(0..end, Rule::BasicPassword)]
        } else {
            let user = part(0..colon, Rule::BasicUser);
            vec![user, Template::fixed(":"), part((colon + 1).min(end)..end, Rule::BasicPassword)]
        });
    }

    pub(crate) fn userinfo(&self) -> Option<&[Template]> {
        self.userinfo.as_deref()
    }

    pub(crate) fn names_header(&self, name: &str) -> bool {
        self.headers.iter().any(|field| field.is(name))
    }

    pub(crate) fn malformed(&self) -> &[MalformedUse] {
        &self.malformed
    }
}

impl NoProxy {
    /// Reads the text of `--noproxy`: names and addresses, networks among them, between commas or spaces; `*` is every
    /// host. A name stands for its subdomains too. What can be neither is a name that no host has.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut found = Self::default();
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            match network(word) {
                _ if word == "*" => found.all = true,
                Some(network) => found.networks.push(network),
                None => {
                    let name = word.strip_prefix('.').unwrap_or(word);
                    found.names.push(name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase());
                }
            }
        }
        found
    }

    /// Whether a host is reached without a proxy.
    #[must_use]
    pub fn covers(&self, host: &Host) -> bool {
        let address = match host {
            _ if self.all => return true,
            Host::Domain(name) => {
                return self.names.iter().any(|own| {
                    let rest = name.strip_suffix(own.as_str());
                    !own.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                });
            }
            Host::V4(address) => IpAddr::V4(*address),
            Host::V6(address) => IpAddr::V6(*address),
        };
        self.networks.iter().any(|(network, bits)| is_in(address, *network, *bits))
    }
}

fn network(word: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match word.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (word, None),
    };
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    let address: IpAddr = bare.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    Some((address, bits.unwrap_or(all))).filter(|(_, bits)| *bits <= all)
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (own, other, width) = match (address, network) {
        (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits().into(), other.to_bits().into(), 32),
        (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let (own, other): (u128, u128) = (own, other);
    bits == 0 || own >> (width - bits) == other >> (width - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Proxy, HttpError> {
        Proxy::parse(&Text::new(text))
    }

    #[test]
    fn schemes_and_ports_are_curls() {
        for (text, kind, origin) in [
            ("proxy.example", ProxyKind::Http, "http://proxy.example:1080"),
            ("http://proxy.example:80/ignored?x", ProxyKind::Http, "http://proxy.example"),
            ("HTTPS://proxy.example", ProxyKind::Http, "https://proxy.example"),
            ("socks5://u:p@[::1]:9050", ProxyKind::Socks5, "http://[::1]:9050"),
            ("socks5h://proxy.example", ProxyKind::Socks5Hostname, "http://proxy.example:1080"),
            ("u:<<vault:a/b>>@proxy.example:3128", ProxyKind::Http, "http://proxy.example:3128"),
        ] {
            let proxy = parse(text).unwrap();
            assert_eq!((proxy.kind, proxy.origin.to_string().as_str()), (kind, origin), "{text}");
        }
        let socks = Proxy::parse_socks(&Text::new("127.0.0.1:1"), ProxyKind::Socks5).unwrap();
        assert_eq!(socks.kind, ProxyKind::Socks5);
    }

    #[test]
    fn hostile_e48_what_parsers_read_differently_is_no_proxy() {
        for text in [
            "",
            "http://",
            "http://a@b@c",
            "pro xy",
            "http://[::1:3",
            "proxy:99999",
            "a\\@b",
            "<<vault:host>>:3128",
        ] {
            let error = parse(text).err().unwrap();
            assert!(matches!(error.kind(), "proxy_malformed" | "reference_not_allowed"), "{text}: {error}");
        }
        for text in ["socks4://proxy", "ftp://proxy", "://proxy"] {
            assert_eq!(parse(text).err().unwrap().curl_code(), Some(7), "{text}");
        }
    }

    #[test]
    fn hosts_that_need_no_proxy() {
        let covers = |list: &str, host: &str| NoProxy::parse(list).covers(&Host::parse(host).unwrap());
        for (list, host) in [
            ("*", "any.example"),
            ("example.com", "example.com"),
            ("example.com", "a.b.example.com"),
            (".example.com", "example.com"),
            ("a.example, EXAMPLE.com.", "x.example.com"),
            ("127.0.0.1", "127.0.0.1"),
            ("10.0.0.0/8", "10.9.9.9"),
            ("0.0.0.0/0", "10.9.9.9"),
            ("[::1]", "[::1]"),
            ("fe80::/10", "[fe80::1]"),
            ("::/0", "[fe80::1]"),
        ] {
            assert!(covers(list, host), "{list} covers {host}");
        }
        for (list, host) in [
            ("", "example.com"),
            ("example.com", "notexample.com"),
            ("example.com", "example.com.evil.com"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/33", "10.0.0.1"),
            ("127.0.0.1", "[::1]"),
            (".", "example.com"),
        ] {
            assert!(!covers(list, host), "{list} does not cover {host}");
        }
    }
}
