//! `subrosa backup`: a copy of the vault.

use crate::context::Context;
use crate::failure::Outcome;
use crate::{output, unlock};
use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use std::path::{Path, PathBuf};

pub(super) fn command() -> Command {
    Command::new("backup")
        .about("Make a consistent copy of the vault, checked, while others may write")
        .arg(
            Arg::new("folder")
                .value_name("FOLDER")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath)
                .help("a folder that holds no vault yet"),
        )
        .after_help(
            "The copy opens with the same keys; it holds none of them.\n\n\
             Examples:\n  subrosa backup /media/stick/subrosa-2026-05-01\n  subrosa list --vault /media/stick/subrosa-2026-05-01",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let folder = arguments.get_one::<PathBuf>("folder").map_or(Path::new(""), PathBuf::as_path);
    unlock::open(context)?.backup(folder)?;
    output::done(&format!("copied the vault to {}", folder.display()));
    Ok(())
}
