//! `subrosa purge`: drop earlier values and deleted secrets for good.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{ask, lookup, output, unlock};
use clap::{Arg, ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("purge")
        .about("Drop earlier values and deleted secrets for good")
        .arg(Arg::new("name").value_name("NAME").help("of this name only"))
        .arg(ask::flag())
        .after_help(
            "The vault's file is rewritten, so that nothing of them is left in it. Backups and other copies still hold \
             them, sealed: to make the keys useless there, replace them with 'subrosa keys rotate' and then\n\
             'subrosa keys rotate --root'.\n\n\
             Examples:\n  subrosa purge old-key\n  subrosa purge --yes",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = arguments.get_one::<String>("name").map(|text| lookup::name(text)).transpose()?;
    let mut vault = unlock::open(context)?;
    let what = match &name {
        Some(name) => {
            format!("the earlier values of {name}, and deleted secrets of that name, will be gone for good")
        }
        None => String::from("all earlier values and all deleted secrets will be gone for good"),
    };
    ask::confirm(context, arguments, &what, "purge")?;
    let purged = vault.purge(name.as_ref())?;
    let (values, secrets) =
        (output::count(purged.values, "earlier value"), output::count(purged.secrets, "deleted secret"));
    output::done(&format!("dropped {values} and {secrets}"));
    Ok(())
}
