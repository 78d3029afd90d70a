//! `subrosa push`: write a new value of a linked secret to where it is linked to.

use crate::context::Context;
use crate::external::{Connections, Target, deposit, failed};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::input::{self, Source};
use crate::{lookup, output, record, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use std::path::PathBuf;
use subrosa_provider::WriteMode;

pub(super) fn command() -> Command {
    Command::new("push")
        .about("Write a new value to the external vault that a secret is linked to")
        .arg(lookup::one_name())
        .arg(Arg::new("value").value_name("-").help("'-' reads standard input; a value here is seen by other programs"))
        .arg(
            Arg::new("file")
                .long("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .conflicts_with("value")
                .help("read the value from a file, text or binary, at most 1 MiB"),
        )
        .arg(Arg::new("exact").long("exact").action(ArgAction::SetTrue).help("keep the line break at the end"))
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
    let source = Source::of_argument(arguments.get_one("value"), arguments.get_one("file"));
    let value = input::value(context, source, &format!("value of {name}"), arguments.get_flag("exact"))?;
    let shown = connections.shown(link);
    record::pushed(&vault, Some(name), &shown)?;
    deposit(&vault, &target, &value, WriteMode::Replace)?;
    output::done(&format!("wrote {name} to {shown}"));
    Ok(())
}
