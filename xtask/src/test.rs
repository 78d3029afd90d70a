//! `cargo xtask test`: every test there is.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use crate::process::{self, cargo, succeeds};
use crate::project::{in_ci, target};
use crate::{backends, fuzz};

/// Installs the backends and runs the tests; then says which were skipped, and why.
///
/// Without arguments that is the whole workspace, documentation examples and the smoke run of the fuzz targets included. Arguments go to `cargo nextest run`
/// where that is installed, else to `cargo test`.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    backends::run(false)?;
    let log = target().join("skipped-tests.log");
    match fs::remove_file(&log) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(format!("{}: {error}", log.display()));
        }
        _ => {}
    }
    let nextest = succeeds(cargo().args(["nextest", "--version"]));
    // the examples first, so that the count of all other tests comes last; `cargo test` runs them by itself
    let examples = if nextest && arguments.is_empty() {
        process::run(cargo().args(["test", "--workspace", "--doc"]))
    } else {
        Ok(())
    };
    let smoke = if arguments.is_empty() { fuzz::smoke() } else { Ok(()) };
    let tests = process::run(&mut runner(nextest, arguments, &log));
    report(&log);
    examples.and(smoke).and(tests)
}

fn runner(nextest: bool, arguments: &[&str], log: &Path) -> Command {
    let mut command = cargo();
    if nextest {
        command.args(["nextest", "run"])
    } else {
        command.arg("test")
    };
    if !arguments.iter().any(|word| matches!(*word, "-p" | "--package") || word.starts_with("--package=")) {
        command.arg("--workspace");
    }
    if in_ci() {
        command.arg("--no-fail-fast");
    }
    command.args(arguments).env("SUBROSA_SKIPPED_LOG", log).env("SUBROSA_BACKENDS", backends::folder());
    command
}

/// Shows what the tests that did not run wrote down (`subrosa_testkit::skip`).
fn report(log: &Path) {
    let Ok(text) = fs::read_to_string(log) else { return };
    let lines: BTreeSet<&str> = text.lines().collect();
    println!("\n{} tests were skipped:", lines.len());
    for line in lines {
        println!("  {line}");
    }
    println!("`cargo xtask backends --install-system`, as root, installs what they need.");
}
