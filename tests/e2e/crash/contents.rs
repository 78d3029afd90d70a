//! All that a vault holds, as text that two vaults can be compared by.

use std::fmt::Write as _;
use std::fs;

use subrosa_vault::{DocumentKind, Location, SlotInfo, Unlock, Vault, VaultError, VaultKey};

use crate::home::{Home, text};

/// What a vault holds, without what differs from run to run: times, ids and the paths of the home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    /// Secrets with their values, rules and history, and deleted secrets.
    pub(super) secrets: String,
    /// Kinds and labels of the ways in.
    pub(super) ways: Vec<String>,
    /// Entries of the audit log.
    pub(super) audit: u64,
}

/// Where the home's default vault stands.
pub(super) fn location(home: &Home) -> Location {
    Location { dir: home.vault(), state: home.folder("XDG_STATE_HOME").join("subrosa") }
}

/// The vault opened with the first of these files that holds a key to it.
pub(super) fn open(home: &Home, key_files: &[&str]) -> Result<Vault, String> {
    let mut refused = String::from("there is no key");
    for file in key_files {
        let Ok(content) = fs::read_to_string(home.path(file)) else { continue };
        let Ok(key) = VaultKey::parse(content.trim()) else { continue };
        match Vault::open(&location(home), &Unlock::VaultKey(&key)) {
            Ok(vault) => return Ok(vault),
            Err(VaultError::WrongKey) => refused = format!("{file} opens nothing"),
            Err(error) => return Err(format!("{file}: {error}")),
        }
    }
    Err(refused)
}

impl Contents {
    /// Checks the whole vault and reads all of it.
    pub(super) fn of(home: &Home, key_files: &[&str]) -> Result<Self, String> {
        let vault = open(home, key_files)?;
        let report = vault.verify().map_err(|error| error.to_string())?;
        if !report.is_sound() {
            return Err(format!("not sound: {report:?}"));
        }
        let log = vault.verify_audit().map_err(|error| error.to_string())?;
        let secrets = secrets(&vault).map_err(|error| error.to_string())?;
        let slots = vault.slots().map_err(|error| error.to_string())?;
        // a key file that was made before the home was copied is told from one that was made since, wherever that was
        let made_in = text(home.made_in());
        let label = |slot: SlotInfo| match slot.label.unwrap_or_default() {
            old if old.contains(&made_in) => old,
            new => new.rsplit('/').next().unwrap_or_default().to_owned(),
        };
        let mut ways: Vec<_> =
            slots.into_iter().map(|slot| format!("{}: {}", slot.kind, label(slot.clone()))).collect();
        ways.sort();
        Ok(Self { secrets, ways, audit: log.entries })
    }
}

fn secrets(vault: &Vault) -> Result<String, VaultError> {
    let mut lines = String::new();
    for entry in vault.list()? {
        let name = &entry.metadata.name;
        let value = shown(vault.value(&entry)?.map(|value| value.expose_secret().to_vec()));
        let link = entry.link.as_ref().map(|link| link.target.as_str()).unwrap_or_default();
        let _ = writeln!(lines, "{name} = {value} {link} {:?} {:?}", entry.policy, entry.metadata.tags);
        for earlier in vault.history(name)? {
            let value = vault.value_at(name, earlier.version)?;
            let value = shown(value.map(|value| value.expose_secret().to_vec()));
            let _ = writeln!(lines, "{name} was {value}");
        }
    }
    for document in vault.documents(DocumentKind::Connection)? {
        let _ = writeln!(lines, "connection {}", String::from_utf8_lossy(&document.content));
    }
    for document in vault.documents(DocumentKind::Certificate)? {
        let mut content: serde_json::Value = serde_json::from_slice(&document.content).unwrap_or_default();
        // a time
        let _ = content.as_object_mut().and_then(|object| object.remove("added"));
        let _ = writeln!(lines, "certificate {content}");
    }
    let mut deleted: Vec<_> = vault.deleted()?.into_iter().map(|entry| entry.metadata.name).collect();
    deleted.sort();
    for name in deleted {
        let _ = writeln!(lines, "deleted {name}");
    }
    Ok(lines)
}

fn shown(value: Option<Vec<u8>>) -> String {
    let value = value.map(|value| String::from_utf8_lossy(&value).into_owned());
    match value {
        Some(long) if long.len() > 80 => format!("{}… of {} bytes", &long[..40], long.len()),
        Some(value) => value,
        None => "nothing".to_owned(),
    }
}
