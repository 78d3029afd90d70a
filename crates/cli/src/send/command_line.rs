//! All that the words after `send` say: one operation or several, and what holds for all of them.

use super::flags::Id;
use super::numbers::rate;
use super::operation::{Operation, not_empty, text};
use super::topic::Topic;
use crate::external::Caching;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// A whole command line. Which flags `--next` resets and which hold for the whole of it is curl's choice;
/// the flags that curl does not have follow what they are about, a request or the run.
#[derive(Debug, Default)]
pub(crate) struct CommandLine {
    /// The operations before the last `--next`.
    finished: Vec<Operation>,
    /// The one that flags go to.
    current: Operation,

    pub(crate) verbose: bool,
    pub(crate) silent: bool,
    pub(crate) show_error: bool,
    pub(crate) fail_early: bool,
    pub(crate) no_meter: bool,
    /// `--no-styled-output`
    pub(crate) unstyled: bool,
    /// `--rate`: from the start of one transfer to that of the next
    pub(crate) rate: Option<Duration>,
    /// `--stderr`
    pub(crate) stderr: Option<OsString>,

    pub(crate) with: Vec<String>,
    /// `--vault-literal`, checked
    pub(crate) literals: Vec<String>,
    pub(crate) keep: bool,
    pub(crate) mask: bool,
    pub(crate) unmask: bool,
    pub(crate) no_audit: bool,
    pub(crate) explain: Option<Explain>,
    pub(crate) caching: Caching,

    pub(crate) globals: GlobalFlags,
    pub(crate) help: Option<Topic>,
}

/// How to say what would be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explain {
    Text,
    Json,
}

/// The flags that every command has, as `send` spells them.
#[derive(Debug, Default)]
pub(crate) struct GlobalFlags {
    pub(crate) profile: Option<String>,
    pub(crate) vault: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) passphrase: bool,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) recovery: bool,
    pub(crate) no_keychain: bool,
    pub(crate) no_ask: bool,
    pub(crate) color: Option<String>,
}

impl CommandLine {
    /// Every operation, in order; at least one.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.finished.iter().chain([&self.current])
    }

    pub(super) fn operations_mut(&mut self) -> impl Iterator<Item = &mut Operation> {
        self.finished.iter_mut().chain([&mut self.current])
    }

    pub(super) fn add_url(&mut self, url: OsString) {
        self.current.transfers.add_url(url);
    }

    /// Takes a flag that has a value. The error says what is wrong with the value.
    pub(super) fn take(&mut self, id: Id, value: OsString) -> Result<(), String> {
        match id {
            Id::Rate => self.rate = Some(rate(&value)?),
            Id::Stderr => self.stderr = Some(not_empty(value)?),
            Id::With => self.with.push(with(value)?),
            Id::VaultLiteral => self.literals.push(literal(value)?),
            Id::Profile => self.globals.profile = Some(text(value)?),
            Id::Vault => self.globals.vault = Some(not_empty(value)?.into()),
            Id::KeyFile => self.globals.key_file = Some(not_empty(value)?.into()),
            Id::PassphraseFile => self.globals.passphrase_file = Some(not_empty(value)?.into()),
            Id::Color => self.globals.color = Some(text(value)?),
            _ => return self.current.take(id, value),
        }
        Ok(())
    }

    /// Takes a flag that has none.
    pub(super) fn switch(&mut self, id: Id, on: bool) -> Result<(), String> {
        match id {
            Id::Next => self.next(),
            Id::Verbose => self.verbose = on,
            Id::Silent => self.silent = on,
            Id::ShowError => self.show_error = on,
            Id::FailEarly => self.fail_early = on,
            Id::NoProgressMeter => self.no_meter = on,
            Id::StyledOutput => self.unstyled = !on,
            Id::Keep => self.keep = on,
            Id::Mask => self.mask = on,
            Id::Unmask => self.unmask = on,
            Id::Audit => self.no_audit = !on,
            Id::Explain => self.explain = on.then_some(self.explain.unwrap_or(Explain::Text)),
            Id::ExplainJson => self.explain = on.then_some(Explain::Json),
            Id::Refresh => self.caching.refresh = on,
            Id::Cache => self.caching.off = !on,
            Id::Passphrase => self.globals.passphrase = on,
            Id::Recovery => self.globals.recovery = on,
            Id::Keychain => self.globals.no_keychain = !on,
            Id::Ask => self.globals.no_ask = !on,
            Id::Help => self.help = on.then_some(Topic::default()),
            _ => return self.current.switch(id, on),
        }
        Ok(())
    }

    /// Begins another operation. One that has no URL yet goes on, as in curl.
    fn next(&mut self) {
        if self.current.transfers.urls().next().is_some() {
            self.finished.push(std::mem::take(&mut self.current));
        }
    }
}

fn literal(value: OsString) -> Result<String, String> {
    let text = text(value)?;
    super::literal::parse(&text).map(|_| text)
}

/// A value is never taken from the command line, where every process of the machine can read it.
fn with(value: OsString) -> Result<String, String> {
    let text = text(value)?;
    match text.strip_suffix("=-") {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(String::from("write NAME=- and give the value on the terminal or on standard input")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_for_one_call_never_stands_in_the_arguments() {
        assert_eq!(with("stripe-key=-".into()).as_deref(), Ok("stripe-key"));
        for wrong in ["stripe-key=abc", "stripe-key", "=-"] {
            let error = with(wrong.into()).unwrap_err();
            assert!(!error.contains("abc"), "{error}");
        }
    }
}
