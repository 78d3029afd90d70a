//! `subrosa import`: secrets from a file, all of them or none.

mod flags;
mod known;
mod links;
mod plan;
mod planned;
mod questions;
mod report;
mod rewrite;
mod source;

use crate::context::Context;
use crate::external::Fetch;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::{exchange, output, record, unlock};
use clap::{ArgMatches, Command};
use flags::Flags;
use plan::Plan;
use source::Source;
use subrosa_vault::{Vault, VaultError};

pub(super) fn command() -> Command {
    flags::command()
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let flags = Flags::of(context, arguments)?;
    let mut source = Source::read(&flags)?;
    if flags.rewrite {
        rewrite::check(&source)?;
    }
    let mut vault = unlock::open(context)?;
    let contents = source.contents(context, arguments, &flags)?;
    match flags.rewrite {
        true => rewrite::spare(&source)?,
        false => source.forget(),
    }
    exchange::tell(&contents.notices);
    if contents.items.is_empty() && source.marks_secrets() && !flags.all {
        output::hint("--all takes what is not marked as secret, too");
    }
    let mut plan = Plan::of(contents.items, &source, &flags, &vault)?;
    if flags.dry_run {
        questions::decide(&mut plan, flags.on_conflict);
        links::check(&plan)?;
        return report::show(context, &plan, &flags);
    }
    questions::ask(context, &mut plan, &flags)?;
    store(&mut vault, &mut plan, &source)?;
    if flags.rewrite {
        rewrite::rewrite(&source, &plan, &flags)?;
    }
    links::tell(&plan);
    report::show(context, &plan, &flags)
}

/// One change: everything that was planned, or nothing.
fn store(vault: &mut Vault, plan: &mut Plan, source: &Source) -> Outcome {
    let count = plan.len();
    if count == 0 {
        return Ok(());
    }
    record::imported(vault, &source.told())?;
    let _progress = Progress::of(&format!("storing {}", output::count(count as u64, "secret")));
    let stored = vault.change(|change| {
        plan.note(change)?;
        for (secret, seen) in plan.allowed() {
            if change.find(&secret.name)?.is_none_or(|now| now.seen() != seen) {
                return Err(VaultError::ChangedMeanwhile(secret.name));
            }
            change.update(&secret.name, |_, known| *known = secret.policy)?;
        }
        change.restore(&plan.incoming())
    });
    stored.map_err(|error| match error {
        VaultError::ChangedMeanwhile(_) => {
            Failure::general(format!("{error}; nothing was imported")).hint("run the command again")
        }
        error => error.into(),
    })?;
    Fetch::default().reject(vault, &plan.replaced_links());
    Ok(())
}
