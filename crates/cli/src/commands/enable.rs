//! `subrosa enable` and `subrosa disable`: whether references to a secret resolve.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{lookup, output, unlock};
use clap::{ArgMatches, Command};

pub(super) fn enable() -> Command {
    Command::new("enable")
        .about("Let references to a secret resolve again")
        .arg(lookup::names())
        .after_help("Example:\n  subrosa enable stripe-key")
}

pub(super) fn disable() -> Command {
    Command::new("disable")
        .about("Keep a secret, but let no reference to it resolve")
        .arg(lookup::names())
        .after_help("Example:\n  subrosa disable prod/stripe-key prod/stripe-webhook")
}

pub(super) fn run_enable(context: &Context, arguments: &ArgMatches) -> Outcome {
    switch(context, arguments, true)
}

pub(super) fn run_disable(context: &Context, arguments: &ArgMatches) -> Outcome {
    switch(context, arguments, false)
}

fn switch(context: &Context, arguments: &ArgMatches, on: bool) -> Outcome {
    let mut vault = unlock::open(context)?;
    let names = lookup::require_all(context, &vault, arguments)?;
    vault.change(|change| {
        names.iter().try_for_each(|name| change.update(name, |_, policy| policy.enabled = on).map(drop))
    })?;
    let word = if on { "enabled" } else { "disabled" };
    names.iter().for_each(|name| output::done(&format!("{word} {name}")));
    Ok(())
}
