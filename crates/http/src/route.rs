//! `--resolve` and `--connect-to`, as curl reads them.

use std::net::IpAddr;

use subrosa_secret::Host;

use crate::error::HttpError;

/// `host:port:addr[,addr]...`: addresses that stand for a host. `*` is any host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    host: Option<Host>,
    port: u16,
    addresses: Vec<IpAddr>,
}

/// `host1:port1:host2:port2`: requests to the first go to the second. Empty parts are "any" and "the same".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    from: (Option<Host>, Option<u16>),
    to: (Option<Host>, Option<u16>),
}

impl Resolve {
    /// Reads the text of one `--resolve`. A leading `+` (let the entry expire) has no effect here.
    ///
    /// # Errors
    /// `OptionMalformed`.
    pub fn parse(text: &str) -> Result<Self, HttpError> {
        let failed = |why| HttpError::OptionMalformed { option: "--resolve", why };
        if text.starts_with('-') {
            return Err(failed("removing an entry is not supported"));
        }
        let text = text.strip_prefix('+').unwrap_or(text);
        let (host, rest) = split_host(text).ok_or(failed("expected HOST:PORT:ADDRESS"))?;
        let (port, list) = rest.split_once(':').ok_or(failed("expected HOST:PORT:ADDRESS"))?;
        let addresses: Option<Vec<_>> = list.split(',').map(address).collect();
        Ok(Self {
            host: if host == "*" { None } else { Some(host_of(host).ok_or(failed("invalid host"))?) },
            port: port_of(port).ok_or(failed("invalid port"))?,
            addresses: addresses.ok_or(failed("invalid address"))?,
        })
    }

    pub(crate) fn addresses_of(&self, name: &str, port: u16) -> Option<Vec<IpAddr>> {
        let fits = match &self.host {
            None => true,
            Some(Host::Domain(own)) => own == name,
            Some(_) => false,
        };
        (fits && self.port == port).then(|| self.addresses.clone())
    }
}

impl ConnectTo {
    /// Reads the text of one `--connect-to`.
    ///
    /// # Errors
    /// `OptionMalformed`.
    pub fn parse(text: &str) -> Result<Self, HttpError> {
        let failed = |why| HttpError::OptionMalformed { option: "--connect-to", why };
        let shape = || failed("expected HOST1:PORT1:HOST2:PORT2");
        let (from_host, rest) = split_host(text).ok_or_else(shape)?;
        let (from_port, rest) = rest.split_once(':').ok_or_else(shape)?;
        let (to_host, to_port) = split_host(rest).ok_or_else(shape)?;
        let host = |text: &str| match text {
            "" => Ok(None),
            text => host_of(text).map(Some).ok_or(failed("invalid host")),
        };
        let port = |text: &str| match text {
            "" => Ok(None),
            text => port_of(text).map(Some).ok_or(failed("invalid port")),
        };
        Ok(Self { from: (host(from_host)?, port(from_port)?), to: (host(to_host)?, port(to_port)?) })
    }

    pub(crate) fn applies_to(&self, host: &Host, port: u16) -> bool {
        self.from.0.as_ref().is_none_or(|own| own == host) && self.from.1.is_none_or(|own| own == port)
    }

    pub(crate) fn target(&self, host: &Host, port: u16) -> (Host, u16) {
        (self.to.0.clone().unwrap_or_else(|| host.clone()), self.to.1.unwrap_or(port))
    }
}

/// The host in front of the next colon that is not inside brackets.
fn split_host(text: &str) -> Option<(&str, &str)> {
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        return Some((&text[..end], text[end..].strip_prefix(':')?));
    }
    text.split_once(':')
}

fn host_of(text: &str) -> Option<Host> {
    Host::parse(text).ok()
}

fn port_of(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

fn address(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_reads_every_spelling_of_an_address() {
        let entry = Resolve::parse("+api.example.com:443:127.0.0.1,[::1],::2").unwrap();
        let addresses = entry.addresses_of("api.example.com", 443).unwrap();
        assert_eq!(addresses.len(), 3);
        assert_eq!(entry.addresses_of("api.example.com", 80), None);
        assert_eq!(entry.addresses_of("other.example.com", 443), None);
        assert!(Resolve::parse("*:80:1.2.3.4").unwrap().addresses_of("any.example", 80).is_some());
    }

    #[test]
    fn damaged_texts_are_refused() {
        for text in [
            "",
            "a",
            "a:1",
            "a:0:1.2.3.4",
            "a:+1:1.2.3.4",
            "a:1:",
            "a:1:1.2.3",
            "a:1:1.2.3.4,",
            "-a:1",
            "a b:1:1.2.3.4",
        ] {
            assert!(Resolve::parse(text).is_err(), "{text:?}");
        }
        for text in ["", "a", "a:1", "a:1:b", "a:x:b:1", "[::1:1:b:1", "a:1:b:1:c"] {
            assert!(ConnectTo::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn connect_to_has_blanks() {
        let host = |text| Host::parse(text).unwrap();
        let any = ConnectTo::parse("::[::1]:8443").unwrap();
        assert!(any.applies_to(&host("x.example"), 1));
        assert_eq!(any.target(&host("x.example"), 1), (host("[::1]"), 8443));
        let port = ConnectTo::parse("x.example:443::8443").unwrap();
        assert!(!port.applies_to(&host("x.example"), 80));
        assert_eq!(port.target(&host("x.example"), 443), (host("x.example"), 8443));
    }
}
