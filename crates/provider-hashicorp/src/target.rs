//! What a link names: a path, a version of it or the latest, a key in it.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use subrosa_provider::{ErrorKind, ProviderError};

/// What would end the path, and the mark itself.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// A target in its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) key: String,
}

/// What one request asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Parts joined by `/`, the engine's among them.
    pub(crate) path: String,
    pub(crate) version: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", utf8_percent_encode(&self.path, ESCAPED))?;
        match self.version {
            Some(version) => write!(f, "?version={version}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.place, self.key)
    }
}

impl Target {
    /// Reads `PATH[?version=N]#KEY`. In the path `%23`, `%3F` and `%25` stand for `#`, `?` and `%`; a key is taken as it is.
    pub(crate) fn parse(text: &str) -> Result<Self, ProviderError> {
        let refuse = |why: &str| {
            ProviderError::new(ErrorKind::BadLink, format!("{text:?} names no secret: {why}"))
                .hint_at("write PATH#KEY, such as secret/app#api-key, or PATH?version=N#KEY")
        };
        let (place, key) = text.split_once('#').ok_or_else(|| refuse("it does not say which key of it"))?;
        if key.is_empty() {
            return Err(refuse("it does not say which key of it"));
        }
        if text.chars().any(char::is_control) {
            return Err(refuse("it has control characters"));
        }
        let (path, version) = match place.split_once('?') {
            None => (place, None),
            Some((path, query)) => {
                let digits = query
                    .strip_prefix("version=")
                    .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                let version = digits.and_then(|digits| digits.parse().ok()).filter(|version| *version > 0);
                (path, Some(version.ok_or_else(|| refuse("what follows its '?' is no version"))?))
            }
        };
        let path =
            percent_decode_str(path).decode_utf8().map_err(|_| refuse("its path is not UTF-8 text"))?;
        let path = joined(&path).ok_or_else(|| refuse("its path has no parts, or '..' among them"))?;
        Ok(Self { place: Place { path, version }, key: key.to_owned() })
    }
}

/// The parts of a path joined by single slashes; `None` where none are left, or where one would lead elsewhere.
pub(crate) fn joined(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let strange = |part: &&str| *part == "." || *part == ".." || part.chars().any(char::is_control);
    (!parts.is_empty() && !parts.iter().any(strange)).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_mean_the_same_are_the_same() {
        for (text, canonical) in [
            ("secret/app#key", "secret/app#key"),
            ("/secret//app/#key", "secret/app#key"),
            ("secret/app?version=3#key", "secret/app?version=3#key"),
            ("secret/app?version=03#key", "secret/app?version=3#key"),
            ("secret/a%23b%3fc%25d/%C3%A9#key", "secret/a%23b%3Fc%25d/%C3%A9#key"),
            ("secret/é#key", "secret/%C3%A9#key"),
            ("secret/app#a#b?c d", "secret/app#a#b?c d"),
            ("-secret/app#-key", "-secret/app#-key"),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!(target.to_string(), canonical);
            assert_eq!(Target::parse(canonical).expect(canonical), target);
        }
    }

    #[test]
    fn hostile_h82_what_leads_elsewhere_is_no_target() {
        for text in [
            "",
            "#",
            "#key",
            "secret/app",
            "secret/app#",
            "secret/../sys/raw#key",
            "secret/%2e%2e/sys#key",
            "./x#key",
            "secret/app?version=0#key",
            "secret/app?version=#key",
            "secret/app?version=-1#key",
            "secret/app?list=true#key",
            "secret/app?version=1&list=true#key",
            "secret/a\nb#key",
            "secret/a%0ab#key",
            "secret/%ff#key",
            "secret/app#k\0",
            "secret/app?version=99999999999999999999#key",
        ] {
            let error = Target::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::BadLink, "{text:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
