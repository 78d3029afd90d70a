//! `subrosa undo`: take back the last new value, or a deletion.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{lookup, output, unlock};
use clap::{ArgMatches, Command};
use subrosa_vault::VaultError;

pub(super) fn command() -> Command {
    Command::new("undo")
        .about("Take back the last new value of a secret, or its deletion")
        .arg(lookup::one_name())
        .after_help("A second undo takes the first one back.\n\nExamples:\n  subrosa undo stripe-key\n  subrosa list --deleted")
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = lookup::name(arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default())?;
    let mut vault = unlock::open(context)?;
    // a deleted secret is found by no lookup: each name it could have had is tried, the profile's own first
    let names = lookup::candidates(context, &name)?;
    let mut outcome = Err(VaultError::NothingToUndo(name));
    for candidate in names {
        outcome = vault.change(|change| change.undo(&candidate)).map(|_| candidate);
        if !matches!(outcome, Err(VaultError::NothingToUndo(_) | VaultError::NoSuchSecret(_))) {
            break;
        }
    }
    output::done(&format!("{} is as it was before", outcome?));
    Ok(())
}
