//! The independent reader of `tests/reader`, written from the specification, reads what the crate writes.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use subrosa_secret::{Name, SecretValue};
use subrosa_testkit::backend_python;
use subrosa_vault::{
    DocumentKind, KdfParams, Link, Location, NewSlot, RecoveryKey, SlotId, Unlock, Vault, VaultError,
    VaultId, VaultKey,
};

/// A vault with every kind of keyslot, and what opens each.
struct Scratch {
    folder: tempfile::TempDir,
    key: VaultKey,
    recovery: RecoveryKey,
    passphrase: SecretValue,
}

impl Scratch {
    fn new() -> (Self, Vault) {
        let scratch = Self {
            folder: tempfile::tempdir().expect("a folder"),
            key: VaultKey::generate().expect("random"),
            recovery: RecoveryKey::generate().expect("random"),
            passphrase: value("cafe\u{301} au lait"),
        };
        let params = &KdfParams::MINIMUM;
        let slots = [
            (slot_id(), NewSlot::VaultKey { key: &scratch.key, label: "keychain" }),
            (slot_id(), NewSlot::Recovery { key: &scratch.recovery, label: "paper, in the safe" }),
            (slot_id(), NewSlot::Passphrase { passphrase: &scratch.passphrase, params, label: "" }),
        ];
        let id = VaultId::random().expect("random");
        let mut vault = Vault::create(&scratch.location(), id, &slots).expect("a vault");
        fill(&mut vault).expect("secrets");
        (scratch, vault)
    }

    fn location(&self) -> Location {
        Location { dir: self.folder.path().join("vault"), state: self.folder.path().join("state") }
    }

    fn pin(&self, vault: &Vault) -> PathBuf {
        self.location().state.join("pins").join(vault.id().to_string())
    }

    /// Runs the reader on this vault with a key.
    fn read(&self, python: &Path, key: &str) -> Output {
        run(python, &[&self.location().dir], key)
    }
}

/// Secrets of every shape, and something of every kind of row.
fn fill(vault: &mut Vault) -> Result<(), VaultError> {
    vault.change(|change| {
        change.set(&name("stripe-key"), Some(&value("first")))?;
        change.set(&name("prod/Schl\u{fc}ssel: 1"), Some(&value("zweite\nZeile \u{1f511}")))?;
        change.set(&name("not yet"), None)?;
        change.set(&name("binary"), Some(&SecretValue::new(vec![0xff, 0, 0xfe])?))?;
        change.set(&name("large"), Some(&SecretValue::new(vec![b'x'; 1 << 20])?))?;
        change.set(&name("gone"), Some(&value("deleted")))?;
        (0..200)
            .try_for_each(|n| change.set(&name(&format!("many/{n}")), Some(&value(&"v".repeat(n)))).map(drop))
    })?;
    vault.change(|change| change.set(&name("stripe-key"), Some(&value("second"))))?;
    vault.change(|change| change.remove(&name("gone")))?;
    vault.change(|change| change.rename(&name("many/7"), &name("seven")))?;
    vault.change(|change| {
        let connection = change.put_document(DocumentKind::Connection, None, b"{}")?;
        let link = |target: &str, ttl| Link { connection, target: target.to_owned(), ttl };
        change.link(&name("many/8"), link("eight", None))?;
        change.link(&name("elsewhere"), link("a/b", Some(60)))
    })?;
    vault.change(|change| {
        change.put_document(DocumentKind::Certificate, None, b"one")?;
        let id = change.put_document(DocumentKind::Certificate, None, b"two")?;
        change.put_document(DocumentKind::Certificate, Some(id), b"three")
    })?;
    Ok(())
}

fn slot_id() -> SlotId {
    SlotId::random().expect("random")
}

fn value(text: &str) -> SecretValue {
    SecretValue::new(text.into()).expect("short")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reader").join(name)
}

