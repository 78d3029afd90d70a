//! Where in a request a secret stands.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The part of a request that a secret's value enters.
///
/// It matters because an allowed host may publish one part (a comment it stores) and not another (the
/// `Authorization` header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// A header, cookies and credentials (`-u`, `user:password@`) among them.
    #[serde(alias = "auth")]
    Header,
    /// The query of the URL.
    Query,
    /// The path of the URL.
    Path,
    /// The body, of any kind.
    Body,
}

/// A text that names no [`Placement`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no placement: expected header (or auth), query, path or body")]
pub struct UnknownPlacement(pub String);

impl UnknownPlacement {
    /// A stable name for this kind of error.
    pub fn kind(&self) -> &'static str {
        "placement_unknown"
    }
}

impl Placement {
    /// Every placement, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Header, Self::Query, Self::Path, Self::Body];

    /// The lower-case word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
            Self::Path => "path",
            Self::Body => "body",
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Placement {
    type Err = UnknownPlacement;

    fn from_str(text: &str) -> Result<Self, UnknownPlacement> {
        match text {
            "header" | "auth" => Ok(Self::Header),
            "query" => Ok(Self::Query),
            "path" => Ok(Self::Path),
            "body" => Ok(Self::Body),
            _ => Err(UnknownPlacement(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_there_and_back() {
        for placement in Placement::ALL {
            assert_eq!(placement.to_string().parse(), Ok(placement));
            let json = serde_json::to_string(&placement).unwrap();
            assert_eq!(serde_json::from_str::<Placement>(&json).unwrap(), placement);
        }
        assert_eq!("auth".parse(), Ok(Placement::Header));
        assert!("Header".parse::<Placement>().is_err());
    }
}
