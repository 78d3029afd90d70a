//! Origins: where a connection goes.

use std::{fmt, str::FromStr};

use crate::{Host, Scheme, UrlError, UrlParts};

/// Scheme, host and port, as in RFC 6454.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Who it is.
    pub host: Host,
    /// The port, never 0.
    pub port: u16,
}

impl Origin {
    /// The origin of a URL, judged as [`UrlParts::parse`] does.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn of_url(url: &str) -> Result<Self, UrlError> {
        UrlParts::parse(url).map(|parts| parts.origin())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl FromStr for Origin {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::of_url(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_port_only_when_it_is_not_the_own_one() {
        let shown = |url| Origin::of_url(url).unwrap().to_string();
        assert_eq!(shown("HTTPS://API.example.com.:443/v1?x"), "https://api.example.com");
        assert_eq!(shown("https://api.example.com:8443"), "https://api.example.com:8443");
        assert_eq!(shown("http://[::1]:80/"), "http://[::1]");
        assert_eq!(shown("ws://localhost:443"), "ws://localhost:443");
    }
}
