//! `subrosa connect`: a connection to an external vault.

use super::newcomer::Newcomer;
use super::prepare;
use crate::context::Context;
use crate::external::{self, Connection, Connections, Entrance, Keep, Place, failed, systems};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{output, unlock};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use std::path::PathBuf;
use subrosa_provider::{Method, Settings, System};

pub(super) fn command() -> Command {
    let mut command = Command::new("connect")
        .about("Connect an external vault, whose secrets 'link' can then name")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "A connection made again under its name keeps the links that lead to it.\n\n\
             Examples:\n  subrosa connect folder k8s --path /run/secrets\n  subrosa link db-password k8s:db/password\n  \
             subrosa connect folder k8s --path /run/other --replace",
        );
    for system in systems::ALL {
        command = command.subcommand(of_system(*system));
    }
    command
}

/// The flags of one system are its settings, and how one logs in.
fn of_system(system: &'static dyn System) -> Command {
    let setting = |one: &'static subrosa_provider::Setting| {
        let arg = needed(Arg::new(one.name).long(one.name).help(one.help), one.required, system);
        match one.value_name {
            "" => arg.action(ArgAction::SetTrue),
            "FOLDER" => arg.value_name("FOLDER").value_hint(ValueHint::DirPath),
            "FILE" => arg.value_name("FILE").value_hint(ValueHint::FilePath),
            name => arg.value_name(name),
        }
    };
    Command::new(system.name())
        .about(system.about())
        .arg(needed(Arg::new("connection").value_name("NAME").help("what links call it"), true, system))
        .args(login_flags(system))
        .args(system.settings().iter().map(setting))
        .args(prepare::flags(system))
        .arg(duration_flag("ttl", "how long its values are cached [default: the vault's, 1h]"))
        .arg(duration_flag(
            "stale-if-error",
            "how much longer they may be used where asking fails [default: 0]",
        ))
        .arg(Arg::new("replace").long("replace").action(ArgAction::SetTrue).help(
            "change the connection of that name, whose links stay; what is not said again is as in a new one",
        ))
        .after_help(after_help(system))
}

/// What connecting cannot do without; a set-up says itself what it needs.
fn needed(arg: Arg, required: bool, system: &dyn System) -> Arg {
    match (required, system.setup().is_some()) {
        (true, true) => arg.required_unless_present("setup"),
        (required, _) => arg.required(required),
    }
}

fn login_flags(system: &'static dyn System) -> Vec<Arg> {
    let [usual, ..] = system.methods() else { return Vec::new() };
    let names = system.methods().iter().map(|method| method.name);
    let auth =
        Arg::new("auth").long("auth").value_name("METHOD").value_parser(PossibleValuesParser::new(names));
    let auth = auth.help(format!("the way to log in [default: {}]", usual.name));
    vec![auth, credential_file_flag(), Keep::flag("keychain")]
}

pub(super) fn credential_file_flag() -> Arg {
    Arg::new("credential-file")
        .long("credential-file")
        .value_name("FILE")
        .value_hint(ValueHint::FilePath)
        .value_parser(clap::value_parser!(PathBuf))
        .help("read what one logs in with from a file, - is standard input; else it is asked for")
}

fn after_help(system: &'static dyn System) -> String {
    let width = 2 + system.methods().iter().map(|method| method.name.len()).max().unwrap_or(0).max(10);
    let methods = system.methods().iter().map(|method| {
        let needs: String = method.needs.iter().map(|one| format!(" --{one}")).collect();
        let takes = match (method.credential, method.person) {
            ("", false) => String::new(),
            ("", true) => "somebody at the screen".to_owned(),
            (what, _) => format!("a {what}"),
        };
        let and = if takes.is_empty() || needs.is_empty() { "" } else { ", and" };
        let all = format!("{takes}{and}{needs}");
        format!(
            "{}
",
            format!("  {:<width$}{}", method.name, all.trim_start()).trim_end()
        )
    });
    let methods: String = methods.collect();
    let methods =
        if methods.is_empty() { methods } else { format!("What each way to log in takes:\n{methods}\n") };
    let setup = if system.setup().is_some() { prepare::AFTER_HELP } else { "" };
    format!("{methods}Then: subrosa link SECRET NAME:{}{setup}", system.example())
}

pub(super) fn duration_flag(id: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).value_name("DURATION").value_parser(external::duration).help(help)
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let (name, arguments) = arguments.subcommand().ok_or_else(|| Failure::usage("no system"))?;
    let system = systems::find(name).ok_or_else(|| Failure::usage(format!("unknown system {name}")))?;
    if prepare::is_wanted(system, arguments) {
        return prepare::run(context, system, arguments);
    }
    let name = arguments.get_one::<String>("connection").map(String::as_str).unwrap_or_default();
    Connection::check_name(name)?;
    let method = method_of(system, arguments)?;
    let settings =
        system.settle(settings_of(system, arguments)).map_err(|error| helped(failed(&error), system))?;
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let mut connection = Connection::new(name, system, &settings);
    connection.auth = method.map(|method| method.name.to_owned()).unwrap_or_default();
    connection.ttl = arguments.get_one::<u64>("ttl").copied();
    connection.stale_if_error = arguments.get_one::<u64>("stale-if-error").copied();
    let before = connections.named(name);
    connection.place = place_to_take(before, system, arguments.get_flag("replace"))?;
    let newcomer = Newcomer::arriving(context, connection, Keep::Keychain, arguments)?;
    let session =
        before.map(|before| Entrance::to(&vault, before).map_err(|error| failed(&error))).transpose()?;
    let identity = newcomer.enter(&mut vault, before.and_then(|before| before.kept.as_ref()))?;
    // not before: a login that fails leaves the connection that there is
    if let (Some(before), Some(session)) = (before, session.filter(Entrance::has_session)) {
        let _ = session.enter(before, |external| external.end());
    }
    output::done(&format!("connected {name}: {}", identity.who));
    Ok(())
}

/// Where the connection is to be stored, if there was one of that name.
fn place_to_take(before: Option<&Connection>, system: &dyn System, replaces: bool) -> Outcome<Option<Place>> {
    let Some(before) = before else { return Ok(None) };
    let name = &before.name;
    if before.system != system.name() {
        let text = format!("{name} is a connection to another system, {}", before.system);
        return Err(Failure::general(text).hint(format!("subrosa disconnect {}", quoted(name))));
    }
    if !before.disconnected && !replaces {
        return Err(Failure::general(format!("there is a connection named {name} already"))
            .hint("--replace changes it; its links stay"));
    }
    Ok(before.place)
}

/// The way to log in that was chosen; its settings have to be there.
fn method_of(system: &dyn System, arguments: &ArgMatches) -> Outcome<Option<&'static Method>> {
    let [usual, ..] = system.methods() else { return Ok(None) };
    let chosen = arguments.get_one::<String>("auth").map_or(usual.name, String::as_str);
    let method = system.methods().iter().find(|method| method.name == chosen);
    let missing = method.and_then(|method| method.needs.iter().find(|name| !arguments.contains_id(name)));
    match missing {
        Some(name) => Err(helped(Failure::usage(format!("--auth {chosen} needs --{name}")), system)),
        None => Ok(method),
    }
}

/// A failure with the command that tells what a system takes, where it knows no other.
fn helped(failure: Failure, system: &dyn System) -> Failure {
    match failure.first_hint() {
        Some(_) => failure,
        None => failure.hint(format!("subrosa connect {} --help", system.name())),
    }
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
