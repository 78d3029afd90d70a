//! `subrosa promote`: move the value of a secret to an external vault, and link it.

use crate::context::Context;
use crate::export_policy::{Exports, Policies};
use crate::external::{Connections, Target, deposit, value_at};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{lookup, output, record, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};
use subrosa_provider::WriteMode;
use subrosa_vault::{Entry, Vault};

pub(super) fn command() -> Command {
    Command::new("promote")
        .about("Move the value of a secret to an external vault, and link the secret to it")
        .arg(lookup::one_name())
        .arg(Arg::new("to").long("to").value_name("CONNECTION").required(true).help("the connection"))
        .arg(Arg::new("target").value_name("TARGET").help("where to, as for 'link' [default: the secret's name]"))
        .arg(super::connect::duration_flag("ttl", "how long its value is cached [default: the connection's]"))
        .arg(Arg::new("force").long("force").action(ArgAction::SetTrue).help("replace what is there"))
        .after_help(
            "The value is written, read back and compared before the secret is linked; rules, tags and description stay. The value that was \
             here goes into the history, until 'subrosa purge' removes it.\n\n\
             Examples:\n  subrosa promote stripe-key --to prod secret/payments#stripe-key\n  subrosa promote stripe-key --to aws-prod",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let argument = |id: &str| arguments.get_one::<String>(id).map(String::as_str);
    let name = lookup::name(argument("name").unwrap_or_default())?;
    let mut vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    let name = entry.metadata.name.clone();
    let connections = Connections::load(&vault)?;
    let to = argument("to");
    let target = Target::parse(&connections, argument("target").unwrap_or(name.as_str()), to)?;
    if let Some(link) = &entry.link {
        let text = format!("{name} is linked already, to {}", connections.shown(link));
        return Err(Failure::general(text).hint(format!(
            "subrosa copy {} {}",
            quoted(name.as_str()),
            quoted(&target.shown())
        )));
    }
    may_leave(&vault, &entry)?;
    let value = vault.value(&entry)?.ok_or_else(|| {
        Failure::general(format!("{name} has no value yet"))
            .hint(format!("subrosa set {}", quoted(name.as_str())))
    })?;
    let mode = if arguments.get_flag("force") { WriteMode::Replace } else { WriteMode::New };
    record::pushed(&vault, Some(&name), &target.shown())?;
    deposit(&vault, &target, &value, mode)?;
    let is_same = value_at(&vault, &target)?.expose_secret() == value.expose_secret();
    if !is_same {
        let text = format!("{} does not give back what was written; {name} stays as it is", target.shown());
        return Err(Failure::general(text));
    }
    let link = target.link(arguments.get_one::<u64>("ttl").copied());
    let linked = vault.change(|change| {
        let is_that = change.find(&name)?.is_some_and(|now| now.version == entry.version);
        if is_that { change.link(&name, link).map(|_| true) } else { Ok(false) }
    });
    let written = |failure: Failure| failure.detail(format!("its value is written to {}", target.shown()));
    match linked {
        Ok(true) => {}
        Ok(false) => {
            let text = format!("{name} was changed meanwhile and stays as it is");
            return Err(written(Failure::general(text)));
        }
        Err(error) => return Err(written(Failure::from(error))),
    }
    output::done(&format!(
        "moved {name} to {} and linked it; what was here is in its history, until: subrosa purge {}",
        target.shown(),
        quoted(name.as_str())
    ));
    Ok(())
}

/// Whether a value may be handed to another vault, where the rules of this one do not hold.
pub(super) fn may_leave(vault: &Vault, entry: &Entry) -> Outcome {
    Policies::of(vault)?.require(Exports::Encrypted)?;
    let name = &entry.metadata.name;
    let word = quoted(name.as_str());
    if !entry.policy.enabled {
        return Err(Failure::general(format!("{name} is disabled")).hint(format!("subrosa enable {word}")));
    }
    if entry.policy.send_only {
        return Err(Failure::general(format!("{name} is send-only: another vault would show it"))
            .hint(format!("subrosa send-only --off {word}")));
    }
    Ok(())
}
