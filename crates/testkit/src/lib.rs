//! For tests only: what several test suites need to try the program against real things.
//!
//! - [`needs`]: the one rule for a test whose backend is not installed: skipped where a person works, a failure in CI.
//! - [`backend_python`], [`backend_node`]: independent implementations to test against.
//! - [`Folder`]: a private folder that goes when the test ends.
//! - [`PrivateKeyring`] and [`in_keyring`]: a Secret Service of the test's own, unlocked, locked or missing.
//! - [`CaptureServer`]: an HTTP server that shows what reached it, byte for byte, and answers as the test says.
//! - [`faults`]: a program that dies at a chosen system call, or that one of its calls fails.
//! - [`leak`]: unique texts that are planted, and looked for in everything that the program says, keeps or sends.
//! - [`OrdinaryUser`]: somebody whom permissions bind, also where root runs the tests.
//! - [`AwsEmulator`]: AWS, as two programs emulate it.
//! - [`Azure`]: a vault of Azure and the authority before it, for want of a real one.
//! - [`Chromium`]: a real browser, which does what the test says.
//! - [`OpenBao`]: an external vault over TLS. [`Postgres`]: a database for which it makes users.
//! - [`Vaults`]: what is in 1Password, for [`ConnectServer`], which official clients take for one, and for [`FakeOp`].
//! - [`Terminal`]: a program on a pseudo-terminal, for what it asks and what it shows there.
//!
//! Not a place for what the program itself needs: nothing but tests may depend on this crate. Its functions panic
//! where a test could not go on, because a fixture that fails should fail the test that asked for it.

#[cfg(unix)]
mod aws;
mod azure;
mod backends;
#[cfg(unix)]
mod chromium;
#[cfg(target_os = "linux")]
pub mod faults;
mod folder;
mod http_server;
#[cfg(unix)]
mod keyring;
pub mod leak;
mod need;
mod onepassword;
#[cfg(unix)]
mod openbao;
#[cfg(unix)]
mod ordinary_user;
#[cfg(unix)]
mod postgres;
#[cfg(unix)]
mod service;
#[cfg(unix)]
mod terminal;

#[cfg(unix)]
pub use aws::{AwsEmulator, Emulator};
pub use azure::{Azure, AzureCertificate, AzureFault};
pub use backends::{backend_node, backend_python};
#[cfg(unix)]
pub use chromium::Chromium;
pub use folder::{Folder, copy_tree};
pub use http_server::{
    Answer, CaptureOptions, CaptureServer, Captured, CertificateFault, FrameScript, Frames, Script,
};
#[cfg(unix)]
pub use keyring::{KeyringState, PrivateKeyring, in_keyring};
pub use need::{SKIPPED_LOG, found, needs, skip};
#[cfg(unix)]
pub use onepassword::FakeOp;
pub use onepassword::{ConnectServer, Vaults};
#[cfg(unix)]
pub use openbao::{OpenBao, Reply};
#[cfg(unix)]
pub use ordinary_user::OrdinaryUser;
#[cfg(unix)]
pub use postgres::Postgres;
#[cfg(unix)]
pub use terminal::{Finished, Terminal};
