//! `subrosa copy`: a value from one place to another, each in this vault or in an external one.

use super::promote::may_leave;
use crate::context::Context;
use crate::external::{Connections, Fetch, Sources, Target, deposit, failed, value_at};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{lookup, output, record, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};
use subrosa_provider::{Provider as _, WriteMode};
use subrosa_secret::{Name, SecretValue};
use subrosa_vault::{Entry, Vault};

pub(super) fn command() -> Command {
    let connection =
        |id: &'static str, help: &'static str| Arg::new(id).long(id).value_name("CONNECTION").help(help);
    Command::new("copy")
        .about("Copy a value to another secret, from an external vault, into one, or between two")
        .arg(Arg::new("source").value_name("SOURCE").required(true).help("a secret, or CONNECTION:TARGET"))
        .arg(Arg::new("destination").value_name("DESTINATION").required(true).help("a secret, or CONNECTION:TARGET"))
        .arg(connection("from", "SOURCE is a target of this connection"))
        .arg(connection("to", "DESTINATION is a target of this connection"))
        .arg(Arg::new("force").long("force").action(ArgAction::SetTrue).help("replace what is there"))
        .after_help(
            "A copy of a secret in this vault has its rules, tags and description. A copy of a value that was taken from an external \
             vault may go nowhere until it is said. What is send-only is copied to no other vault.\n\n\
             Examples:\n  subrosa copy stripe-key stripe-key.old\n  subrosa copy prod:secret/stripe#api-key stripe-key\n  \
             subrosa copy prod:secret/stripe#api-key aws-prod:payments/stripe",
        )
}

/// One end of a copy.
enum End<'c> {
    Here(Name),
    There(Target<'c>),
}

impl End<'_> {
    fn shown(&self) -> String {
        match self {
            End::Here(name) => name.to_string(),
            End::There(target) => target.shown(),
        }
    }
}

/// What stands before a colon is a connection if there is one of that name. Names of secrets may have colons too: where both
/// could be meant, neither is guessed.
fn end<'c>(
    context: &Context,
    vault: &Vault,
    connections: &'c Connections,
    text: &str,
    flag: (&str, Option<&str>),
) -> Outcome<End<'c>> {
    let (flag, connection) = flag;
    if connection.is_some() {
        return Target::parse(connections, text, connection).map(End::There);
    }
    let before = text.split_once(':').map(|(name, _)| name).filter(|name| connections.named(name).is_some());
    let name = Name::parse(text);
    match (before, name) {
        (Some(before), Ok(name)) if lookup::find(context, vault, &name)?.is_some() => {
            let text = format!("{name} could be a secret of this vault or a target of {before}");
            Err(Failure::usage(text).hint(format!("--{flag} {before} says that it is a target")))
        }
        (Some(_), _) => Target::parse(connections, text, None).map(End::There),
        // a connection that was misspelt must not become the name of a secret
        (None, Ok(name)) if text.contains(':') && lookup::find(context, vault, &name)?.is_none() => {
            let connection = text.split(':').next().unwrap_or_default();
            let text = format!("there is no connection named {connection}, and no secret named {name}");
            Err(Failure::general(text).hint("subrosa connections"))
        }
        (None, _) => lookup::name(text).map(End::Here),
    }
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let argument = |id: &str| arguments.get_one::<String>(id).map(String::as_str);
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let one = |id, flag| {
        end(context, &vault, &connections, argument(id).unwrap_or_default(), (flag, argument(flag)))
    };
    let (source, destination) = (one("source", "from")?, one("destination", "to")?);
    let force = arguments.get_flag("force");
    let (entry, value) = read(context, &vault, &source, &destination)?;
    match &destination {
        End::There(target) => {
            let name = entry.as_ref().map(|entry| &entry.metadata.name);
            let from = if name.is_some() { String::new() } else { format!(" from {}", source.shown()) };
            record::pushed(&vault, name, &format!("{}{from}", target.shown()))?;
            deposit(&vault, target, &value, if force { WriteMode::Replace } else { WriteMode::New })?;
        }
        End::Here(name) => {
            let name = match context.given_profile() {
                Some(profile) => {
                    name.in_profile(profile).map_err(|error| Failure::usage(format!("{name}: {error}")))?
                }
                None => name.clone(),
            };
            keep(&mut vault, &name, entry.as_ref(), &value, force)?;
        }
    }
    output::done(&format!("copied {} to {}", source.shown(), destination.shown()));
    Ok(())
}

/// What is copied; nothing of it is opened before it may go where it is to go.
fn read(
    context: &Context,
    vault: &Vault,
    source: &End<'_>,
    destination: &End<'_>,
) -> Outcome<(Option<Entry>, SecretValue)> {
    let name = match source {
        End::Here(name) => name,
        End::There(target) => return Ok((None, value_at(vault, target)?)),
    };
    let entry = lookup::require(context, vault, name)?;
    if matches!(destination, End::There(_)) {
        may_leave(vault, &entry)?;
    }
    let fetch = Fetch::default();
    let value =
        Sources::new(vault, &fetch).lookup(&entry).map_err(|error| failed(&error.about(name.as_str())))?;
    let none = || {
        Failure::general(format!("{name} has no value yet"))
            .hint(format!("subrosa set {}", quoted(name.as_str())))
    };
    Ok((Some(entry), value.ok_or_else(none)?))
}

/// Stores a copy, with what is told of the secret that it was copied from.
fn keep(vault: &mut Vault, name: &Name, of: Option<&Entry>, value: &SecretValue, force: bool) -> Outcome {
    if let Some(there) = vault.find(name)? {
        if there.link.is_some() {
            return Err(Failure::general(format!("{name} is linked: a copy would not be its value"))
                .hint(format!("subrosa push {}", quoted(name.as_str()))));
        }
        if !force {
            return Err(Failure::general(format!("there is a secret named {name} already"))
                .hint("--force replaces its value, and keeps the one that it has in the history"));
        }
    }
    vault.change(|change| {
        change.set(name, Some(value))?;
        let Some(of) = of else { return Ok(()) };
        let told = |metadata: &mut subrosa_vault::Metadata, policy: &mut subrosa_secret::Policy| {
            metadata.description.clone_from(&of.metadata.description);
            metadata.tags.clone_from(&of.metadata.tags);
            policy.clone_from(&of.policy);
        };
        change.update(name, told).map(drop)
    })?;
    Ok(())
}
