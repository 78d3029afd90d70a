//! `subrosa clear`: empty the vault.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{ask, output, unlock};
use clap::{ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("clear").about("Empty the vault: every secret goes for good").arg(ask::flag()).after_help(
        "Secrets go with their earlier values, and what was deleted before goes too: 'undo' brings none of them back. \
         The ways in, the policy, certificates and the audit log stay. The vault's file is rewritten, so that nothing \
         of the secrets is left in it; backups and exports still hold them.\n\n\
         Examples:\n  subrosa export -o before.subrosa\n  subrosa clear",
    )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut vault = unlock::open(context)?;
    let secrets = output::count(vault.list()?.len() as u64, "secret");
    let folder = vault.location().dir.display().to_string();
    let what =
        format!("{secrets} in {folder} will be gone for good, with all earlier values and deleted secrets");
    ask::confirm(context, arguments, &what, "clear")?;
    let gone = vault.clear()?;
    let (secrets, values) =
        (output::count(gone.secrets, "secret"), output::count(gone.values, "earlier value"));
    output::done(&format!("dropped {secrets} and {values}"));
    Ok(())
}
