//! `cargo xtask soak`: the tests of crashes and failing disks, many times over, with the optimised program; then the
//! fuzzers.
//!
//! There is one implementation, `tests/e2e/crash`. It reads from the environment how many kills are wanted and writes
//! down what it has done; this starts it, shows how far it is, and adds up.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::backends;
use crate::fuzz;
use crate::process::{self, cargo};
use crate::project::target;

/// How often progress is shown.
const PAUSE: Duration = Duration::from_secs(10);

/// The options, each with a number after it.
const OPTIONS: [&str; 2] = ["--kills", "--minutes"];

/// Runs it all.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let kills = option(arguments, "--kills", 10_000)?;
    backends::run(false)?;
    let minutes = option(arguments, "--minutes", 10)?;
    let crashed = crashes(kills);
    let fuzzed = fuzz::run(60 * minutes);
    crashed.and(fuzzed)
}

/// The number after an option.
fn option(arguments: &[&str], wanted: &str, default: u64) -> Result<u64, String> {
    let mut found = default;
    for pair in arguments.chunks(2) {
        let number = pair.get(1).and_then(|text| text.parse().ok());
        match (pair[0], number) {
            (name, Some(number)) if name == wanted => found = number,
            (name, Some(_)) if OPTIONS.contains(&name) => {}
            (name, None) if OPTIONS.contains(&name) => {
                return Err(format!("{name}: write a number after it"));
            }
            (other, _) => return Err(format!("{other}: soak knows {}", OPTIONS.join(" and "))),
        }
    }
    Ok(found)
}

fn crashes(kills: u64) -> Result<(), String> {
    let log = target().join("soak.tally");
    let _ = fs::remove_file(&log);
    let words = ["test", "--release", "-p", "subrosa", "--test", "e2e"];
    process::run(cargo().args(words).arg("--no-run"))?;
    let mut tests = cargo();
    tests.args(words).args(["--", "crash::"]);
    tests.env("SUBROSA_KILLS", kills.to_string()).env("SUBROSA_TALLY", &log);
    let begun = Instant::now();
    let passed = watch(&mut tests, &log)?;
    let sums = Sums::of(&log);
    sums.show();
    println!("soak: {} in {} s", sums.line(), begun.elapsed().as_secs());
    if passed { Ok(()) } else { Err("soak: there are findings; they stand above".to_owned()) }
}

/// Runs the tests to their end and shows how far they are.
fn watch(tests: &mut Command, log: &Path) -> Result<bool, String> {
    let mut child = tests.spawn().map_err(|error| format!("the tests cannot be started: {error}"))?;
    let mut shown = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) => thread::sleep(Duration::from_millis(200)),
            Err(error) => return Err(format!("the tests: {error}")),
        }
        if shown.elapsed() > PAUSE {
            shown = Instant::now();
            println!("soak: {}", Sums::of(log).line());
        }
    }
}

/// What has been survived: for each command, how often which fault.
#[derive(Default)]
struct Sums(BTreeMap<String, BTreeMap<String, usize>>);

impl Sums {
    /// The lines that `subrosa_testkit::faults::tally` has written.
    fn of(log: &Path) -> Self {
        let text = fs::read_to_string(log).unwrap_or_default();
        let mut sums = Self::default();
        for line in text.lines() {
            let mut fields = line.split('\t');
            let (Some(command), Some(kind), Some(count)) = (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let kinds = sums.0.entry(command.to_owned()).or_default();
            *kinds.entry(kind.to_owned()).or_default() += count.parse::<usize>().unwrap_or_default();
        }
        sums
    }

    fn total(&self, is_wanted: impl Fn(&str) -> bool) -> usize {
        let all = self.0.values().flatten();
        all.filter(|(kind, _)| is_wanted(kind)).map(|(_, count)| count).sum()
    }

    fn line(&self) -> String {
        let kills = self.total(|kind| kind.starts_with("killed"));
        let errors = self.total(|kind| !kind.starts_with("killed"));
        format!("{kills} kills and {errors} failing calls survived")
    }

    fn show(&self) {
        for (command, kinds) in &self.0 {
            let counts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            println!("  {command:24} {}", counts.join(", "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_survived_is_added_up() {
        let log = std::env::temp_dir().join(format!("soak-{}.tally", std::process::id()));
        let lines = "set\tkilled at a step\t3\nset\tkilled at a step\t4\nrm\tdisk full\t2\nhalf a li";
        fs::write(&log, lines).expect("a file");
        let sums = Sums::of(&log);
        fs::remove_file(&log).expect("the file");
        assert_eq!(sums.0["set"]["killed at a step"], 7);
        assert_eq!(sums.line(), "7 kills and 2 failing calls survived");
    }

    #[test]
    fn only_numbers_are_wanted() {
        let arguments = ["--minutes", "3", "--kills", "20"];
        assert_eq!(option(&arguments, "--kills", 1), Ok(20));
        assert_eq!(option(&arguments, "--minutes", 1), Ok(3));
        assert_eq!(option(&[], "--kills", 1), Ok(1));
        for wrong in [&["--kills"][..], &["--kills", "x"], &["--hours", "3"]] {
            assert!(option(wrong, "--kills", 1).is_err(), "{wrong:?}");
        }
    }
}
