//! `subrosa import`: secrets from a file, all of them or none.

mod flags;
mod plan;
mod questions;
mod report;
mod rewrite;
mod source;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::{exchange, output, record, unlock};
use clap::{ArgMatches, Command};
use flags::Flags;
use plan::Plan;
use source::Source;
use subrosa_vault::{Arrival, Vault, VaultError};

pub(super) fn command() -> Command {
    flags::command()
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let flags = Flags::of(context, arguments)?;
    let source = Source::read(&flags)?;
    if flags.rewrite {
        rewrite::check(&source)?;
    }
    let mut vault = unlock::open(context)?;
    let contents = source.contents(context, arguments)?;
    exchange::tell(&contents.notices);
    let mut plan = Plan::of(contents.items, &source, &flags, &vault)?;
    if flags.dry_run {
        plan.decide(flags.on_conflict);
        return report::show(context, &plan, &flags);
    }
    questions::ask(context, &mut plan, &flags)?;
    store(&mut vault, &plan, &source)?;
    if flags.rewrite {
        rewrite::rewrite(&source, &plan, &flags)?;
    }
    report::show(context, &plan, &flags)
}

/// One change: everything that was planned, or nothing.
fn store(vault: &mut Vault, plan: &Plan, source: &Source) -> Outcome {
    let arrivals: Vec<Arrival<'_>> = plan.arrivals().collect();
    if arrivals.is_empty() {
        return Ok(());
    }
    record::imported(vault, &source.told())?;
    let _progress = Progress::of(&format!("storing {}", output::count(arrivals.len() as u64, "secret")));
    vault.change(|change| change.restore(&arrivals)).map_err(|error| match error {
        VaultError::ChangedMeanwhile(_) => {
            Failure::general(format!("{error}; nothing was imported")).hint("run the command again")
        }
        error => error.into(),
    })
}
