//! Project tasks: `cargo xtask …`.
//!
//! Standard library only, so that the first task of a fresh machine starts after a second of compiling.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a task has to say goes to the terminal")]

mod backends;
mod bench;
mod ci;
mod docs;
mod fuzz;
mod process;
mod project;
mod soak;
mod targets;
mod test;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [ARGS]      install what tests need, then run every test; ARGS go to the test runner
  backends [--install-system]
                   install what tests need: Python packages under target/backends, and, as root and
                   in CI or with --install-system, Debian packages
  soak [--kills N] [--minutes M]
                   kill the program N times (10000) and let its disk fail, then fuzz for M minutes (10)
  bench [sizes N…] measure the optimised program as whole processes, in turn with those peers that are
                   installed; `bench micro` measures parts by themselves
  fuzz [SECONDS] [TARGET]
                   fuzz every target, or one, for so many seconds in all [default: 300]
  docs             write man pages and completions under target/docs
  check-targets    type-check the program for Windows and macOS, where the targets are installed
  ci               all that CI runs: format, lints, features, licences, documentation, other
                   targets, tests
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test", rest @ ..] => test::run(rest),
        ["backends"] => backends::run(false),
        ["backends", "--install-system"] => backends::run(true),
        ["soak", rest @ ..] => soak::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["fuzz", rest @ ..] => match fuzzing(rest) {
            Some(done) => done,
            None => return usage(),
        },
        ["docs"] => docs::run(),
        ["check-targets"] => targets::run(),
        ["ci"] => ci::run(),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

/// `fuzz` with its words; `None` for words that it does not know.
fn fuzzing(words: &[&str]) -> Option<Result<(), String>> {
    const SECONDS: u64 = 300;
    match words {
        [] => Some(fuzz::run(SECONDS)),
        [word] => Some(match word.parse() {
            Ok(seconds) => fuzz::run(seconds),
            Err(_) => fuzz::run_one(SECONDS, word),
        }),
        [seconds, name] => Some(fuzz::run_one(seconds.parse().ok()?, name)),
        _ => None,
    }
}
