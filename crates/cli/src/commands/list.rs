//! `subrosa list`: the secrets, without their values.

use crate::context::Context;
use crate::external::Connections;
use crate::failure::{Failure, Outcome};
use crate::output::{Style, short_time};
use crate::report::{Secret, State, access_word, hosts};
use crate::table::{Row, Table};
use crate::wildcard;
use crate::{output, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;
use std::cmp::Reverse;
use subrosa_secret::{Access, Name, Origin, Placement, Tag, Verdict};
use subrosa_vault::{Entry, Vault};

const STATES: [&str; 8] =
    ["ready", "linked", "empty", "disabled", "undecided", "unrestricted", "restricted", "send-only"];

pub(super) fn command() -> Command {
    Command::new("list")
        .about("List secrets: state, hosts, tags; never values")
        .visible_alias("ls")
        .arg(Arg::new("name").long("name").value_name("GLOB").help("names that fit, 'prod/*'"))
        .arg(Arg::new("tag").long("tag").value_name("TAG").action(ArgAction::Append).help("with this tag; several: with all"))
        .arg(Arg::new("host").long("host").value_name("HOST|URL").help("that may go there"))
        .arg(Arg::new("state").long("state").value_name("STATE").value_parser(STATES).help("in this state"))
        .arg(
            Arg::new("sort")
                .long("sort")
                .value_name("KEY")
                .value_parser(["name", "changed", "created"])
                .default_value("name")
                .help("sort by; times with the latest first"),
        )
        .arg(Arg::new("deleted").long("deleted").action(ArgAction::SetTrue).help("those that 'undo' can bring back"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema list/1"))
        .after_help(
            "The whole vault is checked before anything is listed. In a pipe each line is one secret, its columns \
             separated by tabs: name, state, hosts, tags, changed (UTC), description.\n\n\
             Examples:\n  subrosa list --host api.stripe.com\n  subrosa list --name 'prod/*' --sort changed\n  \
             subrosa list --state undecided --json",
        )
}

#[derive(Serialize)]
struct Report<'e> {
    schema: &'static str,
    secrets: Vec<Secret<'e>>,
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let filter = Filter::of(arguments)?;
    let vault = unlock::open(context)?;
    if arguments.get_flag("json") {
        let connections = Connections::load(&vault)?;
        let entries = listed(&vault, arguments, &filter, |entry| entry)?;
        let secrets = entries.iter().map(|entry| Secret::of(entry, &connections)).collect();
        return context.output.json(&Report { schema: "list/1", secrets });
    }
    let rows = listed(&vault, arguments, &filter, |entry| row(&entry))?;
    if rows.is_empty() {
        output::done("no secrets");
        return Ok(());
    }
    context.output.table(&Table::of(&["NAME", "STATE", "HOSTS", "TAGS", "CHANGED", "DESCRIPTION"], rows))
}

/// A secret on its way into the list: all that it is sorted by, and what will be shown of it.
struct Listed<T> {
    name: Name,
    time: i64,
    shown: T,
}

/// What `show` makes of the secrets that are wanted, in the order that is wanted. It is called where they are opened, on
/// all processors.
fn listed<T: Send>(
    vault: &Vault,
    arguments: &ArgMatches,
    filter: &Filter,
    show: impl Fn(Entry) -> T + Sync,
) -> Outcome<Vec<T>> {
    let sort = arguments.get_one::<String>("sort").map(String::as_str);
    let list = |entry: Entry| {
        if !filter.fits(&entry) {
            return None;
        }
        let metadata = &entry.metadata;
        let time = if sort == Some("created") { metadata.created } else { metadata.changed };
        let name = metadata.name.clone();
        Some(Listed { name, time, shown: show(entry) })
    };
    let mut all = if arguments.get_flag("deleted") {
        vault.deleted()?.into_iter().filter_map(list).collect()
    } else {
        vault.survey(list)?
    };
    // of those deleted under one name, the last comes first
    all.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some("changed" | "created") = sort {
        all.sort_by_key(|listed| Reverse(listed.time));
    }
    Ok(all.into_iter().map(|listed| listed.shown).collect())
}

fn row(entry: &Entry) -> Row {
    let state = State::of(entry);
    let tags: Vec<&str> = entry.metadata.tags.iter().map(Tag::as_str).collect();
    let access = match entry.policy.access {
        Access::Undecided => Style::Bad,
        _ => Style::Plain,
    };
    Row::of(&[
        (entry.metadata.name.as_str(), Style::Plain),
        (state.word(), state.style()),
        (&hosts(&entry.policy.access), access),
        (&tags.join(" "), Style::Plain),
        (&short_time(entry.metadata.changed), Style::Faint),
        (&entry.metadata.description, Style::Plain),
    ])
}

/// Which secrets are wanted.
struct Filter {
    name: Option<String>,
    tags: Vec<Tag>,
    origin: Option<Origin>,
    state: Option<String>,
}

impl Filter {
    fn of(arguments: &ArgMatches) -> Outcome<Filter> {
        let tags = arguments.get_many::<String>("tag").unwrap_or_default();
        Ok(Filter {
            name: arguments.get_one::<String>("name").cloned(),
            tags: tags.map(|text| super::tag::parse(text)).collect::<Outcome<_>>()?,
            origin: arguments.get_one::<String>("host").map(|text| origin(text)).transpose()?,
            state: arguments.get_one::<String>("state").cloned(),
        })
    }

    fn fits(&self, entry: &Entry) -> bool {
        let metadata = &entry.metadata;
        self.name.as_ref().is_none_or(|glob| wildcard::fits(glob, metadata.name.as_str()))
            && self.tags.iter().all(|tag| metadata.tags.contains(tag))
            && self.origin.as_ref().is_none_or(|origin| may_go(entry, origin))
            && self.state.as_ref().is_none_or(|state| is_in(entry, state))
    }
}

fn origin(text: &str) -> Outcome<Origin> {
    let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    Origin::of_url(&url).map_err(|error| Failure::usage(format!("--host {text}: {error}")))
}

/// Whether any part of a request to that host could hold the secret.
fn may_go(entry: &Entry, origin: &Origin) -> bool {
    let places = [Placement::Header, Placement::Query, Placement::Path, Placement::Body];
    places.iter().any(|place| entry.policy.judge(origin, *place) == Verdict::Allowed)
}

fn is_in(entry: &Entry, state: &str) -> bool {
    match state {
        "send-only" => entry.policy.send_only,
        "undecided" | "unrestricted" | "restricted" => access_word(&entry.policy.access) == state,
        state => State::of(entry).word() == state,
    }
}
