//! `subrosa push`: write a new value of a linked secret to where it is linked to.

use crate::context::Context;
use crate::external::{Connections, Target, deposit, failed};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{lookup, output, record, unlock};
use clap::{ArgMatches, Command};
use subrosa_provider::WriteMode;

pub(super) fn command() -> Command {
    Command::new("push")
        .about("Write a new value to the external vault that a secret is linked to")
        .arg(lookup::one_name())
        .args(super::set::value_flags())
        .after_help(
            "The value is asked for, or read from a pipe or a file. Everybody who uses that secret there gets it. What else is kept in \
             one piece with it there, such as the other keys of a JSON text, stays.\n\n\
             Examples:\n  subrosa push stripe-key\n  openssl rand -hex 32 | subrosa push webhook-secret",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let text = arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default();
    let name = lookup::name(text)?;
    let vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    let name = &entry.metadata.name;
    let connections = Connections::load(&vault)?;
    let Some(link) = &entry.link else {
        let word = quoted(name.as_str());
        return Err(Failure::general(format!("{name} is not linked: its value is in this vault"))
            .hint(format!("subrosa set {word}"))
            .hint(format!("to move it out: subrosa promote {word} --to CONNECTION")));
    };
    let connection =
        connections.behind(name.as_str(), link).map_err(|error| failed(&error.about(name.as_str())))?;
    let target = Target { connection, text: link.target.clone() };
    let value = super::set::value_of(context, arguments, name)?;
    let shown = connections.shown(link);
    record::pushed(&vault, Some(name), &shown)?;
    deposit(&vault, &target, &value, WriteMode::Replace)?;
    output::done(&format!("wrote {name} to {shown}"));
    Ok(())
}
