//! Vaults of every released format open for ever (vault-format.md, section 12).
//!
//! `tests/vectors/vault/format-N` holds a vault as that format wrote it, what opens it, and what the independent reader
//! found in it. Once a format is released, its folder is never changed.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use subrosa_secret::{Name, SecretValue};
use subrosa_vault::{Location, RecoveryKey, Unlock, Vault, VaultKey};

/// What opens every golden vault. None of it opens anything else.
struct Keys {
    vault: VaultKey,
    recovery: RecoveryKey,
    passphrase: SecretValue,
}

impl Keys {
    fn read(folder: &Path) -> Self {
        let text = fs::read_to_string(folder.join("keys.json")).expect("keys.json");
        let keys: Value = serde_json::from_str(&text).expect("JSON");
        let text = |name: &str| keys[name].as_str().expect(name).to_owned();
        Self {
            vault: VaultKey::parse(&text("vault_key")).expect("a vault key"),
            recovery: RecoveryKey::parse(&text("recovery_key")).expect("a recovery key"),
            passphrase: SecretValue::new(text("passphrase").into()).expect("short"),
        }
    }
}

fn format_1() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/vault/format-1")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// What the crate finds under a name, in the shape of `expected.json`.
fn found(vault: &Vault, secret: &Value) -> Value {
    let entry = vault.find(&name(secret["name"].as_str().expect("a name"))).expect("find").expect("there");
    let value = vault.value(&entry).expect("value");
    let text = value.and_then(|value| String::from_utf8(value.expose_secret().to_vec()).ok());
    json!({
        "record": entry.record.to_string(),
        "version": entry.version,
        "name": entry.metadata.name,
        "description": entry.metadata.description,
        "tags": entry.metadata.tags,
        "created": entry.metadata.created,
        "changed": entry.metadata.changed,
        "length": entry.metadata.length,
        "text": entry.metadata.text,
        "policy": entry.policy,
        "value": text,
    })
}

#[test]
fn hostile_c36_a_vault_of_format_1_opens() {
    let keys = Keys::read(&format_1());
    let expected = fs::read_to_string(format_1().join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let location = Location { dir: folder.path().join("vault"), state: folder.path().join("state") };
    fs::create_dir(&location.dir).expect("a folder");
    fs::copy(format_1().join("vault.db"), location.database()).expect("vault.db");
    for unlock in [
        Unlock::VaultKey(&keys.vault),
        Unlock::Recovery(&keys.recovery),
        Unlock::Passphrase(&keys.passphrase),
    ] {
        let vault = Vault::open(&location, &unlock).expect("opens");
        assert!(vault.verify().expect("verify").is_sound());
        assert_eq!(vault.id().to_string(), expected["vault"]);
        assert_eq!(vault.generation().expect("generation"), expected["generation"]);
        let secrets = expected["secrets"].as_array().expect("secrets");
        assert!(secrets.len() >= 5 && vault.list().expect("list").len() == secrets.len());
        for secret in secrets {
            let mut secret = secret.clone();
            if secret.as_object_mut().expect("a secret").remove("base64").is_some() {
                secret["value"] = Value::Null;
            }
            assert_eq!(found(&vault, &secret), secret);
        }
    }
    // and goes on being written
    let mut vault = Vault::open(&location, &Unlock::VaultKey(&keys.vault)).expect("opens");
    vault.change(|change| change.undo(&name("gone")).map(drop)).expect("a deleted secret comes back");
    assert_eq!(vault.history(&name("stripe-key")).expect("history").len(), 1);
}

#[test]
fn hostile_c36_the_independent_reader_reads_a_vault_of_format_1() {
    let Some(python) = subrosa_testkit::backend_python() else { return };
    let keys = Keys::read(&format_1());
    let mut child = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reader/subrosa_reader.py"))
        .arg(format_1())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    child.stdin.take().expect("piped").write_all(keys.vault.to_text().as_bytes()).expect("input");
    let output = child.wait_with_output().expect("python");
    let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let expected = fs::read(format_1().join("expected.json")).expect("expected.json");
    assert_eq!(read, serde_json::from_slice::<Value>(&expected).expect("JSON"));
}
