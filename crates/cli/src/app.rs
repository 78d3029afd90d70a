//! From the words of the command line to the command that does them.
//!
//! `--version` answers before anything is built. `send` has a parser of its own, so the word `send` is looked for
//! first; what precedes it can only be flags that every command has.

use crate::commands::{self, Entry, Section};
use crate::context::{self, Context};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::{output, send};
use clap::error::{ContextKind, ErrorKind};
use clap::{ArgMatches, Command};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

const ABOUT: &str = "Keep secrets in an encrypted local vault and send them by name";
const AFTER: &str = "\
Every command has a --help with examples; that of send lists the exit codes.

  subrosa init                                     make a vault
  subrosa set stripe-key                           store a secret; its value is asked for
  subrosa allow stripe-key api.stripe.com          where it may go
  subrosa send https://api.stripe.com/v1/balance -u '<<vault:stripe-key>>:'";

/// Does what the words say; the exit code is all that is left.
pub(crate) fn run(words: Vec<OsString>) -> ExitCode {
    let outcome = dispatch(words);
    subrosa_secret::wipe_dead_stack();
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report();
            failure.exit().into()
        }
    }
}

fn dispatch(words: Vec<OsString>) -> Outcome<Exit> {
    let words = help_as_flag(words);
    if let [only] = words.as_slice()
        && (only == "--version" || only == "-V")
    {
        writeln!(io::stdout(), "subrosa {}", env!("CARGO_PKG_VERSION"))?;
        return Ok(Exit::OK);
    }
    if let Some(at) = command_position(&words).filter(|&at| words[at] == "send") {
        let (before, after) = words.split_at(at);
        let words = before.iter().chain(after.iter().skip(1)).cloned();
        return send::run(words);
    }
    let name = std::iter::once(OsString::from("subrosa"));
    let matches = match root().try_get_matches_from(name.chain(words)) {
        Ok(matches) => matches,
        Err(error) => return explain(&error),
    };
    let Some((name, arguments)) = matches.subcommand() else {
        return Err(Failure::usage("no command").hint("subrosa --help"));
    };
    let entry = commands::ALL.iter().find(|entry| entry.name == name);
    let entry = entry.ok_or_else(|| Failure::usage(format!("unknown command {name}")))?;
    run_command(entry, arguments)
}

fn run_command(entry: &Entry, arguments: &ArgMatches) -> Outcome<Exit> {
    let context = Context::from_matches(arguments)?;
    let outcome = (entry.run)(&context, arguments);
    outcome.map(|()| Exit::OK).map_err(|failure| failure.in_vault(&context.vault_flag()))
}

/// `subrosa help send` is what many type for `subrosa send --help`.
fn help_as_flag(mut words: Vec<OsString>) -> Vec<OsString> {
    if words.first().is_some_and(|word| word == "help") {
        words.remove(0);
        words.push("--help".into());
    }
    words
}

/// Where the command's name stands: the first word that is neither a flag nor the value of a flag.
fn command_position(words: &[OsString]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = word.to_str().unwrap_or_default();
        if !text.starts_with('-') {
            return Some(at);
        }
        at += if context::takes_value(text) { 2 } else { 1 };
    }
    None
}

/// The whole command line as clap knows it: for parsing, help, completions and man pages.
pub(crate) fn root() -> Command {
    let mut root = Command::new("subrosa")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(AFTER)
        .args(context::flags())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .help_template(overview());
    for entry in commands::ALL {
        root = root.subcommand((entry.command)());
    }
    root
}

/// The help of `subrosa` itself: commands in groups, in the order in which a person meets them.
fn overview() -> String {
    let mut text = String::from("{about}\n\n{usage-heading} {usage}\n");
    for section in Section::ALL {
        text.push_str(&format!("\n{}:\n", section.heading()));
        for entry in commands::ALL.iter().filter(|entry| entry.section == *section) {
            let about = (entry.command)().get_about().map(ToString::to_string).unwrap_or_default();
            text.push_str(&format!("  {:<17}{about}\n", entry.name));
        }
    }
    text.push_str("\nOptions:\n{options}{after-help}\n");
    text
}

/// clap's answer in our form: help and version are output, anything else is one line and a hint.
fn explain(error: &clap::Error) -> Outcome<Exit> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render();
            let colored = output::Output::new(output::Color::Auto).colored();
            let text = if colored { text.ansi().to_string() } else { text.to_string() };
            io::stdout().write_all(text.as_bytes())?;
            Ok(Exit::OK)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = io::stderr().write_all(error.render().to_string().as_bytes());
            Err(Failure::silent(Exit::USAGE))
        }
        kind => {
            let failure = rephrase(&error.render().to_string());
            Err(if shows_a_value(error, kind) { failure.saying(surplus(error)) } else { failure })
        }
    }
}

