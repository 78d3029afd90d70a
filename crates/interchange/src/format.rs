//! The formats, and their names.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// An encrypted export of subrosa.
    Subrosa,
    /// An export of subrosa in plain text.
    SubrosaPlain,
    /// An age file, binary or armored, that holds an export of subrosa.
    Age,
    /// An environment of Postman.
    PostmanEnvironment,
    /// The global variables of Postman.
    PostmanGlobals,
    /// A collection of Postman, version 2.0 or 2.1.
    PostmanCollection,
    /// Secrets in the shape in which Postman's runtime takes them from its vault.
    PostmanVault,
    /// `NAME=value`, line by line.
    Dotenv,
    /// Any JSON document, by path.
    Json,
    /// Any YAML document, by path.
    Yaml,
    /// Any TOML document, by path.
    Toml,
}

/// A text that names no [`Format`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no format; there are {formats}", formats = list(&Format::ALL))]
pub struct UnknownFormat(pub String);

impl UnknownFormat {
    /// A stable name for this kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        "format_unknown"
    }
}

impl Format {
    /// Every format, in the order in which they are listed.
    pub const ALL: [Self; 11] = [
        Self::Subrosa,
        Self::SubrosaPlain,
        Self::Age,
        Self::PostmanEnvironment,
        Self::PostmanGlobals,
        Self::PostmanCollection,
        Self::PostmanVault,
        Self::Dotenv,
        Self::Json,
        Self::Yaml,
        Self::Toml,
    ];

    /// The word by which it is named on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subrosa => "subrosa",
            Self::SubrosaPlain => "subrosa-plain",
            Self::Age => "age",
            Self::PostmanEnvironment => "postman-environment",
            Self::PostmanGlobals => "postman-globals",
            Self::PostmanCollection => "postman-collection",
            Self::PostmanVault => "postman-vault",
            Self::Dotenv => "dotenv",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Toml => "toml",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// `a, b, c`.
pub(crate) fn list(formats: &[Format]) -> String {
    formats.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        let error = "kdbx".parse::<Format>().unwrap_err();
        assert!(
            error.to_string().starts_with("\"kdbx\" is no format; there are subrosa, subrosa-plain, age,")
        );
    }
}
