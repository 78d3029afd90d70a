//! What a command ends with when it does not succeed, and how a person reads it.
//!
//! One lower-case line says what failed on what. Each `hint:` line below it is a command that can be run, or the
//! one thing to change. There are no backtraces, whatever `RUST_BACKTRACE` says.

use crate::exit::Exit;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::path::Path;

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// An error on its way to the person who typed the command. It never holds a secret's value.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    details: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), details: Vec::new(), hints: Vec::new() }
    }

    pub(crate) fn general(message: impl Into<String>) -> Failure {
        Failure::new(Exit::GENERAL, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::USAGE, message)
    }

    /// A failed operation on a file: `cannot read notes.txt: no such file or directory`.
    pub(crate) fn file(verb: &str, path: &Path, error: &io::Error) -> Failure {
        Failure::general(format!("cannot {verb} {}: {}", path.display(), reason(error)))
    }

    /// Ends the process without a word: the reader of our output went away, or everything was said already.
    pub(crate) fn silent(exit: Exit) -> Failure {
        Failure::new(exit, String::new())
    }

    pub(crate) fn interrupted() -> Failure {
        Failure::silent(Exit::INTERRUPTED)
    }

    /// Adds an indented line below the message: one of several things that went wrong.
    pub(crate) fn detail(mut self, line: impl Into<String>) -> Failure {
        self.details.push(line.into());
        self
    }

    pub(crate) fn hint(mut self, command: impl Into<String>) -> Failure {
        self.hints.push(command.into());
        self
    }

    pub(crate) fn with_exit(mut self, exit: Exit) -> Failure {
        self.exit = exit;
        self
    }

    pub(crate) fn first_hint(&self) -> Option<&str> {
        self.hints.first().map(String::as_str)
    }

    /// The same with another message; hints that repeat what was typed go.
    pub(crate) fn saying(mut self, message: String) -> Failure {
        self.message = message;
        self.hints.retain(|hint| hint.starts_with("subrosa "));
        self
    }

    /// Puts the file in front that the message is about.
    pub(crate) fn in_file(mut self, file: &str) -> Failure {
        if !self.message.is_empty() {
            // a format does not know what its file is called
            let message = self.message.strip_prefix("the file: ").unwrap_or(&self.message);
            self.message = format!("{file}: {message}");
        }
        self
    }

    /// Adds to the message, unless the failure is to say nothing.
    pub(crate) fn adding(mut self, text: &str) -> Failure {
        if !self.message.is_empty() {
            self.message.push_str(text);
        }
        self
    }

    /// Hints for the vault of `--vault FOLDER`: without the flag they would change the default one.
    pub(crate) fn in_vault(mut self, flag: &str) -> Failure {
        for hint in &mut self.hints {
            if !flag.is_empty() && !hint.contains("--vault ") {
                *hint = hint.replace("subrosa ", &format!("subrosa{flag} "));
            }
        }
        self
    }

    /// The same with every text passed through `mask`.
    pub(crate) fn masked(self, mask: impl Fn(&str) -> String) -> Failure {
        let all = |texts: Vec<String>| texts.iter().map(|text| mask(text)).collect();
        Failure {
            exit: self.exit,
            message: mask(&self.message),
            details: all(self.details),
            hints: all(self.hints),
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Writes the failure to standard error. A standard error that cannot be written to is nobody's news.
    pub(crate) fn report(&self) {
        if !self.message.is_empty() {
            let _ = io::stderr().write_all(self.to_string().as_bytes());
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", visible(&self.message))?;
        for detail in &self.details {
            writeln!(f, "  {}", visible(detail))?;
        }
        for hint in &self.hints {
            writeln!(f, "hint: {}", visible(hint))?;
        }
        Ok(())
    }
}

impl From<io::Error> for Failure {
    /// For writes to standard output. A closed pipe is the end of the work, not an error.
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::silent(Exit::OK),
            io::ErrorKind::Interrupted => Failure::interrupted(),
            _ => Failure::general(format!("cannot write to standard output: {}", reason(&error))),
        }
    }
}

/// What the operating system says, in lower case and without "(os error 2)".
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::from("unknown reason"),
    }
}

/// Text of unknown origin made safe for a terminal: control characters, and the characters that reorder text,
/// are shown as escapes instead of being obeyed.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    push_visible(&mut shown, text);
    shown
}

/// The same behind what is there already.
pub(crate) fn push_visible(shown: &mut String, text: &str) {
    // nearly always; a list of ten thousand secrets asks sixty thousand times
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return shown.push_str(text);
    }
    for letter in text.chars() {
        if letter.is_control() || is_bidi_control(letter) {
            let _ = write!(shown, "{}", letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
}

/// Unicode Standard Annex #9, section 2: the explicit formatting characters.
fn is_bidi_control(letter: char) -> bool {
    matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_then_hints() {
        let failure = Failure::general("cannot read x").detail("one").hint("subrosa init");
        assert_eq!(failure.to_string(), "error: cannot read x\n  one\nhint: subrosa init\n");
    }

    #[test]
    fn a_file_stands_in_front_whatever_it_is_called() {
        let named = |message: &str| Failure::general(message).in_file("a").message().to_owned();
        assert_eq!(named("line 1: a quote"), "a: line 1: a quote");
        assert_eq!(named("the file: a quote"), "a: a quote");
        assert_eq!(named(""), "");
    }

    #[test]
    fn hints_name_the_vault_that_the_command_worked_on() {
        let failure =
            Failure::general("x").hint("subrosa set a").hint("chmod 600 key").in_vault(" --vault v");
        assert_eq!(failure.to_string(), "error: x\nhint: subrosa --vault v set a\nhint: chmod 600 key\n");
        let failure = Failure::general("x").hint("subrosa set a").in_vault("");
        assert_eq!(failure.to_string(), "error: x\nhint: subrosa set a\n");
    }

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(visible("a\u{1b}[31m\nb\u{202e}c"), "a\\u{1b}[31m\\nb\\u{202e}c");
        assert_eq!(visible("schlüssel/日本"), "schlüssel/日本");
    }

    #[test]
    fn a_closed_pipe_ends_quietly_and_well() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit(), Exit::OK);
        assert!(failure.message().is_empty());
    }

    #[test]
    fn system_errors_read_like_a_sentence() {
        let error = io::Error::from_raw_os_error(2);
        assert!(!reason(&error).contains("os error"), "{}", reason(&error));
        assert!(reason(&error).starts_with(char::is_lowercase));
    }
}
