//! Links on their way: out of a vault with what describes their connection, and into one that may have it or not.

use super::connection::Connection;
use super::{Connections, failed, systems};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use std::collections::BTreeMap;
use subrosa_interchange::Link as Described;
use subrosa_provider::{Settings, System};
use subrosa_secret::Name;
use subrosa_vault::{Change, Link, RecordId, VaultError};

/// A setting that is longer, such as a certificate, is not shown but measured.
const SHOWN_LEN: usize = 200;

impl Connections {
    /// A link with all that says where it leads, for other vaults.
    pub(crate) fn described(&self, name: &Name, link: &Link) -> Outcome<Described> {
        let connection = self.with_id(link.connection).ok_or_else(|| {
            let text = format!("{name} is linked to a connection that is no longer there");
            Failure::general(text).hint(self.relink(name.as_str(), link))
        })?;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(Described {
            connection: connection.name.clone(),
            system: connection.system.clone(),
            settings: connection.place_settings().iter().map(owned).collect(),
            target: link.target.clone(),
            ttl: link.ttl,
        })
    }
}

/// Where links of a file to one connection lead here.
pub(crate) enum Route {
    /// To a connection of the vault.
    Here(Connection),
    /// To none yet: a document keeps its name until somebody connects it.
    Nowhere {
        /// What that document says.
        noted: Connection,
        /// Stands in links until the document is stored.
        id: RecordId,
    },
    /// The vault has another connection of that name.
    Elsewhere(Connection),
}

/// The ways of all links of a file, by the name that the file has for their connection.
#[derive(Default)]
pub(crate) struct Routes(BTreeMap<String, Route>);

impl Routes {
    /// Finds where links lead. `renamed` says which connection of the vault is meant by one of the file.
    pub(crate) fn of<'l>(
        links: impl Iterator<Item = &'l Described>,
        renamed: &[(String, String)],
        connections: &Connections,
    ) -> Outcome<Routes> {
        let mut routes = Routes::default();
        for link in links {
            if !routes.0.contains_key(&link.connection) {
                let meant =
                    renamed.iter().find(|(from, _)| *from == link.connection).map(|(_, to)| to.as_str());
                routes.0.insert(link.connection.clone(), route(link, meant, connections)?);
            }
        }
        match renamed.iter().find(|(from, _)| !routes.0.contains_key(from)) {
            Some((from, _)) => {
                Err(Failure::usage(format!("the file has no link to a connection named {from}")))
            }
            None => Ok(routes),
        }
    }

    pub(crate) fn get(&self, connection: &str) -> Option<&Route> {
        self.0.get(connection)
    }

    /// The link that one of the file becomes.
    pub(crate) fn link(&self, described: &Described) -> Outcome<Option<Link>> {
        let Some(route) = self.get(&described.connection) else { return Ok(None) };
        let (connection, id) = match route {
            Route::Here(connection) => (connection, connection.place.map(|place| place.id)),
            Route::Nowhere { noted, id } => (noted, Some(*id)),
            Route::Elsewhere(_) => return Ok(None),
        };
        let Some(id) = id else { return Ok(None) };
        let target = match systems::find(&connection.system) {
            Some(system) => {
                system.target(&connection.settings(), &described.target).map_err(|error| failed(&error))?
            }
            // whoever has the provider will judge it
            None => described.target.clone(),
        };
        Ok(Some(Link { connection: id, target, ttl: described.ttl }))
    }

    /// Stores what is known of connections that these links lead to and that are not here; links get their ids.
    pub(crate) fn note(&self, change: &mut Change<'_>, links: &mut [&mut Link]) -> Result<(), VaultError> {
        for (noted, id) in self.nowhere() {
            let mut those = links.iter_mut().filter(|link| link.connection == id).peekable();
            if those.peek().is_some() {
                let stored = noted.put(change)?;
                those.for_each(|link| link.connection = stored);
            }
        }
        Ok(())
    }

    /// Connections that are not here, with what stands for them in links.
    pub(crate) fn nowhere(&self) -> impl Iterator<Item = (&Connection, RecordId)> {
        self.0.values().filter_map(|route| match route {
            Route::Nowhere { noted, id } => Some((noted, *id)),
            _ => None,
        })
    }
}

fn route(link: &Described, meant: Option<&str>, connections: &Connections) -> Outcome<Route> {
    let settings: Settings =
        link.settings.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    if let Some(name) = meant {
        let connection = connections.require(name)?;
        if connection.system != link.system {
            let text = format!(
                "{} of the file is a connection to another system, {}, than {name}, {}",
                link.connection, link.system, connection.system
            );
            return Err(Failure::general(text).hint("subrosa connections"));
        }
        return Ok(Route::Here(connection.clone()));
    }
    let Some(connection) = connections.named(&link.connection) else {
        Connection::check_name(&link.connection)?;
        if let Some(system) = systems::find(&link.system) {
            check_settings(system, &link.connection, &settings)?;
        }
        let noted = Connection::noted(&link.connection, &link.system, &settings);
        let id = RecordId::random().map_err(VaultError::from)?;
        return Ok(Route::Nowhere { noted, id });
    };
    let known = connection.place_settings();
    // of a connection that was ended, nobody knows where it led
    let is_open = connection.disconnected && (known == Settings::default() || link.settings.is_empty());
    let is_same = connection.system == link.system && (known == settings || is_open);
    Ok(if is_same { Route::Here(connection.clone()) } else { Route::Elsewhere(connection.clone()) })
}

/// Refuses settings that the system does not have, or that say who logs in. What they say is judged when somebody connects:
/// a file must not make this program look at what it names.
fn check_settings(system: &dyn System, name: &str, settings: &Settings) -> Outcome {
    let travels = |setting: &str| system.settings().iter().any(|known| known.name == setting && !known.login);
    match settings.iter().find(|(setting, _)| !travels(setting)) {
        Some((unknown, _)) => {
            Err(Failure::general(format!("connection {name}: its setting {unknown} needs a newer subrosa")))
        }
        None => Ok(()),
    }
}

/// What a connection is, in a few words: `folder, path=/run/secrets`.
pub(crate) fn place(connection: &Connection) -> String {
    let settings = connection.place_settings();
    in_words(&connection.system, settings.iter())
}

/// The same of a link in a file.
pub(crate) fn place_of_link(link: &Described) -> String {
    in_words(&link.system, link.settings.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

fn in_words<'s>(system: &str, settings: impl Iterator<Item = (&'s str, &'s str)>) -> String {
    settings.fold(system.to_owned(), |words, (name, text)| match text {
        "" => format!("{words}, {name}"),
        text if text.len() > SHOWN_LEN || text.contains('\n') => {
            format!("{words}, {name}=({} bytes)", text.len())
        }
        text => format!("{words}, {name}={}", quoted(text)),
    })
}
