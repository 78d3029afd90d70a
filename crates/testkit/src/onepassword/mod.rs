//! 1Password without 1Password: its vaults, a Connect server that serves them, and an `op` that reads them.

mod connect;
#[cfg(unix)]
mod op;
mod vaults;

pub use connect::ConnectServer;
#[cfg(unix)]
pub use op::FakeOp;
pub use vaults::Vaults;
