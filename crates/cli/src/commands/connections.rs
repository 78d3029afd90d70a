//! `subrosa connections`: what the vault is connected to, and whether it answers.

use crate::context::Context;
use crate::external::{Connection, Connections, Entrance, duration_text, keep_session};
use crate::failure::Outcome;
use crate::output::{self, Style, rfc3339, short_time};
use crate::table::{Cell, Table};
use crate::unlock;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;
use std::thread;
use subrosa_provider::{ErrorKind, Identity, ProviderError, Session};
use subrosa_vault::{Entry, RecordId, Vault};

pub(super) fn command() -> Command {
    Command::new("connections")
        .about("List connections to external vaults: state, expiry, who one is there")
        .arg(Arg::new("names").value_name("NAME").num_args(0..).help("these only"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema connections/1"))
        .after_help(
            "Each connected system is asked. In a pipe each line is one connection, its columns separated by tabs: \
             name, system, state, number of links, end of the session (UTC), who one is there or what is wrong.\n\n\
             Examples:\n  subrosa connections\n  subrosa connections aws-prod --json",
        )
}

#[derive(Serialize)]
struct Report<'c> {
    schema: &'static str,
    connections: Vec<Row<'c>>,
}

#[derive(Serialize)]
struct Row<'c> {
    name: &'c str,
    system: &'c str,
    /// ready, disconnected, or the kind of failure: not_connected, expired, denied, unavailable, …
    state: &'static str,
    /// who one is there; `null` where it does not answer
    who: Option<String>,
    problem: Option<String>,
    /// the way to log in; `null` for a system that has none
    auth: Option<&'c str>,
    /// where what it logs in with is kept: keychain, vault; `null` where nothing is
    kept: Option<&'static str>,
    /// when the session ends, `null` where it does not, or nobody knows
    expires: Option<String>,
    settings: std::collections::BTreeMap<String, String>,
    cache_ttl: Option<u64>,
    stale_if_error: Option<u64>,
    /// how many secrets are linked to it
    links: usize,
    #[serde(skip)]
    expires_at: Option<i64>,
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let names: Vec<&String> = arguments.get_many("names").unwrap_or_default().collect();
    let wanted: Vec<&Connection> = match names.as_slice() {
        [] => connections.iter().collect(),
        names => names.iter().map(|name| connections.require(name)).collect::<Outcome<_>>()?,
    };
    let entries = if wanted.is_empty() { Vec::new() } else { vault.list()? };
    let asked = ask_all(&vault, &wanted);
    let rows: Vec<Row<'_>> = wanted
        .into_iter()
        .zip(asked)
        .map(|(connection, identity)| row(connection, identity, &entries))
        .collect();
    if arguments.get_flag("json") {
        return context.output.json(&Report { schema: "connections/1", connections: rows });
    }
    if rows.is_empty() {
        output::done("no connections");
        return Ok(());
    }
    context.output.table(&table(&rows))
}

/// How many of these secrets are linked to a connection.
pub(super) fn links_to(entries: &[Entry], id: RecordId) -> usize {
    let leads_there = |entry: &&Entry| entry.link.as_ref().is_some_and(|link| link.connection == id);
    entries.iter().filter(leads_there).count()
}

/// Asks each connection who one is there, several at the same time, and keeps the sessions that this made.
fn ask_all(vault: &Vault, connections: &[&Connection]) -> Vec<Result<Identity, ProviderError>> {
    let entrance = |connection: &&Connection| {
        connection.system()?;
        Entrance::to(vault, connection)
    };
    let entrances: Vec<Result<Entrance, ProviderError>> = connections.iter().map(entrance).collect();
    let asked: Vec<Asked> = thread::scope(|scope| {
        let threads: Vec<_> = connections
            .iter()
            .zip(&entrances)
            .map(|(connection, entrance)| {
                scope.spawn(move || {
                    let asked = ask(connection, entrance);
                    subrosa_secret::wipe_dead_stack();
                    asked
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(broken()))).collect()
    });
    let keep = |(connection, asked): (&&Connection, Asked)| {
        let (identity, session) = asked?;
        if let (Some(place), Some(session)) = (connection.place, session) {
            keep_session(vault, place, session);
        }
        Ok(identity)
    };
    connections.iter().zip(asked).map(keep).collect()
}

/// Who one is, and the session if it is another than before.
type Asked = Result<(Identity, Option<Session>), ProviderError>;

fn ask(connection: &Connection, entrance: &Result<Entrance, ProviderError>) -> Asked {
    let entrance = entrance.as_ref().map_err(ProviderError::again)?;
    entrance
        .enter(connection, |external| external.describe().map(|identity| (identity, external.session())))?
}

fn broken() -> ProviderError {
    ProviderError::new(ErrorKind::Unavailable, "asking it failed")
}

fn row<'c>(connection: &'c Connection, asked: Result<Identity, ProviderError>, entries: &[Entry]) -> Row<'c> {
    let (state, identity, problem) = match asked {
        Ok(identity) => ("ready", Some(identity), None),
        Err(_) if connection.disconnected => ("disconnected", None, None),
        Err(error) => (error.kind().as_str(), None, Some(error.to_string())),
    };
    let expires_at = identity.as_ref().and_then(|identity| identity.expires);
    Row {
        name: &connection.name,
        system: &connection.system,
        state,
        who: identity.map(|identity| identity.who),
        problem,
        auth: Some(connection.auth.as_str()).filter(|auth| !auth.is_empty()),
        kept: connection.kept.as_ref().map(|kept| kept.place.as_str()),
        expires: expires_at.map(rfc3339),
        settings: connection
            .settings()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        cache_ttl: connection.ttl,
        stale_if_error: connection.stale_if_error,
        links: connection.place.map_or(0, |place| links_to(entries, place.id)),
        expires_at,
    }
}

fn table(rows: &[Row<'_>]) -> Table {
    let mut table = Table::new(&["NAME", "SYSTEM", "STATE", "LINKS", "EXPIRES", "WHO"]);
    for row in rows {
        let style = if row.state == "ready" { Style::Good } else { Style::Bad };
        let ttl = row.cache_ttl.map(|ttl| format!(" (cached {})", duration_text(ttl))).unwrap_or_default();
        let who = row.who.as_deref().or(row.problem.as_deref()).unwrap_or_default();
        table.row([
            row.name.into(),
            row.system.into(),
            Cell::styled(row.state, style),
            row.links.to_string().into(),
            row.expires_at.map(short_time).unwrap_or_default().into(),
            format!("{who}{ttl}").into(),
        ]);
    }
    table
}
