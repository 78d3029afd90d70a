//! Nothing leaks: canaries are planted, every command and every way to fail is used, and whatever was said, stored,
//! sent, started or left in memory is scanned.
//!
//! A new command needs an entry in [`commands`], which a test sees to.

mod aws;
mod children;
mod commands;
mod errors;
mod external;
mod memory;
mod planted;
