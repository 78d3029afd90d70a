//! Certificates that the vault keeps by host: whether they can be used today.

use super::{Finding, Verdict, finding};
use crate::certificates::{self, Kind, untimely};
use crate::output::count;
use subrosa_vault::Vault;

/// Nothing where the vault keeps none.
pub(super) fn findings(vault: &Vault) -> Vec<Finding> {
    [Kind::Client, Kind::Authority].into_iter().flat_map(|kind| of_kind(vault, kind)).collect()
}

fn of_kind(vault: &Vault, kind: Kind) -> Vec<Finding> {
    let what = match kind {
        Kind::Client => "client certificates",
        Kind::Authority => "authorities",
    };
    let entries = match certificates::load(vault, kind) {
        Ok(entries) => entries,
        Err(error) => return vec![finding(what, Verdict::Bad, error.to_string(), Some("subrosa verify"))],
    };
    let mut found = Vec::new();
    if !entries.is_empty() {
        found.push(finding(
            what,
            Verdict::Good,
            format!("kept for {}", count(entries.len() as u64, "host rule")),
            None,
        ));
    }
    for entry in &entries {
        // one that cannot be read as a key any more keeps every request of its hosts from being sent
        if let Err(error) = entry.to_kept() {
            found.push(finding(what, Verdict::Bad, error.to_string(), Some("subrosa verify")));
        }
        for facts in entry.facts() {
            if let Some(why) = untimely(&facts) {
                let text = format!("{} for {}: {why}", facts.subject, entry.rule);
                let hint = format!("subrosa {} rm {}", kind.command(), entry.short_id());
                found.push(finding(what, Verdict::Bad, text, Some(&hint)));
            }
        }
    }
    found
}
