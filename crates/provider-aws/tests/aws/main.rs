//! Against two emulators of AWS over TLS, and against servers that behave as none should.
#![cfg(unix)]

mod cloud;
mod hostile;
mod logins;
mod profiles;
mod second_factor;
mod secrets;
mod writing;
