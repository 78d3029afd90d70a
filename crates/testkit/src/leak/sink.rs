//! Where bytes end up.

use super::Kind;

/// A kind of place, which decides what may stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sink {
    /// What the program keeps: the vault and its journal, the audit log, pins, backups, temporary files.
    Storage,
    /// What a command reports on standard output.
    Report,
    /// What it says on standard error.
    Message,
    /// What reaches a server.
    Wire,
    /// What is the same for every user: help, completions, man pages.
    Static,
    /// Arguments and environment of the program and of those that it starts.
    Process,
    /// A process's memory.
    Memory,
}

impl Sink {
    /// Every kind of place.
    pub const ALL: [Self; 7] =
        [Self::Storage, Self::Report, Self::Message, Self::Wire, Self::Static, Self::Process, Self::Memory];

    /// Whether a canary of that kind may stand there. Values, passphrases and keys may stand nowhere: where a command
    /// is asked to show one, its scan names it.
    #[must_use]
    pub fn allows(self, kind: Kind) -> bool {
        use Kind::{Description, Host, Name, Profile, Tag};
        match self {
            Self::Storage | Self::Static => false,
            Self::Wire => kind == Host,
            Self::Message => matches!(kind, Name | Host | Tag | Profile),
            Self::Report | Self::Process | Self::Memory => {
                matches!(kind, Name | Host | Tag | Profile | Description)
            }
        }
    }
}
