//! What the documents say of tests is true: each test that they name is there, and each link leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The documents that argue with tests.
const DOCUMENTS: [&str; 2] = ["docs/why-safe.md", "docs/threat-model.md"];
/// How the list of tests at the end of a section begins.
const SHOWN_BY: &str = "Shown by";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files of a folder and all below it.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The words of a text that could be names of functions.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// The tests that a source defines: functions behind `#[test]`. Where a macro writes that, its tests are named where it
/// is called, and no other word looks like a hostile test.
fn tests_in(source: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_test) {
            if rest.starts_with('$') {
                let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.extend(code.flat_map(words).filter(|word| word.starts_with("hostile_")));
            } else {
                found.extend(words(rest).next());
            }
            is_test = false;
        } else if !(line.starts_with("#[") || line.starts_with("//")) {
            is_test = false;
        }
    }
    found
}

/// The tests that a document names in backticks: hostile ones anywhere, all that a list behind "Shown by" holds.
fn tests_named(document: &str) -> BTreeSet<&str> {
    let mut named = BTreeSet::new();
    for paragraph in document.split("\n\n") {
        let (before, list) = match paragraph.find(SHOWN_BY) {
            Some(at) => paragraph.split_at(at),
            None => (paragraph, ""),
        };
        let spans = |text| str::split(text, '`').skip(1).step_by(2);
        named.extend(spans(before).filter(|span| span.starts_with("hostile_")));
        named.extend(spans(list));
    }
    named
}

/// The anchor that a heading gets where the documents are shown.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Why a link leads nowhere; links to other sites are not followed.
fn dead_end(document: &Path, link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (path, part) = link.split_once('#').unwrap_or((link, ""));
    let there = match path {
        "" => document.to_owned(),
        path => document.parent().expect("a folder").join(path),
    };
    if !there.exists() {
        return Some(format!("{link}: no such file"));
    }
    let is_there = part.is_empty()
        || read(&there)
            .lines()
            .any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#').trim()) == part);
    (!is_there).then(|| format!("{link}: no such heading"))
}

fn links(document: &str) -> impl Iterator<Item = &str> {
    document.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
}

#[test]
fn tests_that_the_documents_name_are_there() {
    let mut files = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        sources(&root().join(folder), &mut files);
    }
    let sources: Vec<String> = files.iter().map(|path| read(path)).collect();
    let there: BTreeSet<&str> = sources.iter().flat_map(|source| tests_in(source)).collect();
    assert!(there.contains("dependencies_point_down"), "no tests were read");
    for document in DOCUMENTS {
        let text = read(&root().join(document));
        let missing: Vec<&str> =
            tests_named(&text).into_iter().filter(|name| !there.contains(name)).collect();
        assert!(missing.is_empty(), "{document} names tests that are not there: {missing:#?}");
    }
}

#[test]
fn every_attack_is_answered_by_tests() {
    let text = read(&root().join("docs/why-safe.md"));
    let attacks: Vec<&str> = text.split("\n### ").skip(1).collect();
    assert!(!attacks.is_empty(), "no sections were read");
    for attack in attacks {
        let title = attack.lines().next().unwrap_or_default();
        let section = attack.split("\n## ").next().unwrap_or_default();
        let list = section.split_once(SHOWN_BY).map(|(_, list)| list).unwrap_or_default();
        assert!(list.contains('`'), "nothing shows: {title}");
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    for document in DOCUMENTS {
        let path = root().join(document);
        let text = read(&path);
        let dead: Vec<String> = links(&text).filter_map(|link| dead_end(&path, link)).collect();
        assert!(dead.is_empty(), "{document}: {dead:#?}");
    }
}

#[test]
fn what_is_wrong_is_found() {
    let source = "#[test]\nfn one() {}\nfn hostile_no_test() {}\n#[cfg(unix)]\n#[test]\n/// What.\n#[cfg(unix)]\nfn two() {}";
    assert_eq!(tests_in(source), ["one", "two"].into());
    let macros = "#[test]\nfn $name() {}\n// hostile_gone\neach! { x: hostile_a, hostile_b; }";
    assert_eq!(tests_in(macros), ["hostile_a", "hostile_b"].into());
    let document = "`other` and `hostile_a`\n\nText. Shown by `one`,\n`two`.\n\n`three`";
    assert_eq!(tests_named(document), ["hostile_a", "one", "two"].into());
    let model = root().join("docs/threat-model.md");
    for link in ["gone.md", "why-safe.md#gone", "#gone"] {
        assert!(dead_end(&model, link).is_some(), "{link}");
    }
    assert_eq!(dead_end(&model, "spec/vault-format.md#4-seals"), None);
}
