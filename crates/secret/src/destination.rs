//! Where a request really goes: origin, trust and route.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Origin;

/// Something in a request that changes whom it reaches or whom it trusts.
///
/// The words of configuration files are the kebab-case names (`insecure`, `custom-ca`, `resolve`,
/// `connect-to`, `foreign-host`, `proxy`, `interface`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deviation {
    /// Certificates are not checked (`-k`).
    Insecure,
    /// Certificates are checked against a CA that the request names (`--cacert`).
    CustomCa,
    /// The address comes from the request (`--resolve`).
    Resolve,
    /// The connection goes to another host (`--connect-to`).
    ConnectTo,
    /// The `Host` header names somebody else than the URL.
    ForeignHost,
    /// The connection goes through a proxy that the request names (`-x`).
    Proxy,
    /// The connection leaves by a network interface that the request names (`--interface`).
    Interface,
}

/// A text that names no [`Deviation`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is none of insecure, custom-ca, resolve, connect-to, foreign-host, proxy and interface")]
pub struct UnknownDeviation(pub String);

impl UnknownDeviation {
    /// A stable name for this kind of error.
    pub fn kind(&self) -> &'static str {
        "deviation_unknown"
    }
}

impl Deviation {
    /// Every deviation.
    pub const ALL: [Self; 7] = [
        Self::Insecure,
        Self::CustomCa,
        Self::Resolve,
        Self::ConnectTo,
        Self::ForeignHost,
        Self::Proxy,
        Self::Interface,
    ];

    /// The word for it in configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Insecure => "insecure",
            Self::CustomCa => "custom-ca",
            Self::Resolve => "resolve",
            Self::ConnectTo => "connect-to",
            Self::ForeignHost => "foreign-host",
            Self::Proxy => "proxy",
            Self::Interface => "interface",
        }
    }
}

impl fmt::Display for Deviation {
    /// What a person typed to get it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Insecure => "-k",
            Self::CustomCa => "--cacert",
            Self::Resolve => "--resolve",
            Self::ConnectTo => "--connect-to",
            Self::ForeignHost => "a foreign Host header",
            Self::Proxy => "--proxy",
            Self::Interface => "--interface",
        })
    }
}

impl FromStr for Deviation {
    type Err = UnknownDeviation;

    fn from_str(text: &str) -> Result<Self, UnknownDeviation> {
        let found = Self::ALL.into_iter().find(|deviation| deviation.word() == text);
        found.ok_or_else(|| UnknownDeviation(text.to_owned()))
    }
}

/// Where a request really goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What its URL says.
    pub origin: Origin,
    /// What departs from the plain route to that origin, in the order of the request.
    pub deviations: Vec<Deviation>,
    /// Whether the connection ends on this machine, as far as literal addresses and overrides tell before
    /// connecting. Whoever connects checks the real peer as well.
    pub ends_on_loopback: bool,
}

impl Destination {
    /// The plain way to `origin`: no deviation.
    pub fn plain(origin: Origin) -> Self {
        let ends_on_loopback = origin.host.is_loopback();
        Self { origin, deviations: Vec::new(), ends_on_loopback }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_there_and_back() {
        for deviation in Deviation::ALL {
            assert_eq!(deviation.word().parse(), Ok(deviation));
            assert_eq!(serde_json::to_string(&deviation).unwrap(), format!("{:?}", deviation.word()));
        }
        assert!("k".parse::<Deviation>().is_err());
    }

    #[test]
    fn plain_knows_loopback_from_the_literal_host() {
        let ends = |url| Destination::plain(Origin::of_url(url).unwrap()).ends_on_loopback;
        assert!(ends("http://127.0.0.1:8080"));
        assert!(ends("http://localhost"));
        assert!(!ends("https://localhost.example.com"));
    }
}
