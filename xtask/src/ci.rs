//! `cargo xtask ci`: all that a change has to pass.

use std::fs;
use std::time::Instant;

use crate::process::{self, cargo, program};
use crate::project::{root, target};
use crate::{fuzz, targets, test, tools};

type Step = (&'static str, fn() -> Result<(), String>);

/// In the order of what they cost; the tests come last, so that their count ends the output.
const STEPS: [Step; 7] = [
    ("format", format),
    ("lints", lints),
    ("features", features),
    ("licences", licences),
    ("documentation", || {
        process::run(
            cargo().args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-Dwarnings"),
        )
    }),
    ("other targets", targets::run),
    ("tests", || test::run(&[])),
];

/// Runs every step, the later ones even if an earlier one failed, and fails if one did.
pub(crate) fn run() -> Result<(), String> {
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        println!("\n== {name}");
        let start = Instant::now();
        let answer = step();
        println!(
            "== {name}: {}, {} s",
            if answer.is_ok() { "ok" } else { "FAILED" },
            start.elapsed().as_secs()
        );
        if let Err(message) = answer {
            failed.push(format!("{name}: {message}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\nxtask: ")) }
}

fn format() -> Result<(), String> {
    process::run(cargo().args(["fmt", "--all", "--check"]))?;
    process::run(cargo().args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

fn lints() -> Result<(), String> {
    const STRICT: [&str; 4] = ["--all-targets", "--", "-D", "warnings"];
    process::run(cargo().args(["clippy", "--workspace", "--locked"]).args(STRICT))?;
    let mut fuzz = fuzz::on_fuzz(&["clippy"]);
    process::run(fuzz.arg("--target-dir").arg(target()).args(STRICT))
}

/// The program with each provider alone, and with none: a crate `provider-NAME` is the feature of that name.
fn features() -> Result<(), String> {
    let crates = fs::read_dir(root().join("crates")).map_err(|error| format!("crates: {error}"))?;
    let names = crates.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("provider-")).collect();
    names.sort();
    for name in std::iter::once("").chain(names.iter().map(String::as_str)) {
        let mut clippy = cargo();
        clippy.args([
            "clippy",
            "--package",
            "subrosa",
            "--locked",
            "--no-default-features",
            "--features",
            name,
        ]);
        process::run(clippy.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

/// Which version is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

/// Licences, forbidden crates and foreign sources. Without its list of advisories, which is no package of a registry.
fn licences() -> Result<(), String> {
    let deny = tools::installed("cargo-deny", CARGO_DENY, &["--no-default-features"])?;
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        process::run(cargo().args(["fetch", "--locked", "--manifest-path", manifest]))?;
        let mut check = program(&deny);
        check.args([
            "--offline",
            "--workspace",
            "--manifest-path",
            manifest,
            "--config",
            "deny.toml",
            "check",
        ]);
        process::run(check.args(["--hide-inclusion-graph", "licenses", "bans", "sources"]))?;
    }
    Ok(())
}
