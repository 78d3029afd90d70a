//! The export format's promises: its vectors hold, a golden export opens for ever, and a reader and writer that was
//! written from the specification alone agrees (`docs/spec/export-format.md`).

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use subrosa_interchange::{Contents, InterchangeError, Item, Items, subrosa};
use subrosa_secret::SecretValue;
use subrosa_testkit::backend_python;
use subrosa_vault::{KdfParams, Passphrase};

const PASSPHRASE: &str = "caf\u{e9} au lait, made up";

fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(path)
}

fn json<T: DeserializeOwned>(name: &str) -> T {
    let path = tests("vectors/export").join(name);
    let text = fs::read_to_string(&path).expect("a file of vectors");
    serde_json::from_str(&text).expect("JSON")
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.as_bytes()).expect("a passphrase")
}

/// A secret in the shape of the specification, section 5.
fn told(item: &Item) -> Value {
    let mut told = json!({"name": item.name, "policy": item.policy});
    put_value(&mut told, item.value.as_ref());
    if let Some(link) = &item.link {
        told["link"] = json!(link);
    }
    if !item.description.is_empty() {
        told["description"] = json!(item.description);
    }
    if !item.tags.is_empty() {
        told["tags"] = json!(item.tags);
    }
    for (field, time) in [("created", item.created), ("changed", item.changed)] {
        if let Some(time) = time {
            told[field] = json!(time);
        }
    }
    if !item.history.is_empty() {
        let earlier = item.history.iter().map(|earlier| {
            let mut told = json!({"changed": earlier.changed});
            put_value(&mut told, Some(&earlier.value));
            told
        });
        told["history"] = earlier.collect();
    }
    told
}

fn put_value(told: &mut Value, value: Option<&SecretValue>) {
    let Some(bytes) = value.map(SecretValue::expose_secret) else { return };
    match str::from_utf8(bytes) {
        Ok(text) => told["value"] = json!(text),
        Err(_) => told["base64"] = json!(data_encoding::BASE64.encode(bytes)),
    }
}

fn told_of(contents: &Contents) -> Vec<Value> {
    contents.items.iter().map(|item| told(&item)).collect()
}

/// With the policy that a secret without one has.
fn complete(secrets: &[Value]) -> Vec<Value> {
    let mut secrets = secrets.to_vec();
    for secret in &mut secrets {
        let policy = json!({"enabled": true, "send_only": false, "access": "undecided"});
        secret.as_object_mut().expect("a secret").entry("policy").or_insert(policy);
    }
    secrets
}

/// The class of failure in the words of the vectors.
fn class(error: &InterchangeError) -> String {
    match error.kind() {
        "wrong_passphrase" => "does-not-open".to_owned(),
        kind => kind.replace('_', "-"),
    }
}

#[derive(Deserialize)]
struct File<T> {
    vectors: Vec<T>,
}

#[derive(Deserialize)]
struct Valid {
    comment: String,
    passphrase: String,
    file: String,
    secrets: Vec<Value>,
}

#[derive(Deserialize)]
struct Invalid {
    comment: String,
    passphrase: String,
    file: String,
    failure: String,
}

#[test]
fn valid_exports_open() {
    let vectors = json::<File<Valid>>("valid.json").vectors;
    assert!(vectors.len() >= 9);
    for vector in vectors {
        let opened = subrosa::open(vector.file.as_bytes(), &passphrase(&vector.passphrase));
        let contents = opened.unwrap_or_else(|error| panic!("{}: {error}", vector.comment));
        assert_eq!(told_of(&contents), complete(&vector.secrets), "{}", vector.comment);
    }
}

#[test]
fn invalid_exports_are_refused_for_their_reason() {
    let vectors = json::<File<Invalid>>("invalid.json").vectors;
    assert!(vectors.len() >= 96);
    for Invalid { comment, passphrase: text, file, failure } in vectors {
        let error = subrosa::open(file.as_bytes(), &passphrase(&text)).err();
        assert_eq!(error.as_ref().map(class), Some(failure), "{comment}: {error:?}");
    }
}

