//! `subrosa generate`: man pages and completions as files, for packages. Hidden: it is for whoever builds subrosa.

use crate::app;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use clap::{Arg, ArgMatches, Command, ValueEnum, value_parser};
use clap_complete::Shell;
use std::path::{Path, PathBuf};
use std::{fs, io};

pub(super) fn command() -> Command {
    Command::new("generate")
        .about("Write man pages or completions into a folder")
        .hide(true)
        .arg(Arg::new("what").value_name("WHAT").required(true).value_parser(["man", "completions"]))
        .arg(Arg::new("folder").value_name("FOLDER").required(true).value_parser(value_parser!(PathBuf)))
}

pub(super) fn run(_context: &Context, arguments: &ArgMatches) -> Outcome {
    let (Some(what), Some(folder)) =
        (arguments.get_one::<String>("what"), arguments.get_one::<PathBuf>("folder"))
    else {
        return Ok(());
    };
    let written = fs::create_dir_all(folder).and_then(|()| match what.as_str() {
        "man" => clap_mangen::generate_to(app::root(), folder),
        _ => completions(folder),
    });
    written.map_err(|error| Failure::file("write to", folder, &error))
}

fn completions(folder: &Path) -> io::Result<()> {
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut app::root(), "subrosa", folder)?;
    }
    Ok(())
}
