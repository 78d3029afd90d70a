//! `subrosa disconnect`: end a connection to an external vault.

use super::newcomer::forget;
use crate::context::Context;
use crate::external::{Connection, Connections, Entrance, drop_session, place_of};
use crate::failure::{Failure, Outcome, reason};
use crate::output::{count, done, note, warn};
use crate::unlock;
use clap::{Arg, ArgMatches, Command};
use subrosa_vault::{DocumentKind, Vault};

pub(super) fn command() -> Command {
    Command::new("disconnect")
        .about("End a connection to an external vault, with its session; what is cached of it goes too")
        .arg(Arg::new("connection").value_name("NAME").required(true).help("the connection"))
        .after_help(
            "Secrets that are linked to it stay linked: their references do not resolve until it is connected again \
             under the same name.\n\n\
             Example:\n  subrosa disconnect k8s",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = arguments.get_one::<String>("connection").map(String::as_str).unwrap_or_default();
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let connection = connections.require(name)?;
    let Some(place) = connection.place else { return Err(Failure::general("it is not stored")) };
    let entries = vault.list()?;
    let links = super::connections::links_to(&entries, place.id);
    let kind = DocumentKind::Connection;
    end_session(&vault, connection);
    vault.change(|change| {
        if let Some(kept) = &connection.kept {
            kept.unseal(change)?;
        }
        match links {
            0 => change.remove_document(kind, place.id),
            _ => connection.emptied().put(change).map(drop),
        }
    })?;
    forget(connection.kept.as_ref(), &vault);
    let targets = entries.iter().filter_map(|entry| entry.link.as_ref());
    let targets = targets.filter(|link| link.connection == place.id).map(|link| link.target.as_str());
    let places: Vec<_> = targets.map(|target| place_of(place, target)).collect();
    let dropped = vault.cache().remove(&places).and(drop_session(&vault, place));
    done(&format!("disconnected {name}"));
    if links > 0 {
        let (are, resolve) = if links == 1 { ("is", "does") } else { ("are", "do") };
        note(&format!("{} {are} linked to it and {resolve} not resolve", count(links as u64, "secret")));
    }
    // under its old version nothing of it is used any more, but it lies there, sealed
    let path = vault.location().dir.join("cache");
    dropped.map_err(|error| {
        let text =
            format!("{name} was disconnected, but cannot write {}: {}", path.display(), reason(&error));
        Failure::general(text).hint("subrosa cache clear")
    })
}

/// Ends the session at the other end, and what was leased with it. Where that cannot be, it ends by itself, in time.
fn end_session(vault: &Vault, connection: &Connection) {
    if connection.system().is_err() {
        return;
    }
    let ended = Entrance::to(vault, connection).and_then(|entrance| match entrance.has_session() {
        true => entrance.enter(connection, |external| external.end())?,
        false => Ok(()),
    });
    if let Err(error) = ended {
        warn(&format!("the session of {} could not be ended there: {error}", connection.name));
    }
}
