//! The exit codes of `subrosa`.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | any failure without a code of its own |
//! | 2 | the command line makes no sense |
//! | 3 … 99 | `send` only: curl's code for the same fault (`CURLE_*` in curl's `libcurl-errors(3)`) |
//! | 100 | a reference is unresolved or its destination is refused; nothing was sent |
//! | 101 | the vault is locked, or no key opens it |
//! | 102 | the vault is damaged or was rolled back |
//! | 103 | there is no vault |
//! | 104 | the keychain is absent, locked or denied access |
//! | 105 | the audit log cannot be written; nothing was sent |
//! | 130 | interrupted by the user |

use std::process::ExitCode;

/// An exit code. Codes are public: scripts rely on them, so a number never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    code: u8,
    /// Whether it is curl's, for a transfer that failed: curl's 1 is another than the one of every command.
    is_of_transfer: bool,
}

impl Exit {
    pub(crate) const OK: Exit = Exit::own(0);
    pub(crate) const GENERAL: Exit = Exit::own(1);
    pub(crate) const USAGE: Exit = Exit::own(2);
    pub(crate) const UNRESOLVED: Exit = Exit::own(100);
    pub(crate) const LOCKED: Exit = Exit::own(101);
    pub(crate) const DAMAGED: Exit = Exit::own(102);
    pub(crate) const NO_VAULT: Exit = Exit::own(103);
    pub(crate) const KEYCHAIN: Exit = Exit::own(104);
    pub(crate) const AUDIT: Exit = Exit::own(105);
    pub(crate) const INTERRUPTED: Exit = Exit::own(130);

    /// `CURLE_URL_MALFORMAT`
    pub(crate) const URL_MALFORMED: Exit = Exit::curl(3);
    /// `CURLE_READ_ERROR`: a file named by the request cannot be read
    pub(crate) const READ_ERROR: Exit = Exit::curl(26);
    /// `CURLE_WRITE_ERROR`: what was received cannot be written
    pub(crate) const WRITE_ERROR: Exit = Exit::curl(23);

    /// `CURLE_FILESIZE_EXCEEDED`: more than `--max-filesize`
    pub(crate) const FILE_TOO_LARGE: Exit = Exit::curl(63);

    pub(crate) const fn code(self) -> u8 {
        self.code
    }

    /// Whether it is one of curl's: a transfer that failed, which `-s` passes over in silence.
    pub(crate) const fn is_of_transfer(self) -> bool {
        self.is_of_transfer
    }

    /// The code that curl gives the same fault.
    pub(crate) const fn curl(code: u8) -> Exit {
        Exit { code, is_of_transfer: code != 2 }
    }

    const fn own(code: u8) -> Exit {
        Exit { code, is_of_transfer: false }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code)
    }
}
