//! `subrosa disconnect`: end a connection to an external vault.

use crate::context::Context;
use crate::external::{Connections, place_of};
use crate::failure::{Failure, Outcome, reason};
use crate::fault::quoted;
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
        let text = format!(
            "{} to it and {} not resolve",
            count(links as u64, "secret"),
            if links == 1 { "does" } else { "do" }
        );
        note(&text.replacen(" to it", if links == 1 { " is linked to it" } else { " are linked to it" }, 1));
    }
    // under its old version nothing of it is used any more, but it lies there, sealed
    dropped.map_err(|error| {
        Failure::general(format!(
            "{name} was disconnected, but the cache cannot be written: {}",
            reason(&error)
        ))
        .hint(format!(
            "subrosa cache clear, or remove {}",
            quoted(&vault.location().dir.join("cache").display().to_string())
        ))
    })
}
