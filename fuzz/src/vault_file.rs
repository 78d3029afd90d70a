//! A vault's file as an attacker left it: opened with the right key it is refused, or tells what it told before.

mod edits;

use std::path::Path;
use std::sync::OnceLock;

use subrosa_secret::Name;
use subrosa_vault::{Entry, Location, Metadata, Report, Revision, Unlock, Vault, VaultError, VaultKey};

use crate::input::Numbers;
use crate::scratch::{folder, make_private, write_private};

const FILE: &[u8] = include_bytes!("../../tests/vectors/vault/format-1/vault.db");
const KEYS: &str = include_str!("../../tests/vectors/vault/format-1/keys.json");

/// `r` and a file, `p` and patches of the golden vault's, or `s` and changes of its rows.
pub fn vault_file(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let folder = folder();
    let location = locate(folder.path());
    let file = location.database();
    match kind {
        b'r' => write_private(&file, data),
        b'p' => {
            let mut bytes = FILE.to_vec();
            edits::patch(&mut bytes, &mut Numbers(data));
            write_private(&file, &bytes);
        }
        b's' => {
            write_private(&file, FILE);
            edits::change_rows(&file, &mut Numbers(data));
        }
        _ => return,
    }
    let before = std::fs::read(&file).expect("a file");
    let _ = Vault::inspect(&location);
    match Vault::open(&location, &Unlock::VaultKey(key())) {
        Ok(vault) => tells_the_same(&vault),
        Err(_) => {
            assert!(before == std::fs::read(&file).expect("a file"), "refused, and changed nonetheless")
        }
    }
}

fn locate(folder: &Path) -> Location {
    let location = Location { dir: folder.join("vault"), state: folder.join("state") };
    make_private(&location.dir);
    location
}

fn key() -> &'static VaultKey {
    static KEY: OnceLock<VaultKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let keys: serde_json::Value = serde_json::from_str(KEYS).expect("JSON");
        VaultKey::parse(keys["vault_key"].as_str().expect("a text")).expect("a key")
    })
}

/// What the golden vault tells.
struct Told {
    secrets: Vec<Secret>,
    deleted: Vec<Metadata>,
    report: Report,
}

/// One secret, with its value and the versions that it had before.
struct Secret {
    entry: Entry,
    value: Option<Vec<u8>>,
    history: Vec<(u64, Vec<u8>)>,
}

fn golden() -> &'static Told {
    static TOLD: OnceLock<Told> = OnceLock::new();
    TOLD.get_or_init(|| {
        let folder = folder();
        let location = locate(folder.path());
        write_private(&location.database(), FILE);
        let vault = Vault::open(&location, &Unlock::VaultKey(key())).expect("the golden vault opens");
        let secret = |entry: Entry| {
            let value = vault.value(&entry).expect("a value").map(|value| value.expose_secret().to_vec());
            let history = vault.history(&entry.metadata.name).expect("a history");
            let earlier = |revision: Revision| {
                let value = vault.value_at(&entry.metadata.name, revision.version).expect("a value");
                (revision.version, value.expect("an earlier value").expose_secret().to_vec())
            };
            let history = history.into_iter().map(earlier).collect();
            Secret { entry, value, history }
        };
        let secrets: Vec<Secret> = vault.list().expect("a list").into_iter().map(secret).collect();
        assert!(secrets.len() >= 4 && secrets.iter().any(|secret| !secret.history.is_empty()));
        let deleted = vault.deleted().expect("a list").into_iter().map(|entry| entry.metadata).collect();
        let report = vault.verify().expect("a report");
        assert!(report.is_sound());
        Told { secrets, deleted, report }
    })
}

/// Every question is answered as the golden vault answers it, or refused.
fn tells_the_same(vault: &Vault) {
    let golden = golden();
    if let Ok(entries) = vault.list() {
        assert_eq!(entries.len(), golden.secrets.len(), "secrets in the list");
        entries.iter().zip(&golden.secrets).for_each(|(entry, secret)| same_secret(vault, entry, secret));
    }
    if let Ok(entries) = vault.deleted() {
        assert!(entries.iter().map(|entry| &entry.metadata).eq(&golden.deleted), "deleted secrets");
    }
    for secret in &golden.secrets {
        let name = &secret.entry.metadata.name;
        if let Ok(found) = vault.find(name) {
            same_secret(vault, &found.expect("there, or refused"), secret);
        }
        same_history(vault.history(name), vault, secret);
    }
    let absent = Name::parse("never made").expect("a name");
    if let Ok(found) = vault.find(&absent) {
        assert!(found.is_none(), "a secret that was never made");
    }
    if let Ok(report) = vault.verify().as_ref().map(|report| (report, &golden.report))
        && report.0.is_sound()
    {
        let counts = |report: &Report| {
            (report.generation, report.secrets, report.history, report.deleted, report.keyslots)
        };
        assert_eq!(counts(report.0), counts(report.1), "sound, and another vault");
        assert!(vault.list().is_ok() && vault.deleted().is_ok(), "sound, and cannot be read");
    }
}

fn same_secret(vault: &Vault, entry: &Entry, golden: &Secret) {
    let known = &golden.entry;
    assert_eq!((entry.record, entry.version), (known.record, known.version));
    assert_eq!((&entry.metadata, &entry.policy), (&known.metadata, &known.policy));
    if let Ok(value) = vault.value(entry) {
        assert_eq!(value.map(|value| value.expose_secret().to_vec()), golden.value, "another value");
    }
}

fn same_history(history: Result<Vec<Revision>, VaultError>, vault: &Vault, golden: &Secret) {
    let Ok(history) = history else { return };
    let versions = golden.history.iter().map(|(version, _)| *version);
    assert!(history.iter().map(|revision| revision.version).eq(versions), "another history");
    for (version, known) in &golden.history {
        if let Ok(value) = vault.value_at(&golden.entry.metadata.name, *version) {
            let value = value.expect("there, or refused");
            assert_eq!(value.expose_secret(), known, "another earlier value");
        }
    }
}
