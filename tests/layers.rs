//! The crates depend on each other in one direction only. A new crate has to be entered here.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const ANY: &[&str] = &["*"];

/// What each crate of the workspace may depend on, apart from tests.
const LAYERS: &[(&str, &[&str])] = &[
    ("subrosa-secret", &[]),
    ("subrosa-vault", &["subrosa-secret"]),
    ("subrosa-keychain", &["subrosa-secret", "subrosa-vault"]),
    ("subrosa-provider", &["subrosa-secret", "subrosa-vault"]),
    ("subrosa-provider-aws", &["subrosa-secret", "subrosa-provider", "subrosa-rest"]),
    (
        "subrosa-provider-azure",
        &[
            "subrosa-secret",
            "subrosa-provider",
            "subrosa-http",
            "subrosa-rest",
            "subrosa-oauth",
            "subrosa-program",
        ],
    ),
    ("subrosa-provider-folder", &["subrosa-secret", "subrosa-provider"]),
    ("subrosa-provider-hashicorp", &["subrosa-secret", "subrosa-provider", "subrosa-rest", "subrosa-oauth"]),
    (
        "subrosa-provider-onepassword",
        &["subrosa-secret", "subrosa-provider", "subrosa-rest", "subrosa-program"],
    ),
    ("subrosa-resolver", &["subrosa-secret", "subrosa-provider"]),
    ("subrosa-http", &["subrosa-secret"]),
    ("subrosa-rest", &["subrosa-secret", "subrosa-provider", "subrosa-http"]),
    ("subrosa-program", &["subrosa-secret", "subrosa-provider"]),
    ("subrosa-oauth", &["subrosa-secret", "subrosa-provider", "subrosa-rest"]),
    ("subrosa-interchange", &["subrosa-secret", "subrosa-vault"]),
    ("subrosa", ANY),
    // for tests and for building: nothing of the program
    ("subrosa-testkit", &[]),
    ("xtask", &[]),
];

/// What only tests may depend on.
const FOR_TESTS: &[&str] = &["subrosa-testkit", "xtask"];

/// A dependency of one crate of the workspace on another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    for_tests: bool,
}

fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--locked", "--format-version=1"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo's metadata")
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect("a text")
}

/// The crates of the workspace, and the edges between them.
fn workspace() -> (BTreeSet<String>, BTreeSet<Edge>) {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let names = packages.iter().map(|package| text(package, "name").to_owned()).collect::<BTreeSet<_>>();
    let mut edges = BTreeSet::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = text(dependency, "name");
            if names.contains(to) {
                let for_tests = dependency["kind"] == "dev";
                edges.insert(Edge { from: text(package, "name").to_owned(), to: to.to_owned(), for_tests });
            }
        }
    }
    (names, edges)
}

fn broken_rule(edge: &Edge, layers: &BTreeMap<&str, &[&str]>) -> Option<String> {
    let (from, to) = (edge.from.as_str(), edge.to.as_str());
    if edge.for_tests {
        // tests may look down as the crate itself may, and use the test kit
        let fine = to == "subrosa-testkit" || layers[from].contains(&to) || layers[from] == ANY;
        return (!fine).then(|| format!("{from} -> {to} (tests)"));
    }
    let fine = !FOR_TESTS.contains(&to) && (layers[from].contains(&to) || layers[from] == ANY);
    (!fine).then(|| format!("{from} -> {to}"))
}

#[test]
fn every_crate_has_its_layer() {
    let named = LAYERS.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(workspace().0, named);
}

#[test]
fn dependencies_point_down() {
    let layers = LAYERS.iter().copied().collect::<BTreeMap<_, _>>();
    let (_, edges) = workspace();
    assert!(
        edges.iter().any(|edge| edge.from == "subrosa-vault" || edge.from == "subrosa"),
        "no edges were read"
    );
    let broken: Vec<String> = edges.iter().filter_map(|edge| broken_rule(edge, &layers)).collect();
    assert!(broken.is_empty(), "not allowed by the layers: {broken:#?}");
}

#[test]
fn what_is_not_allowed_is_found() {
    let layers = LAYERS.iter().copied().collect::<BTreeMap<_, _>>();
    let edge = |from: &str, to: &str, for_tests| Edge { from: from.into(), to: to.into(), for_tests };
    for bad in [
        edge("subrosa-secret", "subrosa-vault", false),
        edge("subrosa-http", "subrosa-vault", false),
        edge("subrosa-resolver", "subrosa-http", false),
        edge("subrosa", "subrosa-testkit", false),
        edge("subrosa-secret", "subrosa-vault", true),
    ] {
        assert!(broken_rule(&bad, &layers).is_some(), "{bad:?}");
    }
    for good in [edge("subrosa", "subrosa-http", false), edge("subrosa-vault", "subrosa-testkit", true)] {
        assert!(broken_rule(&good, &layers).is_none(), "{good:?}");
    }
}
