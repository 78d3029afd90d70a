//! `subrosa policy`: what may be done with the vault as a whole.

use crate::context::Context;
use crate::export_policy::{self, Exports, Policies};
use crate::failure::Outcome;
use crate::output::Style;
use crate::table::{Cell, Table};
use crate::{ask, output, unlock};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;

pub(super) fn command() -> Command {
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema policy/1");
    Command::new("policy")
        .about("Show or say what may be exported from the vault")
        .disable_help_subcommand(true)
        .arg(json())
        .subcommand(
            Command::new("export")
                .about("Say what may be exported from the vault")
                .arg(
                    Arg::new("allow")
                        .value_name("WHAT")
                        .required(true)
                        .value_parser(Exports::WORDS)
                        .help("everything, encrypted exports alone, or nothing"),
                )
                .arg(ask::flag())
                .after_help(
                    "The word is kept in the vault, under its seal. Loosening it has to be confirmed.\n\n\
                     Examples:\n  subrosa policy export encrypted\n  subrosa policy export all --yes",
                ),
        )
        .after_help(format!(
            "The vault has a policy, and the machine may have one, which root writes:\n  {}\n  export = \"encrypted\"\n\
             The stricter of the two holds. A policy guards against mistakes: who can open the vault can also read it.\n\n\
             Examples:\n  subrosa policy\n  subrosa policy export encrypted",
            export_policy::path().display()
        ))
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    export: Words,
}

#[derive(Serialize)]
struct Words {
    effective: Exports,
    /// `null` where nobody has said anything
    vault: Option<Exports>,
    machine: Option<Exports>,
    machine_file: String,
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    match arguments.subcommand() {
        Some((_, arguments)) => set(context, arguments),
        None => show(context, arguments),
    }
}

fn show(context: &Context, arguments: &ArgMatches) -> Outcome {
    let policies = Policies::of(&unlock::open(context)?)?;
    let (effective, file) = (policies.effective(), export_policy::path().display().to_string());
    if arguments.get_flag("json") {
        let Policies { vault, machine } = policies;
        let export = Words { effective, vault, machine, machine_file: file };
        return context.output.json(&Report { schema: "policy/1", export });
    }
    let mut table = Table::new(&["WHAT", "ALLOWED", "WHO SAYS SO"]);
    let said = |policy: Option<Exports>| policy.map_or("-", Exports::word);
    table.row(["export".into(), said(policies.vault).into(), "the vault".into()]);
    table.row(["export".into(), said(policies.machine).into(), format!("this machine, {file}").into()]);
    let style = if effective == Exports::All { Style::Plain } else { Style::Bad };
    table.row(["export".into(), Cell::styled(effective.word(), style), "both together".into()]);
    context.output.table(&table)
}

fn set(context: &Context, arguments: &ArgMatches) -> Outcome {
    let word = arguments.get_one::<String>("allow").map(String::as_str).unwrap_or_default();
    let allow = Exports::parse(word).unwrap_or(Exports::None);
    let mut vault = unlock::open(context)?;
    let policies = Policies::of(&vault)?;
    let now = policies.vault.unwrap_or_default();
    if allow < now {
        let what =
            format!("the vault's policy, which {}, will be loosened: it {}", now.allows(), allow.allows());
        ask::confirm_as("a policy is loosened on purpose", context, arguments, &what, "loosen")?;
    }
    export_policy::set(&mut vault, allow)?;
    output::done(&format!("the vault's policy {}", allow.allows()));
    if policies.machine.is_some_and(|machine| machine > allow) {
        output::note(&format!(
            "the policy of this machine is stricter ({})",
            export_policy::path().display()
        ));
    }
    Ok(())
}
