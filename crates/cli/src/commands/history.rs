//! `subrosa history`: the earlier values of a secret, by version; not the values themselves.

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{rfc3339, short_time};
use crate::table::Table;
use crate::{lookup, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;

pub(super) fn command() -> Command {
    Command::new("history")
        .about("List the values that a secret has had, by version")
        .arg(lookup::one_name())
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema history/1"))
        .after_help("Examples:\n  subrosa history stripe-key\n  subrosa get stripe-key --version 3\n  subrosa undo stripe-key")
}

#[derive(Serialize)]
struct Report<'n> {
    schema: &'static str,
    name: &'n str,
    versions: Vec<Version>,
}

#[derive(Serialize)]
struct Version {
    version: u64,
    current: bool,
    changed: String,
    length: u64,
    #[serde(skip)]
    seconds: i64,
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = lookup::name(arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default())?;
    let vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    let name = &entry.metadata.name;
    let version = |version, current, seconds, length| Version {
        version,
        current,
        changed: rfc3339(seconds),
        length,
        seconds,
    };
    let now = version(entry.version, true, entry.metadata.changed, entry.metadata.length);
    let earlier = vault.history(name)?;
    let earlier = earlier.iter().map(|it| version(it.version, false, it.changed, it.length));
    let versions: Vec<Version> = std::iter::once(now).chain(earlier).collect();
    if arguments.get_flag("json") {
        return context.output.json(&Report { schema: "history/1", name: name.as_str(), versions });
    }
    let mut table = Table::new(&["VERSION", "", "CHANGED", "BYTES"]);
    for it in &versions {
        let mark = if it.current { "current" } else { "" };
        let cells = [it.version.to_string(), mark.to_owned(), short_time(it.seconds), it.length.to_string()];
        table.row(cells.map(Into::into));
    }
    context.output.table(&table)
}
