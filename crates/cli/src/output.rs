//! What commands report, on standard output, and remarks, on standard error.
//!
//! A terminal gets aligned tables, cut to its width, and colour. Anything else gets plain lines, columns
//! separated by a tab, whole. `--json` gives one object a run: `{"schema": "list/1", …}`, snake_case keys, times
//! as RFC 3339 in UTC, states as snake_case words, what is absent as `null`. A value of a secret stands in no
//! report but that of `get`. Keys are added within a schema number and never taken away.

use crate::failure::{Outcome, visible};
use crate::terminal;
use serde::Serialize;
use std::env;
use std::io::{self, IsTerminal, Write};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    pub(crate) fn parse(text: &str) -> Option<Color> {
        match text {
            "auto" => Some(Color::Auto),
            "always" => Some(Color::Always),
            "never" => Some(Color::Never),
            _ => None,
        }
    }

    /// <https://no-color.org>: any non-empty value of `NO_COLOR` turns colour off unless the user asks for it.
    fn enabled(self, is_terminal: bool) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                is_terminal
                    && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// A style that says what text means; colours follow from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    Heading,
    Good,
    Bad,
    Faint,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Heading => "\u{1b}[1m",
            Style::Good => "\u{1b}[32m",
            Style::Bad => "\u{1b}[31m",
            Style::Faint => "\u{1b}[2m",
        }
    }
}

/// Where a command's report goes.
pub(crate) struct Output {
    colored: bool,
    width: Option<usize>,
}

impl Output {
    pub(crate) fn new(color: Color) -> Output {
        let width = terminal::output_width();
        Output { colored: color.enabled(width.is_some()), width }
    }

    pub(crate) fn colored(&self) -> bool {
        self.colored
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.width.is_some()
    }

    pub(crate) fn line(&self, text: &str) -> Outcome {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", visible(text))?;
        Ok(())
    }

    /// Bytes exactly as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Outcome {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        Ok(())
    }

    /// One report as JSON, indented for a person when a terminal shows it.
    pub(crate) fn json(&self, report: &impl Serialize) -> Outcome {
        let text = if self.is_terminal() {
            serde_json::to_string_pretty(report)
        } else {
            serde_json::to_string(report)
        };
        let text = text.map_err(io::Error::from)?;
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(())
    }

    pub(crate) fn table(&self, table: &crate::table::Table) -> Outcome {
        let text = match self.width {
            Some(width) => table.aligned(width, |style, text| self.paint(style, text)),
            None => table.plain(),
        };
        self.bytes(text.as_bytes())
    }

    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.colored && style != Style::Plain {
            format!("{}{text}\u{1b}[0m", style.code())
        } else {
            text.to_owned()
        }
    }
}

/// `warning: …` on standard error: done, but something deserves attention.
pub(crate) fn warn(text: &str) {
    remark("warning", text);
}

/// `note: …` on standard error.
pub(crate) fn note(text: &str) {
    remark("note", text);
}

/// `hint: …` on standard error: the next command.
pub(crate) fn hint(text: &str) {
    remark("hint", text);
}

/// The same for a command of several lines, in which whoever wrote it left nothing that a terminal obeys.
pub(crate) fn hint_lines(command: &str) {
    let _ = writeln!(io::stderr(), "hint: {command}");
}

fn remark(label: &str, text: &str) {
    let _ = writeln!(io::stderr(), "{label}: {}", visible(text));
}

/// A line for whoever is asked to do something, on standard error.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", visible(text));
}

/// Whether a person reads remarks.
pub(crate) fn is_told() -> bool {
    io::stderr().is_terminal()
}

/// Remarks that say no more than "done" are for people: scripts do not need them on standard error.
pub(crate) fn done(text: &str) {
    if is_told() {
        let _ = writeln!(io::stderr(), "{}", visible(text));
    }
}

/// `1 secret`, `2 secrets`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A point in time (seconds since 1970, UTC) as RFC 3339.
pub(crate) fn rfc3339(unix_seconds: i64) -> String {
    match jiff::Timestamp::from_second(unix_seconds) {
        Ok(time) => time.to_string(),
        Err(_) => format!("@{unix_seconds}"),
    }
}

/// The same for a table: day and minute, UTC.
pub(crate) fn short_time(unix_seconds: i64) -> String {
    let full = rfc3339(unix_seconds);
    match full.get(..16) {
        Some(minute) if full.as_bytes().get(10) == Some(&b'T') => minute.replace('T', " "),
        _ => full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(short_time(1_700_000_000), "2023-11-14 22:13");
        assert_eq!(rfc3339(i64::MAX), format!("@{}", i64::MAX));
    }

    #[test]
    fn one_thing_is_not_several() {
        assert_eq!([0, 1, 2].map(|number| count(number, "secret")), ["0 secrets", "1 secret", "2 secrets"]);
    }

    #[test]
    fn the_user_has_the_last_word_on_color() {
        assert!(Color::Always.enabled(false));
        assert!(!Color::Never.enabled(true));
        assert!(!Color::Auto.enabled(false));
    }
}
