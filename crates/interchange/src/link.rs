//! Where the value of a secret is kept, as a file tells it (export-format.md, section 5).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// The longest name of a connection, in bytes.
const MAX_CONNECTION_LEN: usize = 64;
/// The longest name of a system or a setting, in bytes.
const MAX_WORD_LEN: usize = 32;
/// The longest target, in bytes.
const MAX_TARGET_LEN: usize = 2048;
/// The longest text of a setting, such as a certificate, in bytes.
const MAX_SETTING_LEN: usize = 16 << 10;
/// The most settings.
const MAX_SETTINGS: usize = 32;
/// The longest time for which a value that was looked up is kept: thirty days, in seconds.
const MAX_TTL: u64 = 30 * 86_400;

/// A link to an external vault. None of it is secret; who takes it from a file decides where a value is fetched from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What the vault that it is from calls its connection.
    pub connection: String,
    /// The kind of external vault.
    pub system: String,
    /// What the connection was told of its system; empty where nobody knew.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "settings")]
    pub settings: BTreeMap<String, String>,
    /// What names the value there.
    pub target: String,
    /// For how many seconds a value that was looked up is kept, where that is not left to the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

impl Link {
    /// What is wrong with it, of what a file can get wrong.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let settings = &self.settings;
        match () {
            () if !is_connection(&self.connection) => Err("the link names no connection"),
            () if !is_word(&self.system, b"-") => Err("the link names no system"),
            () if settings.len() > MAX_SETTINGS => Err("the link has too many settings"),
            () if !settings.keys().all(|name| is_word(name, b"-_")) => Err("the link has an unnamed setting"),
            () if !settings.values().all(|text| is_setting(text)) => {
                Err("a setting of the link is too long, or has control characters")
            }
            () if !is_target(&self.target) => {
                Err("the link's target is empty, too long, or has control characters")
            }
            () if self.ttl.is_some_and(|ttl| ttl > MAX_TTL) => {
                Err("the link is cached for more than 30 days")
            }
            () => Ok(()),
        }
    }

    /// Whether both lead to the same connection, as far as a file can tell.
    #[must_use]
    pub fn is_beside(&self, other: &Link) -> bool {
        (&self.connection, &self.system, &self.settings)
            == (&other.connection, &other.system, &other.settings)
    }
}

fn is_connection(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.len() <= MAX_CONNECTION_LEN
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && name.bytes().all(plain)
}

fn is_word(word: &str, more: &[u8]) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte);
    (1..=MAX_WORD_LEN).contains(&word.len()) && word.bytes().all(plain)
}

fn is_target(text: &str) -> bool {
    (1..=MAX_TARGET_LEN).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Several lines may be what is left of a file.
fn is_setting(text: &str) -> bool {
    text.len() <= MAX_SETTING_LEN && !text.chars().any(|letter| letter.is_control() && letter != '\n')
}

/// A map in which nothing stands twice: of two places nobody is to guess which is meant.
fn settings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_map(SettingsVisitor)
}

struct SettingsVisitor;

impl<'de> Visitor<'de> for SettingsVisitor {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut settings = BTreeMap::new();
        while let Some((name, text)) = map.next_entry()? {
            if settings.insert(name, text).is_some() {
                return Err(A::Error::custom("a setting stands twice"));
            }
            if settings.len() > MAX_SETTINGS {
                return Err(A::Error::custom("too many settings"));
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link {
            connection: "k8s.dev-1".to_owned(),
            system: "folder".to_owned(),
            settings: [("path".to_owned(), "/run/secrets".to_owned())].into(),
            target: "db/password".to_owned(),
            ttl: Some(MAX_TTL),
        }
    }

    #[test]
    fn what_no_vault_could_have_is_told() {
        let long = "x".repeat(MAX_TARGET_LEN + 1);
        let setting =
            |name: &str, text: &str| Link { settings: [(name.to_owned(), text.to_owned())].into(), ..link() };
        assert_eq!(link().check(), Ok(()));
        assert_eq!(setting("ca", "-----BEGIN\n-----END").check(), Ok(()));
        for wrong in [
            Link { connection: String::new(), ..link() },
            Link { connection: "-x".to_owned(), ..link() },
            Link { connection: "a b".to_owned(), ..link() },
            Link { connection: "x".repeat(MAX_CONNECTION_LEN + 1), ..link() },
            Link { system: "Folder".to_owned(), ..link() },
            Link { system: String::new(), ..link() },
            Link { target: String::new(), ..link() },
            Link { target: "a\u{1b}[2J".to_owned(), ..link() },
            Link { target: long.clone(), ..link() },
            Link { ttl: Some(MAX_TTL + 1), ..link() },
            setting("Path", "x"),
            setting("path", "a\tb"),
            setting("path", &"x".repeat(MAX_SETTING_LEN + 1)),
            Link {
                settings: (0..=MAX_SETTINGS).map(|one| (one.to_string(), String::new())).collect(),
                ..link()
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_link_is_read_as_it_was_written_and_no_setting_twice() {
        let text = serde_json::to_string(&link()).expect("JSON");
        assert_eq!(serde_json::from_str::<Link>(&text).expect("a link"), link());
        let bare = r#"{"connection":"a","system":"b","target":"c"}"#;
        let link: Link = serde_json::from_str(bare).expect("a link");
        assert_eq!(serde_json::to_string(&link).expect("JSON"), bare);
        let twice = r#"{"connection":"a","system":"b","settings":{"p":"1","p":"2"},"target":"c"}"#;
        assert!(serde_json::from_str::<Link>(twice).is_err());
    }
}
