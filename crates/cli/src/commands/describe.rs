//! `subrosa describe`: what a secret is for.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{lookup, output, unlock};
use clap::{Arg, ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("describe")
        .about("Say what a secret is for, or show it")
        .arg(lookup::one_name())
        .arg(Arg::new("text").value_name("TEXT").help("the new description; an empty text takes it away"))
        .after_help(
            "Examples:\n  subrosa describe stripe-key 'restricted key, read-only, expires in May'\n  subrosa describe stripe-key",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = lookup::name(arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default())?;
    let mut vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    let Some(text) = arguments.get_one::<String>("text") else {
        return context.output.line(&entry.metadata.description);
    };
    let name = entry.metadata.name;
    vault.change(|change| change.update(&name, |metadata, _| metadata.description.clone_from(text)))?;
    output::done(&format!("described {name}"));
    Ok(())
}
