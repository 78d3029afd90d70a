//! Asking before what cannot be undone.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use clap::{Arg, ArgAction, ArgMatches};

/// `--yes`, for scripts.
pub(crate) fn flag() -> Arg {
    Arg::new("yes").long("yes").action(ArgAction::SetTrue).help("do not ask")
}

/// Goes on if `--yes` was given or the person types the word; it is an error where nobody can.
pub(crate) fn confirm(context: &Context, arguments: &ArgMatches, what_happens: &str, word: &str) -> Outcome {
    confirm_as("this cannot be undone", context, arguments, what_happens, word)
}

/// The same for what has to be confirmed for another reason.
pub(crate) fn confirm_as(
    reason: &str,
    context: &Context,
    arguments: &ArgMatches,
    what_happens: &str,
    word: &str,
) -> Outcome {
    if arguments.get_flag("yes") {
        return Ok(());
    }
    let Some(mut terminal) = context.terminal()? else {
        return Err(Failure::usage(format!("{reason} and there is no terminal to confirm it on"))
            .hint("--yes says that you are sure"));
    };
    if terminal.confirm_typed(what_happens, word)? {
        Ok(())
    } else {
        Err(Failure::general("nothing was changed"))
    }
}
