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
pub(crate) struct Exit(u8);

impl Exit {
    pub(crate) const OK: Exit = Exit(0);
    pub(crate) const GENERAL: Exit = Exit(1);
    pub(crate) const USAGE: Exit = Exit(2);
    pub(crate) const UNRESOLVED: Exit = Exit(100);
    pub(crate) const LOCKED: Exit = Exit(101);
    pub(crate) const DAMAGED: Exit = Exit(102);
    pub(crate) const NO_VAULT: Exit = Exit(103);
    pub(crate) const KEYCHAIN: Exit = Exit(104);
    pub(crate) const AUDIT: Exit = Exit(105);
    pub(crate) const INTERRUPTED: Exit = Exit(130);

    /// `CURLE_URL_MALFORMAT`
    pub(crate) const URL_MALFORMED: Exit = Exit(3);
    /// `CURLE_READ_ERROR`: a file named by the request cannot be read
    pub(crate) const READ_ERROR: Exit = Exit(26);
    /// `CURLE_WRITE_ERROR`: what was received cannot be written
    pub(crate) const WRITE_ERROR: Exit = Exit(23);

    /// `CURLE_FILESIZE_EXCEEDED`: more than `--max-filesize`
    pub(crate) const FILE_TOO_LARGE: Exit = Exit(63);

    pub(crate) const fn code(self) -> u8 {
        self.0
    }

    /// Whether it is one of curl's: a transfer that failed, which `-s` passes over in silence.
    pub(crate) const fn is_of_transfer(self) -> bool {
        self.0 > 2 && self.0 < 100
    }

    /// The code that curl gives the same fault.
    pub(crate) const fn curl(code: u8) -> Exit {
        Exit(code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.0)
    }
}
