//! `subrosa cache`: what is kept of looked-up values, and for how long.

use crate::context::Context;
use crate::external::{
    self, Connection, Connections, DEFAULT_TTL, duration_text, place_of, set_vault_ttl, vault_ttl,
};
use crate::failure::{Failure, Outcome, reason};
use crate::output::{self, Style, rfc3339, short_time};
use crate::table::{Cell, Table};
use crate::{lookup, since, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;
use subrosa_vault::{CacheEntry, Link, Vault};

pub(super) fn command() -> Command {
    let connection = || Arg::new("connection").long("connection").value_name("CONNECTION");
    Command::new("cache")
        .about("Values looked up in external vaults: list, clear, how long they are kept")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("list")
                .about("List what is cached, without values")
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema cache/1")),
        )
        .subcommand(
            Command::new("clear")
                .about("Drop cached values")
                .arg(Arg::new("names").value_name("NAME").num_args(0..).help("of these secrets only"))
                .arg(connection().conflicts_with("names").help("of the secrets that are linked to it only")),
        )
        .subcommand(
            Command::new("ttl")
                .about("Say how long values are cached, or show it")
                .arg(
                    Arg::new("duration")
                        .value_name("DURATION")
                        .value_parser(external::duration)
                        .help("30s, 15m, 2h, 7d; 0 keeps nothing"),
                )
                .arg(connection().help("of one connection"))
                .arg(
                    Arg::new("name")
                        .long("link")
                        .value_name("NAME")
                        .conflicts_with("connection")
                        .help("of one linked secret"),
                ),
        )
        .after_help(
            "A value is kept for an hour, sealed, and no longer than the session that it was looked up with. What is said of \
             a link counts before what is said of its connection, and that before what is said of the vault.\n\n\
             Examples:\n  subrosa cache list\n  subrosa cache clear db-password\n  subrosa cache ttl 15m --connection k8s",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    match arguments.subcommand() {
        Some(("list", arguments)) => list(context, arguments),
        Some(("clear", arguments)) => clear(context, arguments),
        Some(("ttl", arguments)) => ttl(context, arguments),
        _ => Err(Failure::usage("no command").hint("subrosa cache --help")),
    }
}

/// A linked secret and what the cache holds of it.
struct Kept {
    secret: String,
    shown: String,
    entry: CacheEntry,
}

#[derive(Serialize)]
struct Row<'k> {
    name: &'k str,
    target: &'k str,
    /// fresh, or expired: kept for when asking fails
    state: &'static str,
    fetched: String,
    expires: String,
}

#[derive(Serialize)]
struct Report<'k> {
    schema: &'static str,
    values: Vec<Row<'k>>,
    damaged: bool,
}

/// All linked secrets with the connection that they lead to, if it is there.
fn linked<'c>(vault: &Vault, connections: &'c Connections) -> Outcome<Vec<(String, Link, &'c Connection)>> {
    let entries = vault.list()?.into_iter();
    let linked = entries.filter_map(|entry| {
        let link = entry.link?;
        Some((entry.metadata.name.to_string(), connections.with_id(link.connection)?, link))
    });
    Ok(linked.map(|(name, connection, link)| (name, link, connection)).collect())
}

fn list(context: &Context, arguments: &ArgMatches) -> Outcome {
    let vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let cache = vault.cache();
    let loaded = cache.load();
    let (mut kept, mut damaged) = (Vec::new(), loaded.problem().is_some());
    for (secret, link, connection) in linked(&vault, &connections)? {
        let Some(place) = connection.place else { continue };
        match loaded.find(&place_of(place, &link.target)) {
            Ok(Some(entry)) => {
                let shown = connections.shown(&link);
                kept.push(Kept { secret, shown, entry });
            }
            Ok(None) => {}
            Err(_) => damaged = true,
        }
    }
    if damaged {
        output::warn("the vault's cache is damaged or was tampered with; what is damaged is not used");
        output::hint("subrosa cache clear");
    }
    let now = since::now();
    let state = |entry: &CacheEntry| if entry.is_fresh(now) { "fresh" } else { "expired" };
    if arguments.get_flag("json") {
        let row = |kept: &'_ Kept| -> (String, String) {
            (rfc3339(kept.entry.fetched), rfc3339(kept.entry.expires))
        };
        let rows = kept.iter().map(|one| {
            let (fetched, expires) = row(one);
            Row { name: &one.secret, target: &one.shown, state: state(&one.entry), fetched, expires }
        });
        return context.output.json(&Report { schema: "cache/1", values: rows.collect(), damaged });
    }
    if kept.is_empty() {
        output::done("nothing is cached");
        return Ok(());
    }
    let mut table = Table::new(&["NAME", "STATE", "EXPIRES", "TARGET"]);
    for Kept { secret, shown, entry, .. } in &kept {
        let (state, style) = match entry.is_fresh(now) {
            true => ("fresh", Style::Good),
            false => ("expired", Style::Faint),
        };
        let cells = [
            secret.as_str().into(),
            Cell::styled(state, style),
            short_time(entry.expires).into(),
            shown.as_str().into(),
        ];
        table.row(cells);
    }
    context.output.table(&table)
}

