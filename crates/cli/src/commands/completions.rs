//! `subrosa completions`: a script that completes the command line.

use crate::app;
use crate::context::Context;
use crate::failure::Outcome;
use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

pub(super) fn command() -> Command {
    Command::new("completions")
        .about("Print completions for a shell")
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(Shell))
                .help("the shell"),
        )
        .after_help(
            "Examples:\n  subrosa completions bash > ~/.local/share/bash-completion/completions/subrosa\n  \
             subrosa completions zsh > ~/.zfunc/_subrosa\n  \
             subrosa completions fish > ~/.config/fish/completions/subrosa.fish",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut script = Vec::new();
    if let Some(shell) = arguments.get_one::<Shell>("shell") {
        clap_complete::generate(*shell, &mut app::root(), "subrosa", &mut script);
    }
    context.output.bytes(&script)
}
