//! `subrosa tag`: words to find a secret by.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{lookup, output, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};
use subrosa_secret::Tag;

pub(super) fn command() -> Command {
    Command::new("tag")
        .about("Add tags to a secret, or take them away")
        .arg(lookup::one_name())
        .arg(Arg::new("tags").value_name("TAG").num_args(0..).help("letters, digits and . _ -"))
        .arg(
            Arg::new("remove")
                .long("remove")
                .value_name("TAG")
                .action(ArgAction::Append)
                .help("take this tag away"),
        )
        .after_help(
            "Without tags those of the secret are listed.\n\n\
             Examples:\n  subrosa tag stripe-key payments prod\n  subrosa tag stripe-key --remove prod",
        )
}

/// A tag as typed.
pub(super) fn parse(text: &str) -> Outcome<Tag> {
    Tag::parse(text).map_err(|error| Failure::usage(format!("tag {text:?}: {error}")))
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let tags = |id| -> Outcome<Vec<Tag>> {
        arguments.get_many::<String>(id).unwrap_or_default().map(|text| parse(text)).collect()
    };
    let (added, removed) = (tags("tags")?, tags("remove")?);
    let name = lookup::name(arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default())?;
    let mut vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    if added.is_empty() && removed.is_empty() {
        return entry.metadata.tags.iter().try_for_each(|tag| context.output.line(tag.as_str()));
    }
    let name = entry.metadata.name;
    if let Some(unknown) = removed.iter().find(|tag| !entry.metadata.tags.contains(*tag)) {
        return Err(Failure::general(format!("{name} has no tag {}", unknown.as_str())));
    }
    vault.change(|change| {
        change.update(&name, |metadata, _| {
            metadata.tags.extend(added);
            metadata.tags.retain(|tag| !removed.contains(tag));
        })
    })?;
    output::done(&format!("tagged {name}"));
    Ok(())
}
