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
    if arguments.get_flag("yes") {
        return Ok(());
    }
    let Some(mut terminal) = context.terminal()? else {
        return Err(Failure::usage("this cannot be undone and there is no terminal to confirm it on")
            .hint("--yes says that you are sure"));
    };
    if terminal.confirm_typed(what_happens, word)? {
        Ok(())
    } else {
        Err(Failure::general("nothing was changed"))
    }
}
