//! dotenv beside python-dotenv and the npm package dotenv: one corpus, `tests/vectors/dotenv`, through all three, and
//! what is written here read back there.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use subrosa_interchange::{Item, Items, Place, dotenv};
use subrosa_secret::{Name, SecretValue};
use subrosa_testkit::{backend_node, backend_python};

type Variables = BTreeMap<String, String>;

/// Reads a list of texts from standard input and writes what each of them sets. Files are read as both programs do.
const PYTHON: &str = r#"
import json, logging, os, sys, tempfile
from dotenv import dotenv_values
logging.disable(logging.CRITICAL)
def read(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, ".env")
        with open(path, "wb") as file:
            file.write(text.encode())
        return dict(dotenv_values(path, interpolate=False))
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
"#;
const NODE: &str = r#"
const { parse } = require("dotenv");
let input = "";
process.stdin.on("data", (part) => (input += part));
process.stdin.on("end", () => {
  process.stdout.write(JSON.stringify(JSON.parse(input).map((text) => parse(Buffer.from(text)))));
});
"#;

fn vectors() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/dotenv/cases.json");
    let text = std::fs::read_to_string(path).expect("the vectors");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    file["vectors"].as_array().expect("a list").clone()
}

/// Names without a value are no variables, and are `null` in the vectors.
fn variables(value: &Value) -> Variables {
    let fields = value.as_object().expect("an object").iter();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn ours(text: &str) -> Option<Variables> {
    let contents = dotenv::read(text.as_bytes()).ok()?;
    let value =
        |item: &Item| item.value.as_ref().map(|value| value.expose_secret().to_vec()).unwrap_or_default();
    let text = |item: &Item| String::from_utf8(value(item)).expect("text");
    Some(contents.items.iter().map(|item| (item.name.to_string(), text(&item))).collect())
}

/// A file of these, if there can be one.
fn written(items: &[Item]) -> Option<Vec<u8>> {
    let items = Items::of(items).expect("few");
    Some(dotenv::write(&items).ok()?.to_bytes().expect("in memory").to_vec())
}

fn ask(program: &mut Command, texts: &[String]) -> Vec<Value> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = serde_json::to_vec(texts).expect("JSON");
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("all is read");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The answers of the two programs, as far as they are installed.
fn peers(texts: &[String]) -> Vec<(&'static str, Vec<Value>)> {
    let python = backend_python().map(|python| ask(Command::new(python).args(["-c", PYTHON]), texts));
    let node =
        backend_node().map(|home| ask(Command::new("node").args(["-e", NODE]).current_dir(home), texts));
    let answers = [("python-dotenv", python), ("npm dotenv", node)];
    answers.into_iter().filter_map(|(peer, answer)| Some((peer, answer?))).collect()
}

#[test]
fn the_corpus_is_read_as_it_says() {
    let vectors = vectors();
    assert!(vectors.len() >= 60);
    for vector in &vectors {
        let read = ours(vector["text"].as_str().expect("a text"));
        let expected = vector.get("reads").map(variables);
        assert_eq!(read, expected, "{}", vector["name"]);
        assert_eq!(expected.is_none(), vector["refused"] == true, "{}", vector["name"]);
    }
}

#[test]
fn other_programs_read_the_corpus_so_or_as_it_is_listed() {
    let vectors = vectors();
    let texts: Vec<String> =
        vectors.iter().map(|vector| vector["text"].as_str().expect("a text").to_owned()).collect();
    for (peer, answers) in peers(&texts) {
        assert_eq!(answers.len(), vectors.len());
        for (vector, answer) in vectors.iter().zip(&answers) {
            let listed = vector.get(peer).or_else(|| vector.get("reads"));
            assert_eq!(Some(answer), listed, "{peer}: {}", vector["name"]);
        }
    }
}

#[test]
fn every_difference_is_explained() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/import.md");
    let document = std::fs::read_to_string(path).expect("the document");
    for vector in vectors() {
        let differs = ["python-dotenv", "npm dotenv"].iter().any(|peer| vector.get(peer).is_some());
        let explained = vector["difference"].as_str();
        assert_eq!(explained.is_some(), differs, "{}", vector["name"]);
        if let Some(difference) = explained {
            assert!(document.contains(&format!("\n| {difference} |")), "{difference}");
        }
    }
}

/// Text with what dotenv could stumble over.
fn values() -> impl Strategy<Value = String> {
    let telling = prop::sample::select(vec![
        "'", "\"", "`", "\\", "\n", "\r", "\r\n", "#", " ", " #", "$", "${A}", "=", "\t", "\u{a0}",
        "\u{2028}", "\u{feff}", "\u{1c}", "\u{85}", "\u{b}", "n", "t", "é", "export ", "A=", "\u{1}",
    ]);
    let part = prop_oneof![
        telling.prop_map(str::to_owned),
        "[a-zA-Z0-9]{1,3}",
        any::<char>().prop_map(String::from)
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat().replace('\0', ""))
}

fn item(name: &str, value: &str) -> Item {
    let value = SecretValue::new(value.as_bytes().to_vec()).expect("short");
    Item::new(Name::parse(name).expect("a name"), Some(value), Place::File)
}

#[test]
fn what_is_written_is_read_back_by_all() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
    let (mut texts, mut meant) = (Vec::new(), Vec::new());
    while texts.len() < 1500 {
        let value = values().new_tree(&mut runner).expect("a value").current();
        // between two others: what a value breaks shows there
        let Some(written) = written(&[item("A", "x"), item("B", &value), item("C", "y z")]) else { continue };
        texts.push(String::from_utf8(written).expect("text"));
        meant.push(Variables::from([
            ("A".into(), "x".into()),
            ("B".into(), value),
            ("C".into(), "y z".into()),
        ]));
    }
    for (text, meant) in texts.iter().zip(&meant) {
        assert_eq!(ours(text).as_ref(), Some(meant), "{text:?}");
    }
    for (peer, answers) in peers(&texts) {
        for ((text, meant), answer) in texts.iter().zip(&meant).zip(&answers) {
            assert_eq!(&variables(answer), meant, "{peer}: {text:?}");
        }
    }
}

/// What can be said in dotenv at all is found: only these are refused.
#[test]
fn little_is_refused_when_it_is_written() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
    for _ in 0..2000 {
        let value = values().new_tree(&mut runner).expect("a value").current();
        if written(&[item("A", &value)]).is_none() {
            let quotes = value.contains('\'') && value.contains('"');
            assert!(quotes || value.contains('\\') || value.contains('\r'), "{value:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rewritten_file_says_references_where_it_said_values(values in prop::collection::vec(values(), 1..6)) {
        let items: Vec<Item> =
            values.iter().enumerate().map(|(at, value)| item(&format!("V{at}"), value)).collect();
        let Some(written) = written(&items) else { return Ok(()) };
        let rewritten = dotenv::rewrite(&written, |name| Some(format!("<<vault:{name}>>"))).expect("it is read");
        prop_assert!(dotenv::read(&rewritten.bytes).expect("it is read").items.iter().all(|item| item.value.is_none()));
        let untouched = dotenv::rewrite(&written, |_| None).expect("it is read");
        prop_assert_eq!(untouched.bytes.as_slice(), written.as_slice());
    }
}
