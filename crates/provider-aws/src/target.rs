//! What a link names: a secret by name or ARN, a version of it, who may read it, a key in it.

use std::fmt;

use subrosa_provider::{ErrorKind, ProviderError};

use crate::arn;

/// The stage that a secret is read at where nothing else is said (GetSecretValue, `VersionStage`).
pub(crate) const CURRENT: &str = "AWSCURRENT";
/// The longest name of a secret, in bytes, and the longest ARN that is taken (CreateSecret, `Name`; GetSecretValue, `SecretId`).
const MAX_NAME_LEN: usize = 512;
const MAX_ID_LEN: usize = 2048;

/// A target in its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) place: Place,
    /// One key of a JSON object; else the whole secret.
    pub(crate) key: Option<String>,
}

/// What one question asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The role that reads it, where that is not the connection's own.
    pub(crate) role: Option<String>,
    /// Its name or ARN.
    pub(crate) id: String,
    pub(crate) version: Version,
}

/// Which version of a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Current,
    Stage(String),
    Id(String),
}

impl Place {
    /// The region that an ARN names.
    pub(crate) fn region(&self) -> Option<&str> {
        arn::secret_region(&self.id)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match &self.version {
            Version::Current => {}
            Version::Stage(stage) => parts.push(format!("stage={stage}")),
            Version::Id(id) => parts.push(format!("version={id}")),
        }
        parts.extend(self.role.as_ref().map(|role| format!("role={role}")));
        match parts.is_empty() {
            true => f.write_str(&self.id),
            false => write!(f, "{}?{}", self.id, parts.join("&")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}#{key}", self.place),
            None => write!(f, "{}", self.place),
        }
    }
}

impl Target {
    /// Reads `SECRET[?stage=STAGE|version=ID][&role=ARN][#KEY]`. Names and ARNs have none of `? & #`; a key is taken as it is.
    pub(crate) fn parse(text: &str) -> Result<Self, ProviderError> {
        let refuse = |why: &str| {
            ProviderError::new(ErrorKind::BadLink, format!("{text:?} names no secret: {why}"))
                .hint_at("write NAME or ARN, such as prod/stripe#api-key, or NAME?stage=AWSPREVIOUS#KEY")
        };
        if text.chars().any(char::is_control) {
            return Err(refuse("it has control characters"));
        }
        let (place, key) = match text.split_once('#') {
            Some((_, "")) => return Err(refuse("there is no key behind its '#'")),
            Some((place, key)) => (place, Some(key.to_owned())),
            None => (text, None),
        };
        let (id, query) = place.split_once('?').unwrap_or((place, ""));
        check_id(id).map_err(refuse)?;
        let mut place = Place { role: None, id: id.to_owned(), version: Version::Current };
        if place_has_query(text) && query.is_empty() {
            return Err(refuse("there is nothing behind its '?'"));
        }
        for part in query.split('&').filter(|_| !query.is_empty()) {
            place.read(part).map_err(refuse)?;
        }
        if place.version == Version::Stage(CURRENT.to_owned()) {
            place.version = Version::Current;
        }
        Ok(Self { place, key })
    }
}

fn place_has_query(text: &str) -> bool {
    text.split('#').next().is_some_and(|place| place.contains('?'))
}

impl Place {
    /// One of the parts behind the `?`.
    fn read(&mut self, part: &str) -> Result<(), &'static str> {
        match part.split_once('=') {
            Some(("role", role)) if self.role.is_none() => {
                if !arn::is_role(role) {
                    return Err("its role is no ARN of a role");
                }
                self.role = Some(role.to_owned());
            }
            Some(("stage" | "version" | "role", "")) => return Err("a part behind its '?' is empty"),
            Some((what @ ("stage" | "version"), value)) if self.version == Version::Current => {
                let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'&';
                if !value.bytes().all(plain) || value.len() > 256 {
                    return Err("its version is none that there could be");
                }
                self.version = match what {
                    "stage" => Version::Stage(value.to_owned()),
                    _ => Version::Id(value.to_owned()),
                };
            }
            Some(("stage" | "version" | "role", _)) => {
                return Err("it says twice which version, or which role");
            }
            _ => return Err("what is behind its '?' is neither stage, version nor role"),
        }
        Ok(())
    }
}

/// A name has letters, digits and `/_+=.@-` (CreateSecret, `Name`); those that AWS manages also have a `!`.
fn check_id(id: &str) -> Result<(), &'static str> {
    if id.is_empty() {
        return Err("it has no name");
    }
    if id.starts_with("arn:") {
        return match arn::secret_region(id) {
            Some(_) if id.len() <= MAX_ID_LEN => Ok(()),
            _ => Err("it is no ARN of a secret"),
        };
    }
    if id.len() > MAX_NAME_LEN {
        return Err("a name has at most 512 letters");
    }
    match id.bytes().all(arn::is_name_byte) {
        true => Ok(()),
        false => Err("a name has letters, digits and /_+=.@-! only"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/stripe-AbCdEf";
    const ROLE: &str = "arn:aws:iam::123456789012:role/team/reader";

    #[test]
    fn targets_that_mean_the_same_are_the_same() {
        for (text, canonical) in [
            ("prod/stripe", "prod/stripe".to_owned()),
            ("prod/stripe?stage=AWSCURRENT", "prod/stripe".to_owned()),
            ("prod/stripe?stage=AWSPREVIOUS#api-key", "prod/stripe?stage=AWSPREVIOUS#api-key".to_owned()),
            (
                "a?version=EXAMPLE1-90ab-cdef-fedc-ba987SECRET1",
                "a?version=EXAMPLE1-90ab-cdef-fedc-ba987SECRET1".to_owned(),
            ),
            (ARN, ARN.to_owned()),
            (&format!("{ARN}?role={ROLE}&stage=x#k"), format!("{ARN}?stage=x&role={ROLE}#k")),
            (&format!("a?stage=AWSCURRENT&role={ROLE}"), format!("a?role={ROLE}")),
            ("rds!cluster-1#password", "rds!cluster-1#password".to_owned()),
            ("-a/_+=.@-#a#b?c&d e", "-a/_+=.@-#a#b?c&d e".to_owned()),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!(target.to_string(), canonical);
            assert_eq!(Target::parse(&canonical).expect(&canonical), target);
        }
        assert_eq!(Target::parse(ARN).expect(ARN).place.region(), Some("eu-central-1"));
        assert_eq!(Target::parse("a").expect("a name").place.region(), None);
    }

    #[test]
    fn hostile_h82_what_names_nothing_is_no_target() {
        let long = "x".repeat(MAX_NAME_LEN + 1);
        let other = ARN.replace("secretsmanager", "s3");
        let no_role = format!("a?role={ARN}");
        for text in [
            "",
            "#key",
            "a#",
            "a?",
            "a?#key",
            "a?stage=",
            "a?version=",
            "a?role=",
            "a?stage",
            "a?stage=x&stage=y",
            "a?stage=x&version=y",
            "a?list=true",
            "a?stage=x&&role=y",
            "a?stage=x y",
            "a b",
            "a%20b",
            "a:b",
            "ä",
            "a\nb",
            "a#k\0",
            "arn:aws:secretsmanager",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:",
            "arn:aws:secretsmanager:evil.example.com/:123456789012:secret:a",
            &other,
            &no_role,
            &long,
        ] {
            let error = Target::parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::BadLink, "{text:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
