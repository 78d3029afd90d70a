//! Against the stand-in that Microsoft's client for Python works with, over TLS.

mod hostile;
mod logins;
mod people;
mod secrets;
mod vault;
