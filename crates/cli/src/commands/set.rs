//! `subrosa set`: store a value under a name.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::input::{self, Source};
use crate::{hosts, lookup, output, report, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use std::path::PathBuf;
use subrosa_secret::{Access, Name, SecretValue, Tag};

/// `-`, `--file` and `--exact` of a command that takes a new value.
pub(super) fn value_flags() -> [Arg; 3] {
    [
        Arg::new("value")
            .value_name("-")
            .help("'-' reads standard input; a value here is seen by other programs"),
        Arg::new("file")
            .long("file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
            .conflicts_with("value")
            .help("read the value from a file, text or binary, at most 1 MiB"),
        Arg::new("exact").long("exact").action(ArgAction::SetTrue).help("keep the line break at the end"),
    ]
}

/// The value that they name, or that is asked for.
pub(super) fn value_of(context: &Context, arguments: &ArgMatches, name: &Name) -> Outcome<SecretValue> {
    let source = Source::of_argument(arguments.get_one("value"), arguments.get_one("file"));
    input::value(context, source, &format!("value of {name}"), arguments.get_flag("exact"))
}

pub(super) fn command() -> Command {
    let [value, file, exact] = value_flags();
    Command::new("set")
        .about("Store a secret; its value is asked for, or read from a pipe or a file")
        .arg(Arg::new("name").value_name("NAME").required(true).help("letters, digits and . _ - / :"))
        .args([value, file])
        .arg(
            Arg::new("empty")
                .long("empty")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["value", "file"])
                .help("make the name without a value"),
        )
        .arg(exact)
        .arg(Arg::new("new").long("new").action(ArgAction::SetTrue).help("fail if there is a secret of this name"))
        .arg(Arg::new("description").long("description").value_name("TEXT").help("what it is for"))
        .arg(
            Arg::new("tag").long("tag").value_name("TAG").action(ArgAction::Append).help("a word to find it by"),
        )
        .args(hosts::rule_flags())
        .arg(Arg::new("send-only").long("send-only").action(ArgAction::SetTrue).help("never show it, only send it"))
        .after_help(
            "Of a single line of text the line break at its end is dropped, of anything else nothing. \
             An earlier value is kept in the history.\n\n\
             Examples:\n  subrosa set stripe-key --host api.stripe.com\n  pass show stripe | subrosa set stripe-key\n  \
             subrosa set client-pem --file client.pem --send-only",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = target(context, arguments)?;
    let edits = Edits::of(arguments)?;
    let mut vault = unlock::open(context)?;
    if arguments.get_flag("new") && vault.find(&name)?.is_some() {
        return Err(Failure::general(format!("there is a secret named {name} already")));
    }
    let value = match arguments.get_flag("empty") {
        true => None,
        false => Some(value_of(context, arguments, &name)?),
    };
    let stored = vault.change(|change| {
        let stored = change.set(&name, value.as_ref())?;
        if !edits.is_any() {
            return Ok(stored);
        }
        change.update(&name, |metadata, policy| {
            if let Some(text) = &edits.description {
                metadata.description.clone_from(text);
            }
            metadata.tags.extend(edits.tags.iter().cloned());
            policy.send_only |= edits.send_only;
            if let Some(access) = &edits.access {
                policy.access = access.clone();
            }
        })
    })?;
    output::done(&format!("stored {name}{}", destination(&name, &stored.policy.access)));
    Ok(())
}

/// Where it may go, as the end of a sentence: a new secret that may go nowhere yet is better known now than later.
fn destination(name: &Name, access: &Access) -> String {
    match access {
        Access::Undecided => format!(
            "; where it may go is asked when it is sent, or said by: subrosa allow {} HOST",
            crate::fault::quoted(name.as_str())
        ),
        Access::Restricted(rules) if rules.is_empty() => String::from("; it may go nowhere"),
        access => format!(", for {}", report::hosts(access)),
    }
}

/// With `--profile` the secret is the profile's own.
pub(super) fn target(context: &Context, arguments: &ArgMatches) -> Outcome<Name> {
    let text = arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default();
    let name = lookup::name(text)?;
    match context.given_profile() {
        Some(profile) => {
            name.in_profile(profile).map_err(|error| Failure::usage(format!("name {text:?}: {error}")))
        }
        None => Ok(name),
    }
}

/// What else `set` says about the secret.
struct Edits {
    description: Option<String>,
    tags: Vec<Tag>,
    send_only: bool,
    access: Option<Access>,
}

impl Edits {
    fn of(arguments: &ArgMatches) -> Outcome<Edits> {
        let tags = arguments.get_many::<String>("tag").unwrap_or_default();
        Ok(Edits {
            description: arguments.get_one::<String>("description").cloned(),
            tags: tags.map(|text| super::tag::parse(text)).collect::<Outcome<_>>()?,
            send_only: arguments.get_flag("send-only"),
            access: hosts::access_of(arguments)?,
        })
    }

    fn is_any(&self) -> bool {
        self.description.is_some() || !self.tags.is_empty() || self.send_only || self.access.is_some()
    }
}
