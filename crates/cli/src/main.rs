//! The `subrosa` command.
//!
//! The way of a command: [`app`] finds it, clap or (for `send`) [`send`]'s own parser reads its words, one file under
//! [`commands`] does it with what [`context`] knows, [`output`] shows it, [`failure`] says why not.

mod app;
mod ask;
mod child;
mod commands;
mod config;
mod context;
mod exit;
mod failure;
mod fault;
mod hosts;
mod input;
mod interrupt;
mod lookup;
mod output;
mod paths;
mod proposal;
mod record;
mod report;
mod send;
mod table;
mod terminal;
mod unlock;
mod ways;
mod wildcard;

use std::process::ExitCode;

fn main() -> ExitCode {
    app::run(std::env::args_os().skip(1).collect())
}
