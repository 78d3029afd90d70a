//! What can be wrong with a keychain, and what to do about it.

use std::error::Error as StdError;
use std::time::Duration;

/// Why there is no keychain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absence {
    /// No D-Bus session: not a desktop session, or one that this process was cut off from.
    NoBus,
    /// A D-Bus session in which nothing offers the Secret Service.
    NoService,
    /// A key store in which there is no keyring to write to.
    NoKeyring,
    /// A logon that has no key store, as over the network.
    NoLogonSession,
    /// This operating system has none that subrosa knows.
    Unsupported,
}

type Source = Box<dyn StdError + Send + Sync>;

/// Why a key could not be stored, loaded or deleted. None of these carries the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeychainError {
    /// There is no keychain here.
    #[error("no keychain: {}", match .absence {
        Absence::NoBus => "no D-Bus session can be reached",
        Absence::NoService => "no Secret Service runs in this session",
        Absence::NoKeyring => "the key store has no default keyring",
        Absence::NoLogonSession => "this logon session has no Credential Manager",
        Absence::Unsupported => "this operating system has none that is supported",
    })]
    Absent {
        /// What is missing.
        absence: Absence,
        /// What the operating system said, if it was asked.
        source: Option<Source>,
    },
    /// The keychain is locked, and nobody could be asked to unlock it.
    #[error("the keychain is locked")]
    Locked,
    /// Somebody, or a rule, refused the access: the unlock dialog was dismissed, or could not be shown.
    #[error("access to the keychain was denied")]
    Denied,
    /// The entry is there but does not hold a vault key.
    #[error("the keychain entry {account} is not a vault key")]
    Damaged {
        /// The entry's account.
        account: String,
    },
    /// An entry of this account is there already; it was left as it is.
    #[error("the keychain already has an entry {account}")]
    AlreadyThere {
        /// The entry's account.
        account: String,
    },
    /// The keychain did not answer in time, most likely because an unlock dialog waits on a screen.
    #[error("the keychain did not answer within {} seconds", waited.as_secs())]
    NoAnswer {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The keychain failed in a way that none of the others describes.
    #[error("the keychain failed: {what}")]
    Failed {
        /// What was being done.
        what: &'static str,
        /// What the operating system said.
        source: Option<Source>,
    },
}

impl KeychainError {
    /// A stable name of the kind of error, for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "absent",
            Self::Locked => "locked",
            Self::Denied => "denied",
            Self::Damaged { .. } => "damaged",
            Self::AlreadyThere { .. } => "already_there",
            Self::NoAnswer { .. } => "no_answer",
            Self::Failed { .. } => "failed",
        }
    }

    /// What a person can do about it: one line, with a command of this platform that can be run.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Absent { absence, .. } => absence.hint(),
            Self::Locked | Self::NoAnswer { .. } => unlock_hint(),
            Self::Denied => denied_hint(),
            Self::Damaged { .. } => {
                "make a new entry with `subrosa keys add keychain --recovery`, or with `--key-file FILE` for `--recovery`"
            }
            Self::AlreadyThere { .. } => {
                "nothing was changed; run `subrosa doctor` to see which key opens the vault"
            }
            Self::Failed { .. } => "run `subrosa doctor`, or open the vault with `SUBROSA_KEY_FILE=FILE`",
        }
    }
}

impl Absence {
    fn hint(self) -> &'static str {
        match self {
            Self::NoBus => {
                "start a session with `dbus-run-session -- \"$SHELL\"`, or keep the key elsewhere: \
                 `subrosa init --passphrase` or `subrosa init --key-file FILE`"
            }
            Self::NoService => {
                "install one, for example `sudo apt install gnome-keyring`, or keep the key elsewhere: \
                 `subrosa init --passphrase` or `subrosa init --key-file FILE`"
            }
            Self::NoKeyring if cfg!(target_os = "macos") => {
                "choose one with `security default-keychain -s login.keychain-db`, or keep the key elsewhere: \
                 `subrosa init --passphrase` or `subrosa init --key-file FILE`"
            }
            Self::NoKeyring => {
                "make one with `read -rs p; printf %s \"$p\" | gnome-keyring-daemon --replace --unlock`, or keep the key \
                 elsewhere: `subrosa init --passphrase` or `subrosa init --key-file FILE`"
            }
            Self::NoLogonSession | Self::Unsupported => {
                "keep the key elsewhere: `subrosa init --passphrase` or `subrosa init --key-file FILE`"
            }
        }
    }
}

fn unlock_hint() -> &'static str {
    if cfg!(target_os = "macos") {
        "unlock it with `security unlock-keychain`"
    } else if cfg!(windows) {
        "sign in at the machine itself, or open the vault with `SUBROSA_KEY_FILE=FILE`"
    } else {
        "unlock it at the desktop, in KeePassXC by opening the database, in gnome-keyring also with \
         `read -rs p; printf %s \"$p\" | gnome-keyring-daemon --replace --unlock`"
    }
}

fn denied_hint() -> &'static str {
    if cfg!(target_os = "macos") {
        "run it again and choose Allow, or open the vault with `SUBROSA_KEY_FILE=FILE`"
    } else if cfg!(windows) {
        "open the vault with `SUBROSA_KEY_FILE=FILE`"
    } else {
        "run it again and answer the unlock dialog; without one, \
         `read -rs p; printf %s \"$p\" | gnome-keyring-daemon --replace --unlock`"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each() -> Vec<KeychainError> {
        let account = "account".to_owned();
        vec![
            KeychainError::Absent { absence: Absence::NoBus, source: None },
            KeychainError::Absent { absence: Absence::NoService, source: None },
            KeychainError::Absent { absence: Absence::NoKeyring, source: None },
            KeychainError::Absent { absence: Absence::NoLogonSession, source: None },
            KeychainError::Absent { absence: Absence::Unsupported, source: None },
            KeychainError::Locked,
            KeychainError::Denied,
            KeychainError::Damaged { account: account.clone() },
            KeychainError::AlreadyThere { account },
            KeychainError::NoAnswer { waited: Duration::from_secs(10) },
            KeychainError::Failed { what: "storing the key", source: None },
        ]
    }

    #[test]
    fn each_is_one_lower_case_line_with_a_command_to_run() {
        for error in each() {
            let (line, hint) = (error.to_string(), error.hint());
            assert!(line.starts_with(char::is_lowercase) && !line.contains('\n'), "{line}");
            assert!(!hint.contains('\n') && !hint.contains("  "), "{hint}");
            assert!(cfg!(any(windows, target_os = "macos")) || hint.contains('`'), "no command: {hint}");
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        let mut kinds: Vec<_> = each().iter().map(KeychainError::kind).collect();
        kinds.dedup();
        assert_eq!(kinds, ["absent", "locked", "denied", "damaged", "already_there", "no_answer", "failed"]);
    }
}
