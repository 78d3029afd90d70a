//! The terminal as something to talk with.
//!
//! Questions and prompts go to the controlling terminal, never to standard output or standard input, so that
//! they work inside a pipe and never end up in one. A process that shows no terminal on standard input or
//! standard error (CI, an editor's task, a coding agent) is never asked anything.

use crate::failure::{Failure, Outcome, visible};
use crate::hidden;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use zeroize::Zeroizing;

#[cfg(unix)]
const CONSOLE: (&str, &str) = ("/dev/tty", "/dev/tty");
#[cfg(not(unix))]
const CONSOLE: (&str, &str) = ("CONIN$", "CONOUT$");

/// The controlling terminal, opened for questions.
pub(crate) struct Terminal {
    input: BufReader<File>,
    output: File,
}

impl Terminal {
    /// The terminal, or `None` where nobody can answer.
    pub(crate) fn open() -> Option<Terminal> {
        if !io::stdin().is_terminal() && !io::stderr().is_terminal() {
            return None;
        }
        let input = OpenOptions::new().read(true).open(CONSOLE.0).ok()?;
        let output = OpenOptions::new().write(true).open(CONSOLE.1).ok()?;
        Some(Terminal { input: BufReader::new(input), output })
    }

    /// Shows text that belongs to a question and to no output.
    pub(crate) fn say(&mut self, text: &str) -> Outcome {
        writeln!(self.output, "{text}").map_err(|error| lost(&error))
    }

    /// Reads one visible line.
    pub(crate) fn ask(&mut self, prompt: &str) -> Outcome<String> {
        write!(self.output, "{} ", visible(prompt)).map_err(|error| lost(&error))?;
        self.output.flush().map_err(|error| lost(&error))?;
        let mut line = String::new();
        if self.input.read_line(&mut line).map_err(|error| lost(&error))? == 0 {
            return Err(Failure::interrupted());
        }
        Ok(line.trim().to_owned())
    }

    /// Asks until the answer begins with one of the letters.
    pub(crate) fn choose(&mut self, prompt: &str, letters: &[char]) -> Outcome<char> {
        loop {
            let answer = self.ask(prompt)?;
            let first = answer.chars().next().map(|letter| letter.to_ascii_lowercase());
            if let Some(letter) = first.filter(|letter| letters.contains(letter)) {
                return Ok(letter);
            }
        }
    }

    /// For what cannot be undone: the person types the word, a reflexive `y` is not enough.
    pub(crate) fn confirm_typed(&mut self, what_happens: &str, word: &str) -> Outcome<bool> {
        self.say(&visible(what_happens))?;
        Ok(self.ask(&format!("type '{word}' to go on:"))? == word)
    }

    /// Reads a secret without echo. The bytes are wiped when the result is dropped.
    pub(crate) fn secret(&mut self, prompt: &str) -> Outcome<Zeroizing<Vec<u8>>> {
        match hidden::ask(&format!("{} ", visible(prompt))) {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => Err(Failure::interrupted()),
            Err(error) => Err(lost(&error)),
        }
    }

    /// Reads a new secret twice, so that a slip does not lock the vault for good.
    pub(crate) fn new_secret(&mut self, prompt: &str) -> Outcome<Zeroizing<Vec<u8>>> {
        loop {
            let first = self.secret(prompt)?;
            let again = self.secret("the same again:")?;
            if *first == *again {
                return Ok(first);
            }
            self.say("the two differ, once more")?;
        }
    }
}

fn lost(error: &io::Error) -> Failure {
    Failure::general(format!("cannot talk to the terminal: {}", crate::failure::reason(error)))
}

/// Columns of the terminal that standard output goes to; `None` when it goes elsewhere.
pub(crate) fn output_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    Some(terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0).max(20)))
}

/// Rows of the terminal; 24 where it does not tell.
pub(crate) fn height() -> usize {
    terminal_size::terminal_size().map_or(24, |(_, height)| usize::from(height.0))
}

pub(crate) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}
