//! Programs that subrosa starts.

use crate::unlock;
use std::ffi::OsStr;
use std::process::Command;

/// A command whose environment holds no key of the vault.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    forget_keys(&mut command);
    command
}

/// Takes the keys of the vault out of the environment of a command.
pub(crate) fn forget_keys(command: &mut Command) {
    for name in unlock::ENVIRONMENT {
        command.env_remove(name);
    }
}
