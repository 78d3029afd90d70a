//! What a link names.

use std::fmt;

use subrosa_provider::{ErrorKind, ProviderError};

/// A secret of the connection's vault: `SECRET` or `SECRET/VERSION`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    /// without regard to case, as the vault takes it: lower case here
    pub(crate) name: String,
    pub(crate) version: Option<String>,
}

impl Target {
    /// Reads the short form, or the identifier that Azure shows: `https://NAME.vault.azure.net/secrets/SECRET[/VERSION]`. An identifier of
    /// another vault is refused, for its host would get a token.
    pub(crate) fn parse(vault: &str, text: &str) -> Result<Self, ProviderError> {
        let bad = |why: &str| ProviderError::new(ErrorKind::BadLink, format!("{text:?}: {why}"));
        let path = match text.contains("://") {
            true => below(vault, text).ok_or_else(|| bad(&format!("it is no secret of {vault}")))?,
            false => text,
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        let (name, version) = match path.split_once('/') {
            Some((name, version)) => (name, Some(version)),
            None => (path, None),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(1..=127).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(bad("names have letters, digits and hyphens, at most 127"));
        }
        let is_version = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if version.is_some_and(|version| !is_version(version)) {
            return Err(bad("a version is 32 hexadecimal digits"));
        }
        Ok(Self { name: name.to_ascii_lowercase(), version: version.map(str::to_ascii_lowercase) })
    }
}

/// What stands behind `/secrets/` in an identifier of this vault.
fn below<'t>(vault: &str, text: &'t str) -> Option<&'t str> {
    let (scheme, rest) = text.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let address = format!("{}://{}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let address = address.strip_suffix(":443").unwrap_or(&address);
    let collection = path.split_once('/').filter(|_| address == vault);
    collection.filter(|(name, _)| *name == "secrets").map(|(_, path)| path)
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        match &self.version {
            Some(version) => write!(out, "/{version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: &str = "https://contoso.vault.azure.net";
    const VERSION: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn targets_that_mean_the_same_are_the_same() {
        let pinned = format!("db-password/{VERSION}");
        for (text, canonical) in [
            ("db-password".to_owned(), "db-password"),
            ("DB-Password/".to_owned(), "db-password"),
            (format!("{VAULT}/secrets/db-password"), "db-password"),
            ("HTTPS://Contoso.vault.azure.net:443/secrets/db-password/".to_owned(), "db-password"),
            (pinned.clone(), pinned.as_str()),
            (pinned.to_uppercase(), pinned.as_str()),
            (format!("{VAULT}/secrets/{pinned}"), pinned.as_str()),
            ("-x".to_owned(), "-x"),
        ] {
            let target = Target::parse(VAULT, &text).expect(&text);
            assert_eq!(target.to_string(), canonical);
            assert_eq!(Target::parse(VAULT, canonical).expect(canonical), target);
        }
        let local = "https://127.0.0.1:8443";
        assert!(Target::parse(local, "https://127.0.0.1:8443/secrets/a").is_ok());
    }

    #[test]
    fn hostile_h82_what_leads_elsewhere_is_no_target() {
        for text in [
            "",
            "/",
            "a b",
            "a/b",
            "a//",
            "../keys/a",
            "a/../b",
            "a?api-version=1",
            "a#b",
            "a\nb",
            "ä",
            "https://other.vault.azure.net/secrets/a",
            "https://contoso.vault.azure.net.evil.example/secrets/a",
            "https://contoso.vault.azure.net@evil.example/secrets/a",
            "https://contoso.vault.azure.net:444/secrets/a",
            "http://contoso.vault.azure.net/secrets/a",
            "https://contoso.vault.azure.net/keys/a",
            "https://contoso.vault.azure.net/secrets/",
            "https://contoso.vault.azure.net/secrets/a/b/c",
            "https://contoso.vault.azure.net",
        ] {
            let error = Target::parse(VAULT, text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::BadLink, "{text:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        assert!(Target::parse(VAULT, &"x".repeat(128)).is_err());
    }
}
