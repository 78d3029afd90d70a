//! The command line as a person or a script meets it.
#![cfg(unix)]

mod curl;
mod environment;
mod golden;
mod home;
mod keychain;
mod terminal;
mod transfers;
