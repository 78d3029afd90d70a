//! Connections to external vaults, as far as the vault tells: nobody is asked.

use super::{Finding, Verdict, finding};
use crate::external::{Connections, Entrance};
use crate::fault::quoted;
use crate::output::count;
use subrosa_vault::{Entry, Vault};

/// Nothing where the vault knows of no connection and no link.
pub(super) fn findings(vault: &Vault, entries: &[Entry]) -> Vec<Finding> {
    let what = "external vaults";
    let connections = match Connections::load(vault) {
        Ok(connections) => connections,
        Err(error) => return vec![finding(what, Verdict::Bad, error.to_string(), Some("subrosa verify"))],
    };
    let links: Vec<_> = entries.iter().filter_map(|entry| Some((entry, entry.link.as_ref()?))).collect();
    let mut found = Vec::new();
    let connected = connections.iter().filter(|connection| !connection.disconnected).count();
    if connected > 0 {
        let text = format!(
            "{}, {}",
            count(connected as u64, "connection"),
            count(links.len() as u64, "linked secret")
        );
        found.push(finding(what, Verdict::Good, text, None));
    }
    for connection in connections.iter() {
        if let Err(error) = connection.system() {
            found.push(finding(what, Verdict::Note, error.to_string(), error.hint()));
        } else if let Some(error) = Entrance::to(vault, connection).map_or_else(Some, |it| it.obstacle()) {
            let text = format!("{}: {error}", connection.name);
            found.push(finding(what, Verdict::Note, text, error.hint()));
        }
    }
    for (entry, link) in links {
        if connections.with_id(link.connection).is_none() {
            let name = &entry.metadata.name;
            let text = format!("{name} is linked to a connection that is no longer there");
            let hint = format!("subrosa unlink {}", quoted(name.as_str()));
            found.push(finding(what, Verdict::Bad, text, Some(&hint)));
        }
    }
    found
}
