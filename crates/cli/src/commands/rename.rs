//! `subrosa rename`.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{lookup, output, unlock};
use clap::{Arg, ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("rename")
        .about("Give a secret another name; rules and history go with it")
        .visible_alias("mv")
        .arg(lookup::one_name())
        .arg(Arg::new("to").value_name("NEW-NAME").required(true).help("its new name"))
        .after_help("References that use the old name do not change.\n\nExample:\n  subrosa rename stripe-key prod/stripe-key")
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let text = |id| arguments.get_one::<String>(id).map(String::as_str).unwrap_or_default();
    let (from, to) = (lookup::name(text("name"))?, lookup::name(text("to"))?);
    let mut vault = unlock::open(context)?;
    let from = lookup::require(context, &vault, &from)?.metadata.name;
    vault.change(|change| change.rename(&from, &to))?;
    output::done(&format!("{from} is now {to}"));
    Ok(())
}
