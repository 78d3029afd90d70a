//! `subrosa refs`: the references in files, with the state of each; no values.

use crate::context::Context;
use crate::exit::Exit;
use crate::external::Connections;
use crate::failure::{Failure, Outcome};
use crate::output::{Style, count};
use crate::report::{State, access_word, hosts, rules};
use crate::table::{Cell, Table};
use crate::{lookup, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use subrosa_secret::{Access, Name, scan};
use subrosa_vault::{Entry, Link, Vault};

pub(super) fn command() -> Command {
    Command::new("refs")
        .about("List the references in files, and whether they would resolve")
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .num_args(1..)
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("'-' is standard input"),
        )
        .arg(
            Arg::new("check")
                .long("check")
                .action(ArgAction::SetTrue)
                .help("exit with 100 if one would not resolve without a question"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema refs/1"))
        .after_help(
            "Examples:\n  subrosa refs requests.sh collection.json\n  subrosa refs --check - < template.yaml",
        )
}

/// One reference in one place.
#[derive(Serialize)]
struct Found {
    file: String,
    line: usize,
    /// `null` where it is malformed
    name: Option<String>,
    /// ready, undecided (ready, but nobody has said where it may go), not_connected (linked, but its connection is not
    /// there), empty, disabled, missing, malformed
    state: &'static str,
    /// as in list/1; `null` where there is no such secret
    access: Option<&'static str>,
    rules: Option<Vec<String>>,
    /// where its value is kept, `CONNECTION:TARGET`; `null` where that is the vault
    link: Option<String>,
    problem: Option<String>,
    /// the same in one cell of a table
    #[serde(skip)]
    hosts: Option<String>,
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    references: Vec<Found>,
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let mut known = Known { context, vault: &vault, connections: &connections, entries: BTreeMap::new() };
    let mut references = Vec::new();
    for path in arguments.get_many::<PathBuf>("files").unwrap_or_default() {
        references.extend(known.references_of(path)?);
    }
    let unresolved = references.iter().filter(|found| found.state != "ready").map(|_| 1).sum();
    if arguments.get_flag("json") {
        context.output.json(&Report { schema: "refs/1", references })?;
    } else {
        context.output.table(&table(&references))?;
    }
    if arguments.get_flag("check") && unresolved > 0 {
        return Err(Failure::new(
            Exit::UNRESOLVED,
            format!("{} would not resolve", count(unresolved, "reference")),
        ));
    }
    Ok(())
}

/// A secret that nobody has decided about resolves only where a person can be asked.
fn state(entry: &Entry, connections: &Connections) -> &'static str {
    let name = entry.metadata.name.as_str();
    let leads_somewhere = |link: &Link| connections.behind(name, link).is_ok();
    match (State::of(entry), &entry.policy.access) {
        (State::Linked, _) if !entry.link.as_ref().is_some_and(leads_somewhere) => "not_connected",
        (State::Ready | State::Linked, Access::Undecided) => "undecided",
        (State::Linked, _) => "ready",
        (state, _) => state.word(),
    }
}

fn table(references: &[Found]) -> Table {
    let mut table = Table::new(&["PLACE", "REFERENCE", "STATE", "HOSTS"]);
    for found in references {
        let style = if found.state == "ready" { Style::Good } else { Style::Bad };
        let name = found.name.as_deref().map(|name| format!("<<vault:{name}>>")).unwrap_or_default();
        table.row([
            format!("{}:{}", found.file, found.line).into(),
            name.into(),
            Cell::styled(found.state, style),
            found.hosts.as_deref().or(found.problem.as_deref()).unwrap_or_default().into(),
        ]);
    }
    table
}

/// Each secret is looked up once, however often it is referred to.
struct Known<'a> {
    context: &'a Context,
    vault: &'a Vault,
    connections: &'a Connections,
    entries: BTreeMap<Name, Option<Entry>>,
}

impl Known<'_> {
    fn references_of(&mut self, path: &Path) -> Outcome<Vec<Found>> {
        let text = read(path)?;
        let scan = scan(&text);
        let place =
            |start: usize| 1 + memchr::memchr_iter(b'\n', text.get(..start).unwrap_or_default()).count();
        let mut found = Vec::new();
        for reference in scan.references {
            let connections = self.connections;
            let entry = self.entry(&reference.name)?;
            found.push(Found {
                file: path.display().to_string(),
                line: place(reference.span.start),
                name: Some(reference.name.to_string()),
                state: entry.map_or("missing", |entry| state(entry, connections)),
                access: entry.map(|entry| access_word(&entry.policy.access)),
                rules: entry.and_then(|entry| rules(&entry.policy.access)),
                link: entry.and_then(|entry| entry.link.as_ref()).map(|link| connections.shown(link)),
                problem: None,
                hosts: entry.map(|entry| hosts(&entry.policy.access)),
            });
        }
        for malformed in scan.malformed {
            found.push(Found {
                file: path.display().to_string(),
                line: place(malformed.span.start),
                name: None,
                state: "malformed",
                access: None,
                rules: None,
                link: None,
                problem: Some(malformed.fault.to_string()),
                hosts: None,
            });
        }
        found.sort_by_key(|found| found.line);
        Ok(found)
    }

    fn entry(&mut self, name: &Name) -> Outcome<Option<&Entry>> {
        if !self.entries.contains_key(name) {
            let entry = lookup::find(self.context, self.vault, name)?;
            self.entries.insert(name.clone(), entry);
        }
        Ok(self.entries.get(name).and_then(Option::as_ref))
    }
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    if path == Path::new("-") {
        let mut text = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut text);
        return read
            .map(|_| text)
            .map_err(|error| Failure::file("read", Path::new("standard input"), &error));
    }
    fs::read(path).map_err(|error| Failure::file("read", path, &error))
}
