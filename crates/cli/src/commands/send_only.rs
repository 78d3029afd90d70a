//! `subrosa send-only`: secrets that are never shown.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{lookup, output, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("send-only")
        .about("Let a secret only be sent to its hosts, never shown")
        .arg(lookup::names())
        .arg(Arg::new("off").long("off").action(ArgAction::SetTrue).help("let it be shown again"))
        .after_help(
            "Examples:\n  subrosa send-only prod/stripe-key\n  subrosa send-only --off prod/stripe-key",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let on = !arguments.get_flag("off");
    let mut vault = unlock::open(context)?;
    let names = lookup::require_all(context, &vault, arguments)?;
    vault.change(|change| {
        names.iter().try_for_each(|name| change.update(name, |_, policy| policy.send_only = on).map(drop))
    })?;
    let words = if on { "is send-only" } else { "may be shown" };
    names.iter().for_each(|name| output::done(&format!("{name} {words}")));
    Ok(())
}
