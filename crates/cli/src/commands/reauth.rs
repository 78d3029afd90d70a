//! `subrosa reauth`: log in to an external vault again.

use super::connect::credential_file_flag;
use super::newcomer::Newcomer;
use crate::context::Context;
use crate::external::{AtScreen, Connection, Connections, Entrance, Keep, failed};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::output::done;
use crate::unlock;
use clap::{Arg, ArgMatches, Command};
use subrosa_provider::{Identity, ProviderError};
use subrosa_vault::Vault;

pub(super) fn command() -> Command {
    Command::new("reauth")
        .about("Log in to an external vault again, and see that it answers")
        .arg(Arg::new("connection").value_name("NAME").required(true).help("the connection"))
        .arg(credential_file_flag())
        .arg(Keep::flag("as before"))
        .after_help(
            "Without a flag it logs in with what is kept; where nothing is, it asks. With a flag it takes another password, \
             token or key, and what was kept goes.\n\n\
             Examples:\n  subrosa reauth k8s\n  subrosa reauth prod --credential-file new-token",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = arguments.get_one::<String>("connection").map(String::as_str).unwrap_or_default();
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let connection = connections.require(name)?;
    connection.system().map_err(|error| failed(&error))?;
    let before = Entrance::to(&vault, connection).map_err(|error| failed(&error.about(name)))?;
    let is_new = arguments.contains_id("credential-file") || arguments.contains_id("keep");
    let identity = match before.needs_nobody() && !is_new {
        true => again(&vault, connection, &AtScreen::of(context)?)
            .map_err(|error| explained(&error, connection))?,
        false => {
            let usual = Keep::as_before(connection.kept.as_ref());
            let newcomer = Newcomer::arriving(context, connection.anew(), usual, arguments)?;
            newcomer.enter(&mut vault, connection.kept.as_ref())?
        }
    };
    // not before: a login that fails leaves the session that there is
    if before.has_session() {
        let _ = before.enter(connection, |external| external.end());
    }
    done(&format!("{name} is ready: {}", identity.who));
    Ok(())
}

/// Logs in with what is kept.
fn again(vault: &Vault, connection: &Connection, person: &AtScreen) -> Result<Identity, ProviderError> {
    let entrance = Entrance::to(vault, connection)?.anew();
    entrance.visit(vault, connection, person.asked(), |external| external.describe())
}

fn explained(error: &ProviderError, connection: &Connection) -> Failure {
    let name = &connection.name;
    let takes_another = connection.method().is_some_and(|method| !method.credential.is_empty());
    let text = format!("{name}: {error}");
    let about = failed(&ProviderError::new(error.kind(), text));
    let command = match error.kind() {
        subrosa_provider::ErrorKind::Denied | subrosa_provider::ErrorKind::Expired if takes_another => {
            format!("subrosa reauth {} --credential-file FILE", quoted(name))
        }
        _ => format!("subrosa connections {}", quoted(name)),
    };
    about.hint(error.hint().map_or(command, str::to_owned))
}
