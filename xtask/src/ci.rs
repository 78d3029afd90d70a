//! `cargo xtask ci`: all that a change has to pass.

use std::path::PathBuf;
use std::time::Instant;

use crate::process::{self, cargo, is_installed, program};
use crate::project::target;
use crate::{targets, test};

type Step = (&'static str, fn() -> Result<(), String>);

/// In the order of what they cost; the tests come last, so that their count ends the output.
const STEPS: [Step; 6] = [
    ("format", || process::run(cargo().args(["fmt", "--all", "--check"]))),
    ("lints", || {
        process::run(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    }),
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

/// Which version is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

/// Licences, forbidden crates and foreign sources. Without its list of advisories, which is no package of a registry.
fn licences() -> Result<(), String> {
    let deny = cargo_deny()?;
    process::run(cargo().args(["fetch", "--locked"]))?;
    let checks = ["--hide-inclusion-graph", "licenses", "bans", "sources"];
    process::run(program(deny).args(["--offline", "--workspace", "check"]).args(checks))
}

fn cargo_deny() -> Result<PathBuf, String> {
    if is_installed("cargo-deny") {
        return Ok("cargo-deny".into());
    }
    let tools = target().join("tools");
    let there = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !there.is_file() {
        let mut install = cargo();
        install.args([
            "install",
            "cargo-deny",
            "--version",
            CARGO_DENY,
            "--locked",
            "--no-default-features",
            "--root",
        ]);
        process::run(install.arg(&tools))?;
    }
    Ok(there)
}