/// Whether clap's words repeat one that stands where a secret may have been typed. Logs keep what is said, and the
/// command line of a program they do not.
fn shows_a_value(error: &clap::Error, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::TooManyValues => true,
        ErrorKind::UnknownArgument => {
            let word = error.get(ContextKind::InvalidArg).map(ToString::to_string);
            word.is_none_or(|word| !word.starts_with('-'))
        }
        _ => false,
    }
}

fn surplus(error: &clap::Error) -> String {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::TooManyValues, Some(flag)) => format!("{flag} takes no value"),
        _ => String::from("one word too many, which is not shown: it may be a secret"),
    }
}

/// The first paragraph is what is wrong, "tip:" lines say what was probably meant, the usage names the command.
fn rephrase(text: &str) -> Failure {
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let mut failure = Failure::usage(first.split_whitespace().collect::<Vec<_>>().join(" "));
    for line in text.lines() {
        if let Some(tip) = line.trim_start().strip_prefix("tip: ") {
            failure = failure.hint(tip);
        } else if let Some(usage) = line.strip_prefix("Usage: ") {
            let command =
                usage.split_whitespace().take_while(|word| word.starts_with(|c: char| c.is_lowercase()));
            failure = failure.hint(format!("{} --help", command.collect::<Vec<_>>().join(" ")));
        }
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        root().debug_assert();
    }

    #[test]
    fn the_command_stands_after_the_flags_of_every_command() {
        let at = |words: &[&str]| command_position(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(at(&["send", "x"]), Some(0));
        assert_eq!(at(&["--vault", "send", "get"]), Some(2));
        assert_eq!(at(&["--vault=v", "--no-ask", "send"]), Some(2));
        assert_eq!(at(&["--help"]), None);
    }

    #[test]
    fn help_is_a_word_as_well() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(help_as_flag(words("help")), words("--help"));
        assert_eq!(help_as_flag(words("help keys add")), words("keys add --help"));
        assert_eq!(help_as_flag(words("get help")), words("get help"));
    }

    #[test]
    fn errors_of_clap_become_one_line_and_hints() {
        let error = root().try_get_matches_from(["subrosa", "completions", "--nope"]).unwrap_err();
        let failure = explain(&error).unwrap_err();
        assert_eq!(failure.message(), "unexpected argument '--nope' found");
        assert!(failure.to_string().ends_with("hint: subrosa completions --help\n"), "{failure}");
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        for words in [
            &["subrosa", "set", "a", "-", "hunter2"][..],
            &["subrosa", "set", "a", "--valu=hunter2"],
            &["subrosa", "list", "--passphrase=hunter2"],
            &["subrosa", "init", "--passphrase", "hunter2"],
            &["subrosa", "keys", "add", "passphrase", "hunter2"],
        ] {
            let failure = explain(&root().try_get_matches_from(words).unwrap_err()).unwrap_err();
            assert!(!failure.to_string().contains("hunter2"), "{failure}");
            assert!(failure.to_string().contains("hint: subrosa "), "{failure}");
        }
    }

    /// Clap lets a command's own flag of the name take the place of that of every command, without a word.
    #[test]
    fn no_flag_of_a_command_hides_one_of_every_command() {
        fn check(command: &Command, global: &[clap::Arg]) {
            for arg in command.get_arguments().filter(|arg| !arg.is_global_set()) {
                let same = |other: &&clap::Arg| {
                    other.get_id() == arg.get_id()
                        || (arg.get_long().is_some() && other.get_long() == arg.get_long())
                };
                let hidden = global.iter().find(same);
                assert!(hidden.is_none(), "{} {}", command.get_name(), arg.get_id());
            }
            command.get_subcommands().for_each(|command| check(command, global));
        }
        // the flags of `send` are a table of their own, which has some of every command's, too
        let root = root();
        let others = root.get_subcommands().filter(|command| command.get_name() != "send");
        others.for_each(|command| check(command, &context::flags()));
    }

    #[test]
    fn every_command_has_an_example() {
        for command in root().get_subcommands().filter(|command| !command.is_hide_set()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("subrosa "), "{}", command.get_name());
        }
    }
}
