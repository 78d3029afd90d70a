//! What a test does when the thing that it tests against is not there.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

/// Names the file to which skipped tests append a line each. `cargo xtask test` sets it, because test runners swallow
/// what a passing test prints, and shows the lines at the end.
pub const SKIPPED_LOG: &str = "SUBROSA_SKIPPED_LOG";

/// Whether every one of `programs` can be run; if not, the test is to return at once.
///
/// Prints `skipped: needs <programs>` and answers `false` when one is missing.
///
/// # Panics
/// With `CI=true` in the environment a missing program is a failure: there, a test that is not run is a hole that
/// nobody would see.
#[must_use]
pub fn needs(programs: &[&str]) -> bool {
    let missing: Vec<&str> = programs.iter().copied().filter(|program| found(program).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    skip(&missing.join(", "));
    false
}

/// Reports that the running test cannot be done for want of `what`: the rule behind [`needs`], for things that are not
/// programs.
///
/// # Panics
/// With `CI=true` in the environment.
pub fn skip(what: &str) {
    let line = format!("skipped: needs {what}");
    assert!(!in_ci(env::var("CI").ok().as_deref()), "{line} (`cargo xtask backends` installs it)");
    say(&line);
    record(&line);
}

/// Where `program` is on the `PATH`.
#[must_use]
pub fn found(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[allow(clippy::print_stdout, reason = "it is for the person who reads the test run")]
fn say(line: &str) {
    println!("{line}");
}

fn in_ci(value: Option<&str>) -> bool {
    matches!(value, Some("true" | "1"))
}

fn record(line: &str) {
    let Some(path) = env::var_os(SKIPPED_LOG) else { return };
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("the log of skipped tests");
    // one write, so that lines of tests that run side by side do not mix
    file.write_all(format!("{test}: {line}\n").as_bytes()).expect("the log of skipped tests");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ci_that_says_so_is_strict() {
        assert!(in_ci(Some("true")));
        assert!(in_ci(Some("1")));
        for lax in [None, Some(""), Some("false"), Some("0")] {
            assert!(!in_ci(lax), "{lax:?}");
        }
    }

    #[test]
    fn programs_are_looked_for_on_the_path() {
        assert!(found("cargo").is_some());
        assert!(found("no-program-has-this-name").is_none());
        assert!(needs(&["cargo"]));
    }
}
