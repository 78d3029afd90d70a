//! `subrosa disconnect`: end a connection to an external vault.

use crate::context::Context;
use crate::external::{Connections, place_of};
use crate::failure::{Failure, Outcome, reason};
use crate::output::{count, done, note};
use crate::unlock;
use clap::{Arg, ArgMatches, Command};
use subrosa_vault::DocumentKind;

pub(super) fn command() -> Command {
    Command::new("disconnect")
        .about("End a connection to an external vault; what is cached of it goes too")
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
    vault.change(|change| match links {
        0 => change.remove_document(kind, place.id),
        _ => connection.emptied().put(change).map(drop),
    })?;
    let targets = entries.iter().filter_map(|entry| entry.link.as_ref());
    let targets = targets.filter(|link| link.connection == place.id).map(|link| link.target.as_str());
    let places: Vec<_> = targets.map(|target| place_of(place, target)).collect();
    let dropped = vault.cache().remove(&places);
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