#[derive(Deserialize)]
struct Chunked {
    passphrase: String,
    file: Value,
    names: Vec<String>,
    vectors: Vec<Chunks>,
}

#[derive(Deserialize)]
struct Chunks {
    comment: String,
    payload: Vec<usize>,
    failure: Option<String>,
}

#[test]
fn hostile_i91_chunks_missing_doubled_reordered_or_extra_are_refused() {
    let chunked: Chunked = json("chunks.json");
    assert!(chunked.vectors.len() >= 13);
    for Chunks { comment, payload, failure } in chunked.vectors {
        let mut file = chunked.file.clone();
        file["payload"] = payload.iter().map(|number| chunked.file["payload"][number].clone()).collect();
        let opened = subrosa::open(file.to_string().as_bytes(), &passphrase(&chunked.passphrase));
        assert_eq!(opened.as_ref().err().map(class), failure, "{comment}");
        if let Ok(contents) = opened {
            assert!(
                contents.items.iter().map(|item| item.name.to_string()).eq(chunked.names.iter().cloned())
            );
        }
    }
}

#[derive(Deserialize)]
struct Expected {
    passphrase: String,
    secrets: Vec<Value>,
}

#[test]
fn hostile_c36_an_export_of_format_1_opens() {
    for (name, least) in [("format-1", 4), ("format-1-links", 3)] {
        let expected: Expected = json(&format!("{name}.expected.json"));
        let path = tests(&format!("vectors/export/{name}.json"));
        let file = fs::read(path).expect("the golden export");
        let contents = subrosa::open(&file, &passphrase(&expected.passphrase)).expect("it opens");
        assert!(expected.secrets.len() >= least && contents.notices.is_empty());
        assert_eq!(told_of(&contents), expected.secrets);
    }
}

fn run(python: &Path, action: &str, file: &Path, input: &str) -> Output {
    let mut child = Command::new(python)
        .arg("-B")
        .arg(tests("reader/subrosa_export.py"))
        .arg(action)
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("input");
    child.wait_with_output().expect("python")
}

fn answer(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The golden exports' secrets, and one that takes more than a chunk.
fn secrets() -> Vec<Value> {
    let mut secrets = json::<Expected>("format-1.expected.json").secrets;
    secrets.extend(json::<Expected>("format-1-links.expected.json").secrets);
    secrets.push(json!({
        "name": "large",
        "value": "\u{1f511} ".repeat(30_000),
        "policy": {"enabled": true, "send_only": false, "access": "undecided"},
    }));
    secrets
}

fn items(secrets: &[Value]) -> Items {
    let document = json!({"format": "subrosa-plain", "version": 1, "secrets": secrets});
    subrosa::read_plain(document.to_string().as_bytes()).expect("secrets").items
}

#[test]
fn the_independent_reader_opens_what_is_written() {
    let Some(python) = backend_python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (secrets, path) = (secrets(), folder.path().join("export.json"));
    let items = items(&secrets);
    let sealed = subrosa::seal(&items, &passphrase(PASSPHRASE), KdfParams::MINIMUM).expect("sealed");
    fs::write(&path, &*sealed.to_bytes().expect("random")).expect("written");
    let decomposed = "cafe\u{301} au lait, made up\n";
    assert_eq!(answer(&run(&python, "read", &path, decomposed)), secrets);
    let wrong = run(&python, "read", &path, "cafe au lait, made up\n");
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("does-not-open"));

    let plain = subrosa::write_plain(&items).expect("ready").to_bytes().expect("in memory");
    fs::write(&path, &*plain).expect("written");
    assert_eq!(answer(&run(&python, "read-plain", &path, "")), secrets);
}

#[test]
fn what_the_independent_writer_wrote_opens() {
    let Some(python) = backend_python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (secrets, path) = (secrets(), folder.path().join("export.json"));
    let input = format!("{PASSPHRASE}\n{}", json!(secrets));
    let written = run(&python, "write", &path, &input);
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let contents =
        subrosa::open(&fs::read(&path).expect("a file"), &passphrase(PASSPHRASE)).expect("it opens");
    assert_eq!(told_of(&contents), secrets);
}
