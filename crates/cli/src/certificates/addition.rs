//! The commands of one kind; they differ in what `add` reads.

use super::{Entry, Kind, list, remove, rule, warn_if_untimely};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{output, unlock};
use clap::ArgMatches;
use subrosa_http::CertificateDer;
use zeroize::Zeroizing;

/// Certificates, and the key of a client's.
pub(crate) type Parts = (Vec<CertificateDer<'static>>, Option<Zeroizing<Vec<u8>>>);

/// Runs `add`, `list` or `rm`. `read` gets what is added.
pub(crate) fn run(
    kind: Kind,
    read: fn(&Context, &ArgMatches) -> Outcome<Parts>,
    context: &Context,
    arguments: &ArgMatches,
) -> Outcome {
    match arguments.subcommand() {
        Some(("add", arguments)) => {
            let host = arguments.get_one::<String>("host").map(String::as_str).unwrap_or_default();
            let rule = rule(host)?;
            let (chain, key) = read(context, arguments)?;
            add(context, &Entry::new(kind, rule, chain, key))
        }
        Some(("list", arguments)) => list(kind, context, arguments),
        Some(("rm", arguments)) => remove(kind, context, arguments),
        _ => Err(Failure::usage("no such command").hint(format!("subrosa {} --help", kind.command()))),
    }
}

fn add(context: &Context, entry: &Entry) -> Outcome {
    let mut vault = unlock::open(context)?;
    vault.change(|change| entry.put(change))?;
    warn_if_untimely(entry.kind, &entry.facts(), &entry.rule);
    output::done(&format!("{} {}", entry.kind.verb(), entry.told()));
    Ok(())
}
