//! The schemes that a secret can travel by.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A scheme that subrosa sends by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// HTTP over TLS.
    Https,
    /// HTTP in clear text.
    Http,
    /// WebSocket over TLS.
    Wss,
    /// WebSocket in clear text.
    Ws,
}

/// A scheme that is none of `https`, `http`, `wss` and `ws`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the scheme is none of https, http, wss and ws")]
pub struct UnknownScheme;

impl Scheme {
    /// The port that a URL of this scheme has when it names none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Https | Self::Wss => 443,
            Self::Http | Self::Ws => 80,
        }
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Https | Self::Wss)
    }

    /// The lower-case word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Wss => "wss",
            Self::Ws => "ws",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(text: &str) -> Result<Self, UnknownScheme> {
        [Self::Https, Self::Http, Self::Wss, Self::Ws]
            .into_iter()
            .find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
            .ok_or(UnknownScheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_any_case_and_nothing_else() {
        assert_eq!("HttpS".parse(), Ok(Scheme::Https));
        assert_eq!("ws".parse(), Ok(Scheme::Ws));
        assert_eq!("ftp".parse::<Scheme>(), Err(UnknownScheme));
        assert_eq!("https:".parse::<Scheme>(), Err(UnknownScheme));
    }
}
