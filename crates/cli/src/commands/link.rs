//! `subrosa link` and `unlink`: let the value of a secret come from an external vault.

use crate::context::Context;
use crate::external::{Caching, Connections, Fetch, Target, Wanted, failed};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::{hosts, lookup, output, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::{Access, Name};
use subrosa_vault::{Entry, Link, Vault};

pub(super) fn link() -> Command {
    Command::new("link")
        .about("Let the value of a secret come from an external vault, or show where it comes from")
        .arg(Arg::new("name").value_name("NAME").required_unless_present_any(["bulk", "browse"]).help("the secret; it is made if it is not there"))
        .arg(Arg::new("target").value_name("TARGET").help("CONNECTION:TARGET; what names a secret there depends on the system"))
        .arg(Arg::new("to").long("to").value_name("CONNECTION").help("the connection; TARGET is then taken whole"))
        .arg(super::connect::duration_flag("ttl", "how long its value is cached [default: the connection's]"))
        .arg(
            Arg::new("bulk")
                .long("bulk")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .conflicts_with_all(["name", "target"])
                .help("many at once, a line each: NAME = TARGET; '#' begins a comment, '-' is standard input"),
        )
        .arg(
            Arg::new("browse")
                .long("browse")
                .value_name("CONNECTION")
                .conflicts_with_all(["name", "target", "bulk", "to", "json"])
                .help("choose from what it offers; in a pipe the offers are written as --bulk reads them"),
        )
        .arg(Arg::new("search").long("search").value_name("TEXT").requires("browse").help("only offers with this in their target"))
        .arg(Arg::new("no-check").long("no-check").action(ArgAction::SetTrue).help("do not look the value up first"))
        .args(hosts::rule_flags().map(|flag| flag.conflicts_with("bulk")))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("the link as JSON, schema link/1"))
        .after_help(
            "A value that the secret has goes into its history; rules and tags stay. Nothing is linked unless everything \
             can be looked up.\n\n\
             Examples:\n  subrosa link db-password k8s:db/password --host db.example.com\n  \
             subrosa link db-password\n  subrosa link --bulk links.txt --to k8s\n  subrosa link --browse k8s --search db",
        )
}

pub(super) fn unlink() -> Command {
    Command::new("unlink")
        .about("Take the link of secrets away, which leaves them without a value")
        .arg(lookup::names())
        .after_help("Rules and tags stay; 'subrosa undo' brings the link back.\n\nExample:\n  subrosa unlink db-password")
}

pub(super) fn run_unlink(context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut vault = unlock::open(context)?;
    let names = lookup::require_all(context, &vault, arguments)?;
    let links: Vec<Link> =
        vault.find_many(&names)?.into_iter().flatten().filter_map(|entry| entry.link).collect();
    vault.change(|change| names.iter().try_for_each(|name| change.unlink(name).map(drop)))?;
    Fetch::default().reject(&vault, &links.iter().collect::<Vec<_>>());
    for name in names {
        output::done(&format!("unlinked {name}; it has no value now"));
    }
    Ok(())
}

pub(super) fn run_link(context: &Context, arguments: &ArgMatches) -> Outcome {
    if let Some(path) = arguments.get_one::<PathBuf>("bulk") {
        return bulk(context, arguments, path);
    }
    if let Some(connection) = arguments.get_one::<String>("browse") {
        return browse(context, arguments, connection);
    }
    let Some(target) = arguments.get_one::<String>("target") else { return show(context, arguments) };
    let name = super::set::target(context, arguments)?;
    let access = hosts::access_of(arguments)?;
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let target = Target::parse(&connections, target, to(arguments))?;
    make(&mut vault, arguments, &[(name.clone(), target.clone())], access.as_ref())?;
    output::done(&format!("linked {name} to {}", target.shown()));
    Ok(())
}

fn to(arguments: &ArgMatches) -> Option<&str> {
    arguments.get_one::<String>("to").map(String::as_str)
}

fn browse(context: &Context, arguments: &ArgMatches, connection: &str) -> Outcome {
    let search = arguments.get_one::<String>("search").map(String::as_str).unwrap_or_default();
    let access = hosts::access_of(arguments)?;
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let wanted = super::browse::chosen(context, &vault, &connections, (connection, search))?;
    if wanted.is_empty() {
        return Ok(());
    }
    make(&mut vault, arguments, &wanted, access.as_ref())?;
    for (name, target) in &wanted {
        output::done(&format!("linked {name} to {}", target.shown()));
    }
    Ok(())
}

fn bulk(context: &Context, arguments: &ArgMatches, path: &Path) -> Outcome {
    let text = read(path)?;
    let mut vault = unlock::open(context)?;
    let connections = Connections::load(&vault)?;
    let (mut wanted, mut wrong) = (Vec::<(Name, Target<'_>)>::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match one(context, &connections, line, to(arguments)) {
            Ok((name, _)) if wanted.iter().any(|(other, _)| *other == name) => {
                wrong.push(format!("line {number}: {name} stands twice"));
            }
            Ok(link) => wanted.push(link),
            Err(failure) => wrong.push(format!("line {number}: {}", failure.message())),
        }
    }
    if !wrong.is_empty() {
        let text = format!(
            "{} of {} cannot be read; nothing was linked",
            output::count(wrong.len() as u64, "line"),
            path.display()
        );
        return Err(wrong.into_iter().fold(Failure::usage(text), Failure::detail));
    }
    make(&mut vault, arguments, &wanted, None)?;
    output::done(&format!("linked {}", output::count(wanted.len() as u64, "secret")));
    Ok(())
}

