//! How the socket of a connection is made: of which family, from where, over which path.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::HttpError;

/// Which addresses of a host are tried (`-4`, `-6`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// All of them.
    #[default]
    Any,
    /// Those of IPv4.
    V4,
    /// Those of IPv6.
    V6,
}

/// Where a connection begins (`--interface`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interface {
    /// At this address.
    Address(IpAddr),
    /// At the network interface of this name.
    Device(String),
}

/// What asks whether the other end of a silent connection is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepAlive {
    /// After how long a silence, and how often then.
    pub time: Duration,
    /// How many times; the system's own number if there is none.
    pub count: Option<u32>,
}

impl Default for KeepAlive {
    /// curl's: every minute.
    fn default() -> Self {
        Self { time: Duration::from_secs(60), count: None }
    }
}

/// A socket of this machine that takes the place of the network (`--unix-socket`, `--abstract-unix-socket`).
///
/// What listens at one is on this machine, as on loopback. Requests with a secret go through only where it belongs to
/// the user or to root: on loopback that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnixSocket {
    /// At this path.
    Path(PathBuf),
    /// Of this name, which is no file (Linux).
    Abstract(String),
}

/// The settings of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketOptions {
    /// Which addresses are tried.
    pub family: Family,
    /// How long one address is waited for before the next is tried beside it (RFC 8305, 5).
    pub head_start: Duration,
    /// Where the connection begins.
    pub interface: Option<Interface>,
    /// The ports of this machine of which the first that is free is used (`--local-port`).
    pub local_ports: Option<RangeInclusive<u16>>,
    /// `None` asks nobody.
    pub keep_alive: Option<KeepAlive>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            family: Family::Any,
            head_start: Duration::from_millis(200),
            interface: None,
            local_ports: None,
            keep_alive: Some(KeepAlive::default()),
        }
    }
}

impl Family {
    pub(crate) fn takes(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

impl Interface {
    /// Reads the text of `--interface`: an address, the name of an interface, or either with curl's `host!` or `if!`
    /// before it.
    ///
    /// # Errors
    /// `OptionMalformed` for a name behind `host!`, which is not looked up.
    pub fn parse(text: &str) -> Result<Self, HttpError> {
        let failed = |why| HttpError::OptionMalformed { option: "--interface", why };
        if let Some(name) = text.strip_prefix("if!") {
            return Ok(Self::Device(name.to_owned()));
        }
        let (text, must) = text.strip_prefix("host!").map_or((text, false), |rest| (rest, true));
        match text.parse() {
            Ok(address) => Ok(Self::Address(address)),
            Err(_) if must => Err(failed("host! stands before an address")),
            Err(_) if text.is_empty() => Err(failed("it is empty")),
            Err(_) => Ok(Self::Device(text.to_owned())),
        }
    }
}

impl SocketOptions {
    /// Whether something has to be bound before a connection is made.
    pub(crate) fn binds(&self) -> bool {
        self.interface.is_some() || self.local_ports.is_some()
    }

    /// The local addresses to try for a connection to `remote`; of the other family there is none.
    pub(crate) fn local_addresses(&self, remote: SocketAddr) -> Vec<SocketAddr> {
        let ip = match &self.interface {
            Some(Interface::Address(own)) if own.is_ipv4() != remote.is_ipv4() => return Vec::new(),
            Some(Interface::Address(own)) => *own,
            _ if remote.is_ipv4() => Ipv4Addr::UNSPECIFIED.into(),
            _ => Ipv6Addr::UNSPECIFIED.into(),
        };
        let ports = self.local_ports.clone().unwrap_or(0..=0);
        ports.map(|port| SocketAddr::new(ip, port)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_addresses_or_names() {
        let address = |text: &str| Interface::Address(text.parse().unwrap());
        for (text, interface) in [
            ("127.0.0.1", address("127.0.0.1")),
            ("::1", address("::1")),
            ("host!10.0.0.1", address("10.0.0.1")),
            ("eth0", Interface::Device("eth0".to_owned())),
            ("if!10.0.0.1", Interface::Device("10.0.0.1".to_owned())),
        ] {
            assert_eq!(Interface::parse(text).unwrap(), interface, "{text}");
        }
        for wrong in ["", "host!", "host!example.com"] {
            assert_eq!(Interface::parse(wrong).unwrap_err().kind(), "option_malformed", "{wrong}");
        }
    }

    #[test]
    fn local_addresses_are_of_the_family_of_the_other_end() {
        let remote: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let mut options = SocketOptions { local_ports: Some(7..=8), ..SocketOptions::default() };
        let text = |options: &SocketOptions| {
            options.local_addresses(remote).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(text(&options), ["0.0.0.0:7", "0.0.0.0:8"]);
        options.interface = Some(Interface::parse("::1").unwrap());
        assert!(text(&options).is_empty());
        options.interface = Some(Interface::parse("127.0.0.2").unwrap());
        assert_eq!(text(&options), ["127.0.0.2:7", "127.0.0.2:8"]);
    }
}
