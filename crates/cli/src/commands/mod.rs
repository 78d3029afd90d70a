//! The commands, one file each, and the one list of them.

mod completions;
mod generate;

use crate::context::Context;
use crate::failure::Outcome;
use crate::send;
use clap::{ArgMatches, Command};

/// Groups of `subrosa --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Everyday,
    Secrets,
    Rules,
    Keys,
    Care,
    Shell,
    Hidden,
}

impl Section {
    /// Those that are shown, in order.
    pub(crate) const ALL: &[Section] =
        &[Section::Everyday, Section::Secrets, Section::Rules, Section::Keys, Section::Care, Section::Shell];

    pub(crate) fn heading(self) -> &'static str {
        match self {
            Section::Everyday => "Every day",
            Section::Secrets => "Secrets",
            Section::Rules => "Where secrets may go",
            Section::Keys => "Ways into the vault",
            Section::Care => "Care of the vault",
            Section::Shell => "Around the shell",
            Section::Hidden => "",
        }
    }
}

/// A command: its name, its place in the help, its definition, and what does it.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) section: Section,
    pub(crate) command: fn() -> Command,
    pub(crate) run: fn(&Context, &ArgMatches) -> Outcome,
}

const fn entry(
    name: &'static str,
    section: Section,
    command: fn() -> Command,
    run: fn(&Context, &ArgMatches) -> Outcome,
) -> Entry {
    Entry { name, section, command, run }
}

pub(crate) const ALL: &[Entry] = &[
    entry("send", Section::Everyday, send::help::command, send::unreachable),
    entry("completions", Section::Shell, completions::command, completions::run),
    entry("generate", Section::Hidden, generate::command, generate::run),
];
