//! Against a stand-in for Connect that 1Password's own clients take for one, and against a stand-in for `op`.

mod connected;
mod contract;
mod hostile;
#[cfg(unix)]
mod program;
mod proof;
mod secrets;
