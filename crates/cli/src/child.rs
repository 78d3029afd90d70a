//! Programs that subrosa starts.

use crate::unlock;
use std::ffi::OsStr;
use std::process::Command;

/// A command whose environment holds no key of the vault.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in unlock::ENVIRONMENT {
        command.env_remove(name);
    }
    command
}
