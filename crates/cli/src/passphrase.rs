//! Passphrases of exports. They protect a file that goes elsewhere, so they are held to more than the vault's own.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;
use crate::{input, output, unlock};
use clap::{Arg, ArgMatches, ValueHint, value_parser};
use std::path::{Path, PathBuf};
use subrosa_interchange::subrosa::MIN_PASSPHRASE;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

pub(crate) const FLAG: &str = "export-passphrase-file";

/// `--export-passphrase-file`: not to be taken for `--passphrase-file`, which opens the vault.
pub(crate) fn flag() -> Arg {
    Arg::new(FLAG)
        .long(FLAG)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help("the passphrase of the export, not of the vault, from this file; '-' is standard input")
}

/// Whether a file says what the passphrase is.
pub(crate) fn is_given(arguments: &ArgMatches) -> bool {
    arguments.contains_id(FLAG)
}

/// The passphrase for a new export: that of the file, else typed twice.
pub(crate) fn new(context: &Context, arguments: &ArgMatches) -> Outcome<Zeroizing<Vec<u8>>> {
    if let Some(bytes) = given(arguments)? {
        let strength = judged(&bytes)?;
        if strength.is_weak() {
            output::warn(&format!("the passphrase of the export is weak: {}", strength.shown));
        }
        return Ok(bytes);
    }
    let mut terminal = context.terminal()?.ok_or_else(nobody_to_ask)?;
    loop {
        let first = terminal.secret("new passphrase of the export:")?;
        let strength = match judged(&first) {
            Ok(strength) => strength,
            Err(failure) => {
                terminal.say(failure.message())?;
                continue;
            }
        };
        terminal.say(&format!("strength: {}", strength.shown))?;
        if strength.is_weak() && terminal.choose("use it all the same? [y/n]", &['y', 'n'])? == 'n' {
            continue;
        }
        if *terminal.secret("the same again:")? == *first {
            return Ok(first);
        }
        terminal.say("the two differ, once more")?;
    }
}

/// The passphrase of an export that is there.
pub(crate) fn of_export(
    context: &Context,
    arguments: &ArgMatches,
    from: &str,
) -> Outcome<Zeroizing<Vec<u8>>> {
    match given(arguments)? {
        Some(bytes) => Ok(bytes),
        None => {
            let mut terminal: Terminal = context.terminal()?.ok_or_else(nobody_to_ask)?;
            terminal.secret(&format!("passphrase of {from}:"))
        }
    }
}

fn given(arguments: &ArgMatches) -> Outcome<Option<Zeroizing<Vec<u8>>>> {
    let Some(path) = arguments.get_one::<PathBuf>(FLAG) else { return Ok(None) };
    if path == Path::new("-") {
        return input::line_of_stdin().map(Some);
    }
    unlock::private(path, "passphrase file")?;
    input::line_of_file(path).map(Some)
}

/// Whether the passphrase is to be read from standard input.
pub(crate) fn is_on_stdin(arguments: &ArgMatches) -> bool {
    arguments.get_one::<PathBuf>(FLAG).is_some_and(|path| path == Path::new("-"))
}

fn nobody_to_ask() -> Failure {
    Failure::usage("no terminal to ask for the passphrase of the export").hint(format!("--{FLAG} FILE"))
}

/// How long a passphrase would resist.
struct Strength {
    score: Score,
    shown: String,
}

impl Strength {
    fn is_weak(&self) -> bool {
        self.score < Score::Three
    }
}

/// Refuses what is too short, whatever is in it, and estimates the rest.
fn judged(bytes: &[u8]) -> Outcome<Strength> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Failure::usage("the passphrase of the export is not UTF-8 text"))?;
    let length = text.chars().count();
    if length < MIN_PASSPHRASE {
        return Err(Failure::usage(format!(
            "the passphrase of the export has {length} characters; at least {MIN_PASSPHRASE} are needed"
        ))
        .hint("five random words are easy to type and hard to guess"));
    }
    let estimate = zxcvbn(text, &["subrosa"]);
    let score = estimate.score();
    let word = match score {
        Score::Zero | Score::One => "very weak",
        Score::Two => "weak",
        Score::Three => "fair",
        _ => "strong",
    };
    Ok(Strength {
        score,
        shown: format!("{word}, found after about 10^{:.0} guesses", estimate.guesses_log10()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_are_refused_and_obvious_ones_are_weak() {
        for text in ["", "elevenchars", "ääääääääääk"] {
            assert!(judged(text.as_bytes()).is_err(), "{text}");
        }
        assert!(judged(b"\xff\xfe\xfd not a text at all").is_err());
        for text in ["passwordpassword", "aaaaaaaaaaaaaaaa", "123456789012345", "qwertyuiopasdf"] {
            assert!(judged(text.as_bytes()).unwrap().is_weak(), "{text}");
        }
        for text in ["gather-lunch-violin-absent-toad", "q8Zr!m2Wp0xLv7Tn"] {
            assert!(!judged(text.as_bytes()).unwrap().is_weak(), "{text}");
        }
    }

    #[test]
    fn a_long_one_is_judged_in_time() {
        assert!(!judged("correct horse ".repeat(4000).as_bytes()).unwrap().shown.is_empty());
    }
}
