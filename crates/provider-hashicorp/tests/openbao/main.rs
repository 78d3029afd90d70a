//! Against a real OpenBao server over TLS, and against servers that behave as none should.
#![cfg(unix)]

mod hostile;
mod leases;
mod logins;
mod secrets;
mod setup;
mod vault;
mod writing;
