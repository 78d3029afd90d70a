//! `subrosa get`: show a value.

use crate::context::Context;
use crate::external::{self, Caching, Fetch, Sources};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::output::rfc3339;
use crate::{lookup, record, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde::Serialize;
use subrosa_provider::Provider as _;
use subrosa_secret::SecretValue;
use subrosa_vault::{Entry, Vault};

pub(super) fn command() -> Command {
    Command::new("get")
        .about("Show the value of a secret")
        .arg(lookup::one_name())
        .arg(
            Arg::new("version")
                .long("version")
                .value_name("NUMBER")
                .value_parser(value_parser!(u64))
                .help("an earlier value; 'subrosa history' lists them"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("as JSON; a binary value as base64"),
        )
        .args(Caching::flags())
        .after_help(
            "Into a pipe or a file the value goes byte for byte; a terminal gets a line break after it. \
             A secret that is send-only or disabled is refused.\n\n\
             Examples:\n  subrosa get stripe-key\n  subrosa get client-pem > client.pem\n  \
             subrosa get --profile prod stripe-key --json",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let text = arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default();
    let name = lookup::name(text)?;
    let vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    let fetch = Fetch::new(Caching::of(arguments));
    let value = disclosed(&vault, &fetch, &entry, arguments.get_one::<u64>("version").copied())?;
    record::shown(&vault, &entry.metadata.name)?;
    if arguments.get_flag("json") {
        return context.output.json(&Report::of(&entry, &value));
    }
    let bytes = value.expose_secret();
    if !context.output.is_terminal() {
        return context.output.bytes(bytes);
    }
    if !value.is_text() {
        return Err(Failure::general(format!(
            "the value of {} is binary, {} bytes",
            entry.metadata.name,
            value.len()
        ))
        .hint(format!("subrosa get {} > FILE", quoted(text))));
    }
    context.output.bytes(bytes)?;
    if bytes.ends_with(b"\n") { Ok(()) } else { context.output.bytes(b"\n") }
}

/// The value, if the secret's policy lets it be shown. The policy is judged before the value is opened.
fn disclosed(vault: &Vault, fetch: &Fetch, entry: &Entry, version: Option<u64>) -> Outcome<SecretValue> {
    let name = &entry.metadata.name;
    let word = quoted(name.as_str());
    if !entry.policy.enabled {
        return Err(Failure::general(format!("{name} is disabled")).hint(format!("subrosa enable {word}")));
    }
    if entry.policy.send_only {
        return Err(Failure::general(format!("{name} is send-only: it is never shown"))
            .hint(format!("subrosa send … '<<vault:{name}>>', or subrosa send-only --off {word}")));
    }
    let value = match version {
        Some(version) if version != entry.version => vault.value_at(name, version)?,
        _ if entry.link.is_some() => Sources::new(vault, fetch)
            .lookup(entry)
            .map_err(|error| external::failed(&error.about(name.as_str())))?,
        _ => vault.value(entry)?,
    };
    value.ok_or_else(|| match version {
        Some(version) => Failure::general(format!("{name} has no value of version {version}"))
            .hint(format!("subrosa history {word}")),
        None => Failure::general(format!("{name} has no value yet")).hint(format!("subrosa set {word}")),
    })
}

/// The one report that holds a value.
#[derive(Serialize)]
struct Report<'v> {
    schema: &'static str,
    name: &'v str,
    version: u64,
    changed: String,
    /// `null` for a binary value
    value: Option<&'v str>,
    /// `null` for a text
    base64: Option<String>,
}

impl<'v> Report<'v> {
    fn of(entry: &'v Entry, value: &'v SecretValue) -> Report<'v> {
        let text = std::str::from_utf8(value.expose_secret()).ok();
        Report {
            schema: "get/1",
            name: entry.metadata.name.as_str(),
            version: entry.version,
            changed: rfc3339(entry.metadata.changed),
            value: text,
            base64: text.is_none().then(|| data_encoding::BASE64.encode(value.expose_secret())),
        }
    }
}
