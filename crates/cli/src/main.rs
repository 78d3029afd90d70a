//! The `subrosa` command.
//!
//! The way of a command: [`app`] finds it, clap or (for `send`) [`send`]'s own parser reads its words, one file under
//! [`commands`] does it with what [`context`] knows, [`output`] shows it, [`failure`] says why not.

mod app;
mod ask;
mod browser;
mod certificates;
mod child;
mod commands;
mod config;
mod context;
mod exchange;
mod exit;
mod export_policy;
mod external;
mod failure;
mod fault;
mod hardening;
mod hidden;
mod hosts;
mod input;
mod lookup;
mod outfile;
mod output;
mod passphrase;
mod paths;
mod progress;
mod proposal;
mod record;
mod report;
mod send;
mod since;
mod table;
mod terminal;
mod unlock;
mod ways;
mod wildcard;

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Wipes whatever is freed, also by libraries that do not know what they hold.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    hardening::apply();
    app::run(std::env::args_os().skip(1).collect())
}
