//! `subrosa profiles`: the first segments of names, with how many secrets each has.

use crate::context::Context;
use crate::failure::Outcome;
use crate::table::Table;
use crate::unlock;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn command() -> Command {
    Command::new("profiles")
        .about("List profiles: prod/key and dev/key belong to prod and dev")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("as JSON, schema profiles/1"))
        .after_help(
            "With --profile prod, <<vault:key>> means prod/key if there is one, else key.\n\n\
             Examples:\n  subrosa profiles\n  subrosa --profile prod set stripe-key\n  \
             subrosa send --profile prod https://api.example.com -H 'X-Api-Key: <<vault:stripe-key>>'",
        )
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    profiles: Vec<Profile>,
}

#[derive(Serialize)]
struct Profile {
    name: String,
    secrets: usize,
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in unlock::open(context)?.list()? {
        if let Some((profile, _)) = entry.metadata.name.as_str().split_once('/') {
            *counts.entry(profile.to_owned()).or_default() += 1;
        }
    }
    let profiles: Vec<Profile> =
        counts.into_iter().map(|(name, secrets)| Profile { name, secrets }).collect();
    if arguments.get_flag("json") {
        return context.output.json(&Report { schema: "profiles/1", profiles });
    }
    let mut table = Table::new(&["PROFILE", "SECRETS"]);
    for profile in &profiles {
        table.row([profile.name.as_str().into(), profile.secrets.to_string().into()]);
    }
    context.output.table(&table)
}