fn run(python: &Path, arguments: &[&Path], input: &str) -> Output {
    let mut child = Command::new(python)
        .arg(script("subrosa_reader.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python");
    child.stdin.take().expect("piped").write_all(format!("{input}\n").as_bytes()).expect("input");
    child.wait_with_output().expect("python")
}

fn answer(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The failure class that the reader gave.
fn refusal(output: &Output) -> String {
    assert!(!output.status.success() && output.stdout.is_empty(), "the reader accepted it");
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    line.split(": ").nth(1).unwrap_or(&line).trim_end().to_owned()
}

/// What the crate says is in the vault, in the reader's shape.
fn secrets(vault: &Vault) -> BTreeMap<String, Value> {
    let entries = vault.list().expect("list").into_iter().map(|entry| {
        let value = vault.value(&entry).expect("value");
        let metadata = &entry.metadata;
        let told = json!({
            "record": entry.record.to_string(),
            "version": entry.version,
            "description": metadata.description,
            "tags": metadata.tags,
            "created": metadata.created,
            "changed": metadata.changed,
            "length": metadata.length,
            "policy": entry.policy,
            "link": entry.link,
            "value": value.and_then(|value| String::from_utf8(value.expose_secret().to_vec()).ok()),
        });
        (metadata.name.as_str().to_owned(), told)
    });
    entries.collect()
}

/// The same from the reader's answer.
fn secrets_read(answer: &Value) -> BTreeMap<String, Value> {
    let fields = [
        "record",
        "version",
        "description",
        "tags",
        "created",
        "changed",
        "length",
        "policy",
        "link",
        "value",
    ];
    let secrets = answer["secrets"].as_array().expect("secrets").iter().map(|secret| {
        let told = fields.iter().map(|field| ((*field).to_owned(), secret[*field].clone())).collect();
        (secret["name"].as_str().expect("a name").to_owned(), Value::Object(told))
    });
    secrets.collect()
}

#[test]
fn every_key_reads_the_same_secrets() {
    let Some(python) = backend_python() else { return };
    let (scratch, vault) = Scratch::new();
    let (dir, pin) = (scratch.location().dir, scratch.pin(&vault));
    let answers = [
        scratch.read(&python, &scratch.key.to_text()),
        run(&python, &[Path::new("--pin"), &pin, &dir], &scratch.recovery.to_text().to_lowercase()),
        run(&python, &[Path::new("--passphrase"), &dir], "caf\u{e9} au lait"),
    ]
    .map(|output| answer(&output));
    for answer in &answers {
        assert_eq!(secrets_read(answer), secrets(&vault));
        assert_eq!(answer["vault"], vault.id().to_string());
        assert_eq!(answer["generation"], vault.generation().expect("generation"));
    }
    let [answer, ..] = answers;
    let history = answer["history"].as_array().expect("history");
    assert!(
        history.iter().any(|earlier| earlier["name"] == "stripe-key" && earlier["value"] == "first"),
        "{history:?}"
    );
    assert_eq!(
        (&answer["deleted"][0]["name"], &answer["deleted"][0]["value"]),
        (&json!("gone"), &json!("deleted"))
    );
    let binary =
        answer["secrets"].as_array().expect("secrets").iter().find(|secret| secret["name"] == "binary");
    assert_eq!(binary.expect("binary")["base64"], "/wD+");
    let documents = answer["documents"].as_array().expect("documents");
    assert!(documents.iter().any(|one| one["kind"] == "connection" && one["value"] == "{}"));
    let certificates = documents.iter().filter(|one| one["kind"] == "certificate");
    let mut told: Vec<_> =
        certificates.map(|one| (&one["position"], &one["version"], &one["value"])).collect();
    told.sort_by_key(|(position, ..)| position.as_u64());
    assert_eq!(told, [(&json!(0), &json!(1), &json!("one")), (&json!(1), &json!(2), &json!("three"))]);
    let labels: Vec<_> =
        answer["slots"].as_array().expect("slots").iter().map(|slot| &slot["label"]).collect();
    assert!(labels.len() == 3 && labels.contains(&&json!("paper, in the safe")), "{labels:?}");
}

#[test]
fn wrong_keys_open_nothing() {
    let Some(python) = backend_python() else { return };
    let (scratch, _vault) = Scratch::new();
    let other = VaultKey::generate().expect("random").to_text();
    assert_eq!(refusal(&scratch.read(&python, &other)), "wrong-key");
    let passphrase = run(&python, &[Path::new("--passphrase"), &scratch.location().dir], "cafe au lait");
    assert_eq!(refusal(&passphrase), "wrong-key");
    let text = scratch.key.to_text();
    assert_eq!(refusal(&scratch.read(&python, &text[..text.len() - 1])), "bad-length");
}

#[test]
fn what_a_new_root_key_sealed_is_read() {
    let Some(python) = backend_python() else { return };
    let (scratch, mut vault) = Scratch::new();
    let key = VaultKey::generate().expect("random");
    vault.rotate_root(&[(slot_id(), NewSlot::VaultKey { key: &key, label: "after" })]).expect("rotate");
    let dir = scratch.location().dir;
    let told = answer(&run(&python, &[Path::new("--pin"), &scratch.pin(&vault), &dir], &key.to_text()));
    assert_eq!(secrets_read(&told), secrets(&vault));
    assert_eq!(told["epoch"], 2);
    assert_eq!(refusal(&scratch.read(&python, &scratch.key.to_text())), "wrong-key");
}

#[test]
fn an_older_file_and_a_changed_one_are_refused() {
    let Some(python) = backend_python() else { return };
    let (scratch, mut vault) = Scratch::new();
    let (dir, database) = (scratch.location().dir, scratch.location().database());
    let (text, pin) = (scratch.key.to_text(), scratch.pin(&vault));
    let older = std::fs::read(&database).expect("database");
    vault.change(|change| change.remove(&name("binary"))).expect("change");
    drop(vault);
    let newer = std::fs::read(&database).expect("database");

    std::fs::write(&database, &older).expect("write");
    assert_eq!(refusal(&run(&python, &[Path::new("--pin"), &pin, &dir], &text)), "rolled-back");
    answer(&scratch.read(&python, &text));

    // the 1 MiB value takes most of the file: the middle of the file is in the middle of it
    let mut changed = newer.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&database, &changed).expect("write");
    assert_eq!(refusal(&scratch.read(&python, &text)), "damaged");

    std::fs::write(&database, &newer).expect("write");
    let vault = Vault::open(&scratch.location(), &Unlock::VaultKey(&scratch.key)).expect("open");
    assert_eq!(secrets_read(&answer(&scratch.read(&python, &text))), secrets(&vault));
}

#[test]
fn the_reader_agrees_with_the_vectors() {
    let Some(python) = backend_python() else { return };
    let output = Command::new(python).arg(script("check_vectors.py")).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sets = String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.ends_with(": ok")).count();
    assert_eq!(sets, 7);
}
