//! `subrosa audit`: which secret was used, for which host, by which program.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Style, rfc3339, short_time};
use crate::table::{Cell, Table};
use crate::{since, unlock, wildcard};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde::Serialize;
use subrosa_vault::{Action, AuditError, AuditRecord, Outcome as Ending};

pub(super) fn command() -> Command {
    Command::new("audit")
        .about("Show which secrets were used, where and by whom; check the log")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(show_command())
        .subcommand(
            Command::new("verify")
                .about("Check that no entry is missing or changed")
                .arg(json("audit-verify/1"))
                .after_help(
                    "Every entry is checked against the one before it, and the log against what the vault sealed when it \
                     was last written. Exits with 102 if something is wrong.\n\nExample:\n  subrosa audit verify",
                ),
        )
        .after_help("Examples:\n  subrosa audit show --since 7d\n  subrosa audit verify")
}

fn show_command() -> Command {
    Command::new("show")
        .about("List uses of secrets, the latest last")
        .arg(Arg::new("secret").long("secret").value_name("GLOB").help("of secrets with this name, 'prod/*'"))
        .arg(Arg::new("destination").long("destination").value_name("GLOB").help("for this origin, 'https://*.example.com'"))
        .arg(Arg::new("since").long("since").value_name("WHEN").help("not before: 2026-05-01, a time as RFC 3339, or 90m, 24h, 7d ago"))
        .arg(Arg::new("limit").long("limit").value_name("NUMBER").value_parser(value_parser!(usize)).help("only the last so many"))
        .arg(json("audit/1"))
        .after_help(
            "Times are UTC, by the clock of the machine at that time; the number of an entry tells the order. No entry holds \
             a value.\n\nExamples:\n  subrosa audit show --since 24h\n  \
             subrosa audit show --secret 'prod/*' --destination 'https://api.*' --limit 20 --json",
        )
}

fn json(schema: &'static str) -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help(format!("as JSON, schema {schema}"))
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    match arguments.subcommand() {
        Some(("show", arguments)) => show(context, arguments),
        Some(("verify", arguments)) => verify(context, arguments),
        _ => Err(Failure::usage("no such command").hint("subrosa audit --help")),
    }
}

#[derive(Serialize)]
struct Report<'r> {
    schema: &'static str,
    entries: Vec<Entry<'r>>,
}

#[derive(Serialize)]
struct Entry<'r> {
    number: u64,
    time: String,
    action: Action,
    secret: Option<&'r str>,
    destination: Option<&'r str>,
    program: &'r str,
    pid: u32,
    outcome: Ending,
}

fn show(context: &Context, arguments: &ArgMatches) -> Outcome {
    let filter = Filter::of(arguments)?;
    let vault = unlock::open(context)?;
    let mut records =
        vault.audit_log().and_then(|log| log.read(|record| filter.fits(record))).map_err(unreadable)?;
    if let Some(limit) = arguments.get_one::<usize>("limit") {
        records.drain(..records.len().saturating_sub(*limit));
    }
    if arguments.get_flag("json") {
        let entries = records.iter().map(Entry::of).collect();
        return context.output.json(&Report { schema: "audit/1", entries });
    }
    let mut table = Table::new(&["TIME", "ACTION", "SECRET", "DESTINATION", "PROGRAM", "OUTCOME"]);
    for AuditRecord { entry, .. } in &records {
        let style = if entry.outcome == Ending::Allowed { Style::Plain } else { Style::Bad };
        table.row([
            Cell::styled(short_time(entry.time), Style::Faint),
            word(entry.action).into(),
            entry.secret.as_ref().map_or("", |name| name.as_str()).into(),
            entry.destination.as_deref().unwrap_or_default().into(),
            format!("{} ({})", entry.program, entry.pid).into(),
            Cell::styled(word(entry.outcome), style),
        ]);
    }
    context.output.table(&table)
}

impl<'r> Entry<'r> {
    fn of(record: &'r AuditRecord) -> Entry<'r> {
        let entry = &record.entry;
        Entry {
            number: record.number,
            time: rfc3339(entry.time),
            action: entry.action,
            secret: entry.secret.as_ref().map(|name| name.as_str()),
            destination: entry.destination.as_deref(),
            program: &entry.program,
            pid: entry.pid,
            outcome: entry.outcome,
        }
    }
}

/// The word for it in JSON, which is also the one for people.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Which entries are wanted.
struct Filter {
    secret: Option<String>,
    destination: Option<String>,
    since: Option<i64>,
}

impl Filter {
    fn of(arguments: &ArgMatches) -> Outcome<Filter> {
        let text = |id| arguments.get_one::<String>(id).cloned();
        let since = text("since").map(|text| {
            since::parse(&text, since::now()).ok_or_else(|| {
                Failure::usage(format!(
                    "--since {text}: write 2026-05-01, 2026-05-01T12:00:00Z, 90m, 24h or 7d"
                ))
            })
        });
        Ok(Filter { secret: text("secret"), destination: text("destination"), since: since.transpose()? })
    }

    fn fits(&self, record: &AuditRecord) -> bool {
        let entry = &record.entry;
        let fits = |glob: &Option<String>, text: Option<&str>| {
            glob.as_ref().is_none_or(|glob| text.is_some_and(|text| wildcard::fits(glob, text)))
        };
        // an export of everything concerns every secret
        let of_all = entry.action == Action::Export && entry.secret.is_none();
        (of_all || fits(&self.secret, entry.secret.as_ref().map(|name| name.as_str())))
            && fits(&self.destination, entry.destination.as_deref())
            && self.since.is_none_or(|since| entry.time >= since)
    }
}

#[derive(Serialize)]
struct Verified {
    schema: &'static str,
    sound: bool,
    entries: u64,
    /// entries that came after the vault was last written
    unsealed: u64,
    /// bytes of an entry that was cut short
    torn: u64,
    problem: Option<String>,
}

fn verify(context: &Context, arguments: &ArgMatches) -> Outcome {
    let vault = unlock::open(context)?;
    let checked = vault.audit_log().and_then(|log| log.verify(None));
    if arguments.get_flag("json") {
        context.output.json(&match &checked {
            Ok(found) => Verified {
                schema: "audit-verify/1",
                sound: true,
                entries: found.entries,
                unsealed: found.unsealed,
                torn: found.torn,
                problem: None,
            },
            Err(error) => Verified {
                schema: "audit-verify/1",
                sound: false,
                entries: 0,
                unsealed: 0,
                torn: 0,
                problem: Some(error.to_string()),
            },
        })?;
    }
    let found = checked.map_err(unreadable)?;
    if arguments.get_flag("json") {
        return Ok(());
    }
    let text = format!(
        "sound: {} entries, {} of them since the vault was last written",
        found.entries, found.unsealed
    );
    context.output.line(&text)?;
    if found.torn > 0 {
        crate::output::note(
            "the last entry was cut short, as by a power failure; the next one takes its place",
        );
    }
    Ok(())
}

fn unreadable(error: AuditError) -> Failure {
    let exit = match error {
        AuditError::Tampered { .. } | AuditError::Foreign(_) => Exit::DAMAGED,
        _ => Exit::AUDIT,
    };
    Failure::new(exit, error.to_string())
}
