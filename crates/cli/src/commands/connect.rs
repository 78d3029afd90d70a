//! `subrosa connect`: a connection to an external vault.

use crate::context::Context;
use crate::external::{self, Connection, Connections, failed, systems};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{output, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use subrosa_provider::{ProviderError, Settings, System};

pub(super) fn command() -> Command {
    let mut command = Command::new("connect")
        .about("Connect an external vault, whose secrets 'link' can then name")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "A connection made again under its name keeps the links that lead to it.\n\n\
             Examples:\n  subrosa connect folder k8s --path /run/secrets\n  subrosa link db-password k8s:db/password",
        );
    for system in systems::ALL {
        command = command.subcommand(of_system(*system));
    }
    command
}

/// The flags of one system are its settings.
fn of_system(system: &'static dyn System) -> Command {
    let setting = |one: &'static subrosa_provider::Setting| {
        let arg = Arg::new(one.name).long(one.name).help(one.help).required(one.required);
        match one.value_name {
            "" => arg.action(ArgAction::SetTrue),
            "FOLDER" => arg.value_name("FOLDER").value_hint(ValueHint::DirPath),
            name => arg.value_name(name),
        }
    };
    Command::new(system.name())
        .about(system.about())
        .arg(Arg::new("connection").value_name("NAME").required(true).help("what links call it"))
        .args(system.settings().iter().map(setting))
        .arg(duration_flag("ttl", "how long its values are cached [default: the vault's, 1h]"))
        .arg(duration_flag(
            "stale-if-error",
            "how much longer they may be used where asking fails [default: 0]",
        ))
        .after_help(format!("Then: subrosa link SECRET NAME:{}", system.example()))
}

pub(super) fn duration_flag(id: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).value_name("DURATION").value_parser(external::duration).help(help)
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let (name, arguments) = arguments.subcommand().ok_or_else(|| Failure::usage("no system"))?;
    let system = systems::find(name).ok_or_else(|| Failure::usage(format!("unknown system {name}")))?;
    let name = arguments.get_one::<String>("connection").map(String::as_str).unwrap_or_default();
    Connection::check_name(name)?;
    let settings = system.settle(settings_of(system, arguments)).map_err(|error| failed(&error))?;
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let mut connection = Connection::new(name, system, &settings);
    connection.ttl = arguments.get_one::<u64>("ttl").copied();
    connection.stale_if_error = arguments.get_one::<u64>("stale-if-error").copied();
    if let Some(before) = connections.named(name) {
        if before.system != system.name() {
            let text = format!("{name} is a connection to another system, {}", before.system);
            return Err(Failure::general(text).hint(format!("subrosa disconnect {}", quoted(name))));
        }
        if !before.disconnected {
            return Err(Failure::general(format!("there is a connection named {name} already"))
                .hint(format!("to change it: subrosa disconnect {}, then connect it anew", quoted(name))));
        }
        connection.place = before.place;
    }
    let identity = connection.open(None, &no_credential).and_then(|external| external.describe());
    let identity = identity.map_err(|error| failed(&error.about(name)))?;
    vault.change(|change| connection.put(change))?;
    output::done(&format!("connected {name}: {}", identity.who));
    Ok(())
}

/// For systems that nobody logs in to.
pub(super) fn no_credential() -> Result<subrosa_secret::SecretValue, ProviderError> {
    Err(ProviderError::new(subrosa_provider::ErrorKind::Expired, "it has to log in again"))
}

fn settings_of(system: &dyn System, arguments: &ArgMatches) -> Settings {
    let mut settings = Settings::default();
    for setting in system.settings() {
        if setting.value_name.is_empty() {
            if arguments.get_flag(setting.name) {
                settings.set(setting.name, "");
            }
        } else if let Some(text) = arguments.get_one::<String>(setting.name) {
            settings.set(setting.name, text);
        }
    }
    settings
}