fn clear(context: &Context, arguments: &ArgMatches) -> Outcome {
    let vault = unlock::open(context)?;
    let cache = vault.cache();
    let unwritable = |error: std::io::Error| {
        Failure::general(format!("the vault's cache cannot be written: {}", reason(&error)))
    };
    let connections = Connections::load(&vault)?;
    let chosen =
        arguments.get_one::<String>("connection").map(|name| connections.require(name)).transpose()?;
    if chosen.is_none() && !arguments.contains_id("names") {
        cache.clear().map_err(unwritable)?;
        output::done("nothing is cached any more");
        return Ok(());
    }
    let names = match arguments.contains_id("names") {
        true => lookup::require_all(context, &vault, arguments)?,
        false => Vec::new(),
    };
    let links = linked(&vault, &connections)?;
    let is_meant = |name: &str, connection: &Connection| match chosen {
        Some(chosen) => chosen.name == connection.name,
        None => names.iter().any(|wanted| wanted.as_str() == name),
    };
    let places: Vec<_> = links
        .iter()
        .filter(|(name, _, connection)| is_meant(name, connection))
        .filter_map(|(_, link, connection)| Some(place_of(connection.place?, &link.target)))
        .collect();
    cache.remove(&places).map_err(unwritable)?;
    output::done(&format!(
        "{} any more",
        match places.len() {
            1 => "that value is not cached",
            _ => "those values are not cached",
        }
    ));
    Ok(())
}

fn ttl(context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let duration = arguments.get_one::<u64>("duration").copied();
    if let Some(name) = arguments.get_one::<String>("connection") {
        let connection = connections.require(name)?;
        let Some(seconds) = duration else {
            return context.output.line(&shown(connection.ttl, "the vault's"));
        };
        vault.change(|change| connection.kept_for(seconds).put(change))?;
        return said(&format!("values of {name}"), seconds);
    }
    if let Some(name) = arguments.get_one::<String>("name") {
        let entry = lookup::require(context, &vault, &lookup::name(name)?)?;
        let name = entry.metadata.name;
        let link = entry.link.ok_or_else(|| subrosa_vault::VaultError::NotLinked(name.clone()))?;
        let Some(seconds) = duration else {
            return context.output.line(&shown(link.ttl, "the connection's"));
        };
        vault.change(|change| change.set_link_ttl(&name, Some(seconds)))?;
        external::Fetch::default().reject(&vault, &[&link]);
        return said(&format!("the value of {name}"), seconds);
    }
    let Some(seconds) = duration else {
        return context.output.line(&duration_text(vault_ttl(&vault)?.unwrap_or(DEFAULT_TTL)));
    };
    vault.change(|change| set_vault_ttl(change, seconds))?;
    if let Err(error) = vault.cache().clear() {
        output::warn(&format!("what is cached stays until it expires: {}", reason(&error)));
    }
    said("values", seconds)
}

fn shown(ttl: Option<u64>, otherwise: &str) -> String {
    ttl.map_or_else(|| otherwise.to_owned(), duration_text)
}

fn said(what: &str, seconds: u64) -> Outcome {
    match seconds {
        0 => output::done(&format!("{what} will not be cached")),
        _ => output::done(&format!("{what} will be cached for {}", duration_text(seconds))),
    }
    Ok(())
}
