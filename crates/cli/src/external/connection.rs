//! Connections as the vault keeps them.

use super::{Kept, systems};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use subrosa_provider::{ErrorKind, External, Login, Method, ProviderError, Settings, System};
use subrosa_vault::{Change, DocumentKind, RecordId, Vault, VaultError};

/// The longest name, in bytes.
const MAX_NAME_LEN: usize = 64;
/// Words with which identifiers of external vaults begin: `CONNECTION:TARGET` has to stay apart from them.
const RESERVED: [&str; 4] = ["arn", "http", "https", "op"];

/// One connection: what its document says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    #[serde(skip)]
    pub(crate) place: Option<Place>,
    pub(crate) name: String,
    pub(crate) system: String,
    settings: BTreeMap<String, String>,
    /// the way to log in; empty for a system that has none
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) auth: String,
    /// where the credential is, if it is kept
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<Kept>,
    /// for how many seconds its values are kept, where that is not left to the vault
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<u64>,
    /// for how many seconds longer they may be used where asking fails
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stale_if_error: Option<u64>,
    /// kept so that links lead to it again when it is connected anew
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) disconnected: bool,
}

/// Which document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) id: RecordId,
    pub(crate) version: u64,
}

impl Connection {
    pub(crate) fn new(name: &str, system: &dyn System, settings: &Settings) -> Self {
        Self { disconnected: false, ..Self::noted(name, system.name(), settings) }
    }

    /// The connection without what it knows of its system, as links go on naming it.
    pub(crate) fn emptied(&self) -> Self {
        let (settings, auth) = (BTreeMap::new(), String::new());
        Self { settings, auth, kept: None, disconnected: true, ..self.clone() }
    }

    /// The connection as it is before somebody logs in with something else.
    pub(crate) fn anew(&self) -> Self {
        Self { kept: None, ..self.clone() }
    }

    /// What an import knows of a connection that is not here: nobody is asked before it is connected.
    pub(crate) fn noted(name: &str, system: &str, settings: &Settings) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            place: None,
            name: name.to_owned(),
            system: system.to_owned(),
            settings: settings.iter().map(owned).collect(),
            auth: String::new(),
            kept: None,
            ttl: None,
            stale_if_error: None,
            disconnected: true,
        }
    }

    /// The connection whose values are cached for so long.
    pub(crate) fn kept_for(&self, seconds: u64) -> Self {
        Self { ttl: Some(seconds), ..self.clone() }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Where it leads: its settings without those that say who logs in. Of a system that this program does not know, none.
    pub(crate) fn place_settings(&self) -> Settings {
        let says_where = |name: &str| {
            let known = systems::find(&self.system).into_iter().flat_map(|system| system.settings());
            known.into_iter().any(|setting| setting.name == name && !setting.login)
        };
        let settings = self.settings.iter().filter(|(name, _)| says_where(name));
        settings.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Its system, if it is connected and this program knows it.
    pub(crate) fn system(&self) -> Result<&'static dyn System, ProviderError> {
        let name = &self.name;
        if self.disconnected {
            let text = match self.settings.is_empty() {
                true => format!("{name} was disconnected"),
                false => format!("{name} is not connected here"),
            };
            return Err(ProviderError::new(ErrorKind::NotConnected, text).hint_at(self.command()));
        }
        systems::find(&self.system).ok_or_else(|| {
            let text = format!("{name}: this subrosa was built without the provider {}", self.system);
            ProviderError::new(ErrorKind::NotConnected, text)
        })
    }

    /// How it logs in; `None` where nobody does, or that way is not known to this program.
    pub(crate) fn method(&self) -> Option<&'static Method> {
        let system = systems::find(&self.system)?;
        system.methods().iter().find(|method| method.name == self.auth)
    }

    /// The command that connects it, with what is known of it and the names of what else it takes.
    pub(crate) fn command(&self) -> String {
        let mut command = format!("subrosa connect {} {}", quoted(&self.system), quoted(&self.name));
        for one in systems::find(&self.system).into_iter().flat_map(|system| system.settings()) {
            let flag = match self.settings.get(one.name) {
                Some(_) if one.value_name.is_empty() => format!(" --{}", one.name),
                // what was read from a file is not typed
                Some(value) if value.contains('\n') => format!(" --{} {}", one.name, one.value_name),
                Some(value) => format!(" --{} {}", one.name, quoted(value)),
                None if one.required => format!(" --{} {}", one.name, one.value_name),
                None => continue,
            };
            command.push_str(&flag);
        }
        command
    }

    /// The connection itself, ready to be asked.
    pub(crate) fn open<'a>(&self, login: Login<'a>) -> Result<Box<dyn External + 'a>, ProviderError> {
        self.system()?.connect(&self.settings(), login)
    }

    /// Stores it: as a new document, or as the next version of its own.
    pub(crate) fn put(&self, change: &mut Change<'_>) -> Result<RecordId, VaultError> {
        let content = serde_json::to_vec(self).expect("a connection is text and numbers");
        change.put_document(DocumentKind::Connection, self.place.map(|place| place.id), &content)
    }

    /// A name for a connection: one word that no target begins with.
    pub(crate) fn check_name(name: &str) -> Outcome {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let why = match name.as_bytes() {
            [] => "it is empty",
            [first, ..] if !first.is_ascii_alphanumeric() => "it begins with neither a letter nor a digit",
            bytes if !bytes.iter().copied().all(plain) => {
                "it has something else than letters, digits and . _ -"
            }
            bytes if bytes.len() > MAX_NAME_LEN => "it is longer than 64 letters",
            _ if RESERVED.contains(&name) => {
                "secrets of external vaults are named by addresses that begin so"
            }
            _ => return Ok(()),
        };
        Err(Failure::usage(format!("connection {name:?}: {why}")))
    }
}

/// All connections of a vault.
pub(crate) struct Connections(Vec<Connection>);

impl Connections {
    pub(crate) fn load(vault: &Vault) -> Result<Self, VaultError> {
        let documents = vault.documents(DocumentKind::Connection)?;
        let read = |document: subrosa_vault::Document| {
            let mut connection: Connection = serde_json::from_slice(&document.content)
                .map_err(|_| VaultError::Damaged("a connection cannot be read".to_owned()))?;
            connection.place = Some(Place { id: document.id, version: document.version });
            Ok(connection)
        };
        documents.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.0.iter()
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Connection> {
        self.0.iter().find(|connection| connection.name == name)
    }

    pub(crate) fn with_id(&self, id: RecordId) -> Option<&Connection> {
        self.0.iter().find(|connection| connection.place.is_some_and(|place| place.id == id))
    }

    /// The connection of that name, disconnected or not.
    pub(crate) fn require(&self, name: &str) -> Outcome<&Connection> {
        self.named(name).ok_or_else(|| {
            Failure::general(format!("no connection named {name}")).hint("subrosa connections")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_connections() {
        for good in ["aws-prod", "a", "1password", "k8s.dev", "https2"] {
            assert!(Connection::check_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", "-x", ".x", "a b", "a:b", "a/b", "ä", "op", "arn", "https", &long] {
            assert!(Connection::check_name(bad).is_err(), "{bad}");
        }
    }
}
