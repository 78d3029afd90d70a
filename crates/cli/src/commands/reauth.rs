//! `subrosa reauth`: log in to an external vault again.

use crate::context::Context;
use crate::external::{Connections, failed};
use crate::failure::Outcome;
use crate::fault::quoted;
use crate::output::done;
use crate::unlock;
use clap::{Arg, ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("reauth")
        .about("Log in to an external vault again, and see that it answers")
        .arg(Arg::new("connection").value_name("NAME").required(true).help("the connection"))
        .after_help("Example:\n  subrosa reauth k8s")
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = arguments.get_one::<String>("connection").map(String::as_str).unwrap_or_default();
    let vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let connection = connections.require(name)?;
    let identity = super::connections::asked(connection).map_err(|error| {
        let failure = match error.hint() {
            Some(_) => failed(&error),
            None => failed(&error.about(name)),
        };
        match failure.first_hint() {
            Some(_) => failure,
            None => failure.hint(format!("subrosa connections {}", quoted(name))),
        }
    })?;
    done(&format!("{name} is ready: {}", identity.who));
    Ok(())
}
