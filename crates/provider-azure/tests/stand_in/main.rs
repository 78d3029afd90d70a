//! Against the stand-in that Microsoft's client for Python works with, over TLS.

#[cfg(unix)]
mod command_line;
mod hostile;
mod logins;
mod people;
mod secrets;
mod vault;