/// A line `NAME = TARGET`. No name has an equals sign.
fn one<'c>(
    context: &Context,
    connections: &'c Connections,
    line: &str,
    to: Option<&str>,
) -> Outcome<(Name, Target<'c>)> {
    let (name, target) = line.split_once('=').ok_or_else(|| Failure::usage("it is not NAME = TARGET"))?;
    let mut name = lookup::name(name.trim())?;
    if let Some(profile) = context.given_profile() {
        name = name.in_profile(profile).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    }
    Ok((name, Target::parse(connections, target.trim(), to)?))
}

/// A file as text, at most 1 MiB.
fn read(path: &Path) -> Outcome<String> {
    const MAX_LEN: u64 = 1 << 20;
    use std::io::Read as _;
    let input: Box<dyn std::io::Read> = match path == Path::new("-") {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(fs::File::open(path).map_err(|error| Failure::file("read", path, &error))?),
    };
    let mut text = String::new();
    input.take(MAX_LEN + 1).read_to_string(&mut text).map_err(|error| Failure::file("read", path, &error))?;
    if text.len() as u64 > MAX_LEN {
        return Err(Failure::usage(format!("{} is larger than 1 MiB", path.display())));
    }
    Ok(text)
}

/// Stores the links in one change, after each was looked up.
fn make(
    vault: &mut Vault,
    arguments: &ArgMatches,
    wanted: &[(Name, Target<'_>)],
    access: Option<&Access>,
) -> Outcome {
    let ttl = arguments.get_one::<u64>("ttl").copied();
    let links: Vec<(&Name, Link)> = wanted.iter().map(|(name, target)| (name, target.link(ttl))).collect();
    if !arguments.get_flag("no-check") {
        check(vault, &links)?;
    }
    let names: Vec<Name> = wanted.iter().map(|(name, _)| name.clone()).collect();
    let before: Vec<Link> =
        vault.find_many(&names)?.into_iter().flatten().filter_map(|entry| entry.link).collect();
    vault.change(|change| {
        links.iter().try_for_each(|(name, link)| {
            change.link(name, link.clone())?;
            if let Some(access) = access {
                change.update(name, |_, policy| policy.access = access.clone())?;
            }
            Ok(())
        })
    })?;
    let is_gone = |link: &&Link| {
        !links.iter().any(|(_, new)| new.connection == link.connection && new.target == link.target)
    };
    Fetch::default().reject(vault, &before.iter().filter(is_gone).collect::<Vec<_>>());
    Ok(())
}

fn check(vault: &Vault, links: &[(&Name, Link)]) -> Outcome {
    let fetch = Fetch::new(Caching { refresh: true, off: false });
    let wanted: Vec<Wanted<'_>> =
        links.iter().map(|(name, link)| Wanted { secret: name.as_str(), link }).collect();
    let mut errors: Vec<(&Name, ProviderError)> = Vec::new();
    for ((name, _), answer) in links.iter().zip(fetch.values(vault, &wanted)) {
        errors.extend(answer.err().map(|error| (*name, error)));
    }
    let Some((first, error)) = errors.first() else { return Ok(()) };
    // the command that would link what is not there is no help
    let useless = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BadLink | ErrorKind::BadAnswer);
    let failure = match errors.len() {
        1 => Failure::new(failed(error).exit(), format!("{first}: {error}; nothing was linked")),
        number => {
            let text =
                format!("{} cannot be looked up; nothing was linked", output::count(number as u64, "secret"));
            let failure = Failure::new(failed(error).exit(), text);
            errors.iter().fold(failure, |failure, (name, error)| failure.detail(format!("{name}: {error}")))
        }
    };
    Err(match error.hint().filter(|_| !useless) {
        Some(hint) => failure.hint(hint),
        None => failure.hint("--no-check links what cannot be looked up yet"),
    })
}

#[derive(Serialize)]
struct Report<'e> {
    schema: &'static str,
    name: &'e str,
    /// `null` where the secret is not linked
    connection: Option<&'e str>,
    target: Option<&'e str>,
    cache_ttl: Option<u64>,
}

fn show(context: &Context, arguments: &ArgMatches) -> Outcome {
    let name = lookup::name(arguments.get_one::<String>("name").map(String::as_str).unwrap_or_default())?;
    let vault = unlock::open(context)?;
    let entry = lookup::require(context, &vault, &name)?;
    let connections = Connections::load(&vault)?;
    let Entry { metadata, link, .. } = &entry;
    if arguments.get_flag("json") {
        let connection = link.as_ref().and_then(|link| connections.with_id(link.connection));
        return context.output.json(&Report {
            schema: "link/1",
            name: metadata.name.as_str(),
            connection: connection.map(|connection| connection.name.as_str()),
            target: link.as_ref().map(|link| link.target.as_str()),
            cache_ttl: link.as_ref().and_then(|link| link.ttl),
        });
    }
    match link {
        Some(link) => context.output.line(&connections.shown(link)),
        None => {
            let name = quoted(metadata.name.as_str());
            let hint = format!("subrosa link {name} CONNECTION:TARGET");
            Err(Failure::general(format!("{} is not linked", metadata.name)).hint(hint))
        }
    }
}
