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
use subrosa_secret::{Access, HostRule, Name, SecretValue, Tag};
use subrosa_vault::{
    KdfParams, Location, NewSlot, RecoveryKey, SlotId, Unlock, Vault, VaultError, VaultId, VaultKey,
};

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

/// `SUBROSA_GOLDEN=FOLDER cargo test -p subrosa-tests --test golden -- --ignored` makes the vault of a new format in
/// FOLDER, which holds its `keys.json`; `subrosa_reader.py FOLDER > FOLDER/expected.json` completes it.
#[test]
#[ignore = "makes the golden vault of a new format"]
fn make_a_golden_vault() {
    let folder = PathBuf::from(std::env::var_os("SUBROSA_GOLDEN").expect("SUBROSA_GOLDEN names a folder"));
    let keys = Keys::read(&folder);
    let state = tempfile::tempdir().expect("a folder");
    let location = Location { dir: folder, state: state.path().to_owned() };
    let slot = || SlotId::random().expect("random");
    let (passphrase, params) = (&keys.passphrase, &KdfParams::MINIMUM);
    let slots = [
        (slot(), NewSlot::VaultKey { key: &keys.vault, label: "keychain" }),
        (slot(), NewSlot::Recovery { key: &keys.recovery, label: "paper" }),
        (slot(), NewSlot::Passphrase { passphrase, params, label: "" }),
    ];
    let mut vault = Vault::create(&location, VaultId::random().expect("random"), &slots).expect("a vault");
    fill(&mut vault).expect("secrets");
}

fn fill(vault: &mut Vault) -> Result<(), VaultError> {
    let value = |bytes: &[u8]| SecretValue::new(bytes.to_vec()).expect("short");
    vault.change(|change| {
        change.set(&name("stripe-key"), Some(&value(b"first")))?;
        change.set(&name("prod/Schl\u{fc}ssel: 1"), Some(&value("zweite\nZeile \u{1f511}".as_bytes())))?;
        change.set(&name("not yet"), None)?;
        change.set(&name("binary"), Some(&value(&[0xff, 0, 0xfe])))?;
        change.set(&name("longer"), Some(&value(&[b'x'; 5000])))?;
        change.set(&name("gone"), Some(&value(b"deleted"))).map(drop)
    })?;
    vault.change(|change| change.set(&name("stripe-key"), Some(&value(b"second"))).map(drop))?;
    vault.change(|change| change.remove(&name("gone")))?;
    vault.change(|change| {
        let edit = |metadata: &mut subrosa_vault::Metadata, policy: &mut subrosa_secret::Policy| {
            metadata.description = "for payments".to_owned();
            metadata.tags.insert(Tag::parse("billing").expect("a tag"));
            let rule = HostRule::parse("https://*.example.com:8443;header,query").expect("a rule");
            policy.access = Access::Restricted(vec![rule.rule]);
            policy.send_only = true;
        };
        change.update(&name("stripe-key"), edit).map(drop)
    })
}
