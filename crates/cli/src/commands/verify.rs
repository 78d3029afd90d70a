//! `subrosa verify`: check every seal, every value, and the whole set.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::count;
use crate::unlock;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;
use subrosa_vault::Report as Found;

pub(super) fn command() -> Command {
    Command::new("verify")
        .about("Check every seal of the vault, every value, and the whole set")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema verify/1"))
        .after_help("Exits with 102 if something is wrong. Works on a vault that was rolled back.\n\nExample:\n  subrosa verify")
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    sound: bool,
    rolled_back: bool,
    generation: u64,
    secrets: u64,
    history: u64,
    deleted: u64,
    keyslots: u64,
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let vault = unlock::open_despite_rollback(context).map_err(beyond_checking)?;
    let found = vault.verify()?;
    if arguments.get_flag("json") {
        context.output.json(&Report {
            schema: "verify/1",
            sound: found.is_sound(),
            rolled_back: found.rolled_back,
            generation: found.generation,
            secrets: found.secrets,
            history: found.history,
            deleted: found.deleted,
            keyslots: found.keyslots,
            problems: found.problems.clone(),
        })?;
    } else if found.is_sound() {
        context.output.line(&summary(&found))?;
    }
    if found.is_sound() { Ok(()) } else { Err(unsound(&found)) }
}

/// A file too damaged to be opened at all: there is nothing left for `verify`, to which every other command sends.
fn beyond_checking(failure: Failure) -> Failure {
    match failure.exit() {
        Exit::DAMAGED => Failure::new(Exit::DAMAGED, failure.message()).hint("restore a backup"),
        _ => failure,
    }
}

fn summary(found: &Found) -> String {
    format!(
        "sound: generation {}, {}, {}, {} deleted, {}",
        found.generation,
        count(found.secrets, "secret"),
        count(found.history, "earlier value"),
        found.deleted,
        count(found.keyslots, "keyslot")
    )
}

fn unsound(found: &Found) -> Failure {
    let problems = || count(found.problems.iter().map(|_| 1).sum(), "problem");
    let text = match (found.rolled_back, found.problems.is_empty()) {
        (true, true) => String::from("the vault was rolled back or forked; what it holds is sound"),
        (true, false) => format!("the vault was rolled back or forked, and has {}", problems()),
        (false, _) => format!("the vault is damaged: {}", problems()),
    };
    let failure = found
        .problems
        .iter()
        .fold(Failure::new(Exit::DAMAGED, text), |failure, problem| failure.detail(problem));
    match (found.rolled_back, found.problems.is_empty()) {
        (true, true) => {
            failure.hint("restore the newest copy, or go on from this one: subrosa accept-rollback")
        }
        _ => failure.hint("restore a backup; what can still be read: subrosa get NAME"),
    }
}
