//! `subrosa accept-rollback`: go on from a file that is older than what was last seen here.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{ask, output, unlock};
use clap::{ArgMatches, Command};
use subrosa_vault::{AuditError, VaultError};

pub(super) fn command() -> Command {
    Command::new("accept-rollback")
        .about("Go on from a vault file that was rolled back, for good")
        .arg(ask::flag())
        .after_help(
            "What was changed since is lost: values, deletions, and host rules that were taken back hold again. \
             Do it after a restore that you made yourself; otherwise somebody else put the old file there.\n\n\
             Example:\n  subrosa verify; subrosa accept-rollback",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    let mut vault = unlock::open_despite_rollback(context)?;
    let report = vault.verify()?;
    if !report.problems.is_empty() {
        return Err(Failure::new(
            crate::exit::Exit::DAMAGED,
            "the vault is damaged; this cannot be accepted",
        )
        .hint("subrosa verify"));
    }
    let log = vault.verify_audit();
    let cut = matches!(log, Err(VaultError::Audit(AuditError::Tampered { .. } | AuditError::Foreign(_))));
    if !report.rolled_back && !cut {
        output::done("neither the vault nor its audit log was rolled back");
        return Ok(());
    }
    let mut what = String::new();
    if report.rolled_back {
        what = format!(
            "the vault at generation {} will be taken for the newest: what was changed or withdrawn since is lost. ",
            report.generation
        );
    }
    if cut {
        what.push_str("the audit log was cut or edited: what it lost stays lost, and it begins anew from what can be proven");
    }
    ask::confirm(context, arguments, &what, "accept")?;
    let generation = vault.accept_rollback()?;
    output::done(&format!("went on as generation {generation}"));
    Ok(())
}
