//! `subrosa rm`: delete secrets; `undo` brings them back until they are purged.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{lookup, output, unlock};
use clap::{ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("rm")
        .about("Delete secrets; 'subrosa undo' brings them back")
        .visible_alias("delete")
        .arg(lookup::names())
        .after_help(
            "'subrosa purge' drops deleted secrets for good.\n\nExample:\n  subrosa rm old-key older-key",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut vault = unlock::open(context)?;
    let names = lookup::require_all(context, &vault, arguments)?;
    vault.change(|change| names.iter().try_for_each(|name| change.remove(name)))?;
    names.iter().for_each(|name| output::done(&format!("deleted {name}")));
    Ok(())
}
