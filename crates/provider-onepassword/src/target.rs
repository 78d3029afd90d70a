//! What a link names: a secret reference, as 1Password documents it.
//!
//! <https://developer.1password.com/docs/cli/secret-reference-syntax>: letters without regard to case, digits, `-`, `_`, `.` and
//! spaces; what is called otherwise is named by its id.

use std::fmt;

use subrosa_provider::{ErrorKind, ProviderError};

/// A reference in its parts, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) section: Option<String>,
    /// A field, or the name of a file.
    pub(crate) field: String,
    pub(crate) aspect: Aspect,
}

/// What one request asks for: an item. Both parts are a name or an id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) vault: String,
    pub(crate) item: String,
}

/// Which side of a field or file is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Aspect {
    /// The value of a field, the content of a file.
    Value,
    /// The code of a one-time password, as it is at that moment.
    Otp,
    /// A private key in OpenSSH's format.
    OpenSsh,
    Type,
    Title,
    Id,
    Purpose,
    /// The content of what has to be a file.
    Content,
    Name,
    Size,
}

/// How a reference writes them.
const ASPECTS: [(&str, Aspect); 9] = [
    ("attribute=otp", Aspect::Otp),
    ("ssh-format=openssh", Aspect::OpenSsh),
    ("attribute=type", Aspect::Type),
    ("attribute=title", Aspect::Title),
    ("attribute=id", Aspect::Id),
    ("attribute=purpose", Aspect::Purpose),
    ("attribute=content", Aspect::Content),
    ("attribute=name", Aspect::Name),
    ("attribute=size", Aspect::Size),
];

impl Aspect {
    fn parse(query: &str) -> Option<Self> {
        let query = match query.strip_prefix("attr=") {
            Some(attribute) => format!("attribute={attribute}"),
            None => query.to_owned(),
        };
        if query == "attribute=value" {
            return Some(Self::Value);
        }
        ASPECTS.iter().find(|(text, _)| *text == query).map(|(_, aspect)| *aspect)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op://{}/{}", self.vault, self.item)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if let Some(section) = &self.section {
            write!(f, "/{section}")?;
        }
        write!(f, "/{}", self.field)?;
        match ASPECTS.iter().find(|(_, aspect)| *aspect == self.aspect) {
            Some((text, _)) => write!(f, "?{text}"),
            None => Ok(()),
        }
    }
}

impl Target {
    /// Reads `op://VAULT/ITEM/[SECTION/]FIELD`, and what may stand behind it after a `?`.
    pub(crate) fn parse(text: &str) -> Result<Self, ProviderError> {
        let refuse = |why: &str| {
            ProviderError::new(ErrorKind::BadLink, format!("{text:?} names no secret: {why}"))
                .hint_at("write op://VAULT/ITEM/FIELD or op://VAULT/ITEM/SECTION/FIELD")
        };
        let lower = text.to_ascii_lowercase();
        let path = lower.strip_prefix("op://").ok_or_else(|| refuse("it does not begin with op://"))?;
        let (path, aspect) = match path.split_once('?') {
            None => (path, Aspect::Value),
            Some((path, query)) => {
                let why = "what follows its '?' is neither a known attribute nor ssh-format=openssh";
                (path, Aspect::parse(query).ok_or_else(|| refuse(why))?)
            }
        };
        let parts: Vec<&str> = path.split('/').collect();
        for part in &parts {
            check(part).map_err(refuse)?;
        }
        let owned = |part: &str| part.to_owned();
        let (vault, item, section, field) = match parts[..] {
            [vault, item, field] => (vault, item, None, field),
            [vault, item, section, field] => (vault, item, Some(owned(section)), field),
            [_] | [_, _] => return Err(refuse("it does not say which field of which item")),
            _ => return Err(refuse("it has more parts than vault, item, section and field")),
        };
        let place = Place { vault: owned(vault), item: owned(item) };
        Ok(Self { place, section, field: owned(field), aspect })
    }
}

/// Whether a reference can name something so.
pub(crate) fn is_name(part: &str) -> bool {
    check(part).is_ok()
}

fn check(part: &str) -> Result<(), &'static str> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
    match part {
        "" => Err("a part of it is empty"),
        _ if !part.bytes().all(known) => {
            Err("it has something else than letters, digits, spaces and - _ .; name that part by its id")
        }
        _ if part.starts_with(' ') || part.ends_with(' ') => {
            Err("a part of it begins or ends with a space; name that part by its id")
        }
        _ => Ok(()),
    }
}

/// Until when what a target leads to may be used again: a one-time password never, all else is left to the cache.
pub(crate) fn value_end(target: &str) -> Option<i64> {
    Target::parse(target).ok().filter(|target| target.aspect == Aspect::Otp).map(|_| 0)
}

/// Whether it is written as the ids of vaults and items are.
pub(crate) fn is_id(part: &str) -> bool {
    part.len() == 26 && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_that_mean_the_same_are_the_same() {
        for (text, canonical) in [
            ("op://dev/Stripe/publishable-key", "op://dev/stripe/publishable-key"),
            ("OP://Dev/STRIPE/Publishable-Key", "op://dev/stripe/publishable-key"),
            ("op://Management/PagerDuty/Admin/email", "op://management/pagerduty/admin/email"),
            ("op://My Vault/my item/a field", "op://my vault/my item/a field"),
            ("op://v/i/f?attribute=value", "op://v/i/f"),
            ("op://v/i/one-time password?attribute=otp", "op://v/i/one-time password?attribute=otp"),
            ("op://v/i/f?attr=OTP", "op://v/i/f?attribute=otp"),
            ("op://v/i/private key?ssh-format=OpenSSH", "op://v/i/private key?ssh-format=openssh"),
            ("op://v/i/id_rsa.pub", "op://v/i/id_rsa.pub"),
            ("op://v/i/f?attribute=purpose", "op://v/i/f?attribute=purpose"),
            ("op://-v/-i/-f", "op://-v/-i/-f"),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!(target.to_string(), canonical);
            assert_eq!(Target::parse(canonical).expect(canonical), target);
        }
    }

    #[test]
    fn hostile_h82_what_is_no_reference_is_refused() {
        for text in [
            "",
            "-",
            "--help",
            "op:/v/i/f",
            "vault/item/field",
            "op://",
            "op://v",
            "op://v/i",
            "op://v/i/",
            "op://v//f",
            "op:///i/f",
            "op://v/i/s/f/g",
            "op://v/i/f?",
            "op://v/i/f?attribute=",
            "op://v/i/f?attribute=secret",
            "op://v/i/f?attribute=otp&attribute=id",
            "op://v/i/f?ssh-format=pem",
            "op://v/i/f#x",
            "op://v/i/f\n--reveal",
            "op://v/i/f\0",
            "op://v/i/{{ f }}",
            "op://v/$HOME/f",
            "op://v/i%2f/f",
            "op://v/é/f",
            "op://v/ i/f",
            "op://v/i/f ",
            "op://v/\ti/f",
        ] {
            let error = Target::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::BadLink, "{text:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }

    #[test]
    fn ids_are_told_from_names() {
        assert!(is_id("ionaiwtdvgclrixbt6ztpqcxnq"));
        for name in ["", "dev", "Ionaiwtdvgclrixbt6ztpqcxnq", "ionaiwtdvgclrixbt6ztpqcxn-"] {
            assert!(!is_id(name), "{name}");
        }
    }
}
