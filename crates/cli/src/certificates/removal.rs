//! `cert rm` and `ca rm`.

use super::{Entry, Kind, load};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{ask, output, unlock};
use clap::{Arg, ArgMatches, Command};
use subrosa_secret::HostRule;

pub(crate) fn remove_command(kind: Kind) -> Command {
    let about = match kind {
        Kind::Client => "Remove client certificates with their keys",
        Kind::Authority => "Remove authorities, which are not trusted any more then",
    };
    let command = kind.command();
    Command::new("rm")
        .about(about)
        .arg(
            Arg::new("which")
                .value_name("ID|HOST")
                .num_args(1..)
                .required(true)
                .help("the beginning of an id, or the host as it was given"),
        )
        .arg(ask::flag())
        .after_help(format!(
            "No earlier version is kept; backups still hold what was removed.\n\n\
             Examples:\n  subrosa {command} rm 3f2a9c1e\n  subrosa {command} rm '*.example.com'"
        ))
}

pub(crate) fn remove(kind: Kind, context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut vault = unlock::open(context)?;
    let entries = load(&vault, kind)?;
    let mut chosen: Vec<&Entry> = Vec::new();
    for text in arguments.get_many::<String>("which").unwrap_or_default() {
        for found in named(kind, &entries, text)? {
            if !chosen.iter().any(|known| known.id == found.id) {
                chosen.push(found);
            }
        }
    }
    let told: Vec<String> = chosen.iter().map(|entry| entry.told()).collect();
    ask::confirm(context, arguments, &format!("{} will be gone for good", told.join(", ")), "remove")?;
    let ids: Vec<_> = chosen.iter().filter_map(|entry| entry.id).collect();
    vault.change(|change| ids.iter().try_for_each(|id| change.remove_document(kind.document(), *id)))?;
    told.iter().for_each(|told| output::done(&format!("removed {told}")));
    Ok(())
}

/// Those for a host, or the one whose id begins so.
fn named<'e>(kind: Kind, entries: &'e [Entry], text: &str) -> Outcome<Vec<&'e Entry>> {
    let rule = HostRule::parse(text).ok().map(|parsed| parsed.rule);
    let for_host: Vec<&Entry> = entries.iter().filter(|entry| rule.as_ref() == Some(&entry.rule)).collect();
    if !for_host.is_empty() {
        return Ok(for_host);
    }
    let begins = |entry: &&Entry| {
        let id = entry.id.map(|id| id.to_string()).unwrap_or_default();
        !text.is_empty() && id.starts_with(&text.to_ascii_lowercase())
    };
    let found: Vec<&Entry> = entries.iter().filter(begins).collect();
    let list = format!("subrosa {} list", kind.command());
    match found.as_slice() {
        [_] => Ok(found),
        [] => {
            Err(Failure::general(format!("no {} with this id or for this host: {text}", kind.noun()))
                .hint(list))
        }
        _ => Err(Failure::usage(format!("{text:?} is the beginning of several ids")).hint(list)),
    }
}
