//! Entries of the audit log: which secret was used, for what, by which program. Never a value.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};
use subrosa_secret::{Name, Origin};
use subrosa_vault::{Action, AuditEntry, AuditError, Durability, Outcome as Ending, Vault};

/// Records that these secrets are about to leave for an origin. Nothing may leave if this fails.
pub(crate) fn sent(vault: &Vault, secrets: &BTreeSet<Name>, origin: &Origin) -> Outcome {
    let entries: Vec<AuditEntry> =
        secrets.iter().map(|secret| entry(Action::Send, Some(secret), Some(origin.to_string()))).collect();
    append(vault, &entries).map_err(unsent)
}

fn unsent(error: AuditError) -> Failure {
    let failure = Failure::new(Exit::AUDIT, format!("{error}; nothing was sent"));
    match error {
        AuditError::ReadOnly(_) => failure.hint("--no-audit sends without a record"),
        AuditError::Rekeyed(_) => failure.hint("run the command again"),
        AuditError::Tampered { .. } | AuditError::Foreign(_) => failure
            .hint("subrosa audit verify")
            .hint("to go on from the log as it is: subrosa accept-rollback"),
        _ => failure.hint("--no-audit sends without a record"),
    }
}

/// Records that a client certificate of the vault may be shown to an origin. No connection may be made if this fails.
pub(crate) fn certificate_shown(vault: &Vault, id: &str, origin: &Origin) -> Outcome {
    let name = Name::parse(id).ok();
    let entry = entry(Action::Certificate, name.as_ref(), Some(origin.to_string()));
    append(vault, &[entry]).map_err(unsent)
}

/// Records that a value is about to be shown. Storage that cannot be written is no reason not to read.
pub(crate) fn shown(vault: &Vault, secret: &Name) -> Outcome {
    disclosed(vault, &[entry(Action::Get, Some(secret), None)], "shown")
}

/// Records that secrets are about to be exported: an entry each, or one for all that the vault holds.
pub(crate) fn exported<'n>(
    vault: &Vault,
    secrets: Option<impl Iterator<Item = &'n Name>>,
    destination: &str,
) -> Outcome {
    let one = |secret| entry(Action::Export, secret, Some(destination.to_owned()));
    let entries: Vec<AuditEntry> = match secrets {
        Some(secrets) => secrets.map(|secret| one(Some(secret))).collect(),
        None => vec![one(None)],
    };
    disclosed(vault, &entries, "exported")
}

/// Records that a value is about to be written to an external vault: that of a secret, if it is one of this vault.
pub(crate) fn pushed(vault: &Vault, secret: Option<&Name>, destination: &str) -> Outcome {
    disclosed(vault, &[entry(Action::Push, secret, Some(destination.to_owned()))], "written")
}

/// Records that secrets are about to be stored from a file. Nobody sees a value by it, so that nothing hangs on it where
/// the log cannot be written.
pub(crate) fn imported(vault: &Vault, from: &str) -> Outcome {
    disclosed(vault, &[entry(Action::Import, None, Some(from.to_owned()))], "imported")
}

fn disclosed(vault: &Vault, entries: &[AuditEntry], how: &str) -> Outcome {
    match append(vault, entries) {
        Ok(()) => Ok(()),
        Err(AuditError::ReadOnly(path)) => {
            output::note(&format!("{} is read-only: no audit entry was written", path.display()));
            Ok(())
        }
        Err(error) => {
            let failure = Failure::new(Exit::AUDIT, format!("{error}; nothing was {how}"));
            Err(failure.hint(match error {
                AuditError::Rekeyed(_) => "run the command again",
                _ => "subrosa audit verify",
            }))
        }
    }
}

fn append(vault: &Vault, entries: &[AuditEntry]) -> Result<(), AuditError> {
    if entries.is_empty() {
        return Ok(());
    }
    vault.audit_log()?.append(entries, Durability::Process).map(drop)
}

fn entry(action: Action, secret: Option<&Name>, destination: Option<String>) -> AuditEntry {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    AuditEntry {
        time: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        pid: std::process::id(),
        program: program(),
        action,
        secret: secret.cloned(),
        destination,
        outcome: Ending::Allowed,
    }
}

/// Who started this process, as far as the system tells: a shell, a test runner, a coding agent.
fn program() -> String {
    started_by().unwrap_or_else(|| "subrosa".to_owned())
}

#[cfg(target_os = "linux")]
fn started_by() -> Option<String> {
    let parent = std::os::unix::process::parent_id();
    let name = std::fs::read_to_string(format!("/proc/{parent}/comm")).ok()?;
    Some(name.trim_end().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(not(target_os = "linux"))]
fn started_by() -> Option<String> {
    None
}
