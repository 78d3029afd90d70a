//! The commands, one file each, and the one list of them.

mod accept_rollback;
mod allow;
mod audit;
mod backup;
mod browse;
mod ca;
mod cache;
mod cert;
mod clear;
mod completions;
mod connect;
mod connections;
mod copy;
mod demo;
mod describe;
mod disconnect;
mod doctor;
mod edit;
mod enable;
mod export;
mod generate;
mod get;
mod history;
mod import;
mod init;
mod keys;
mod link;
mod list;
mod newcomer;
mod policy;
mod prepare;
mod profiles;
mod promote;
mod purge;
mod push;
mod reauth;
mod refs;
mod rename;
mod reset;
mod rm;
mod rotate;
mod send_only;
mod set;
mod tag;
mod undo;
mod verify;

use crate::context::Context;
use crate::failure::Outcome;
use crate::send;
use clap::{ArgMatches, Command};

/// So many names a message lists; of more it says how many.
pub(crate) const SHOWN: usize = 20;

/// Groups of `subrosa --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Everyday,
    Secrets,
    Files,
    Rules,
    External,
    Certificates,
    Keys,
    Care,
    Shell,
    Hidden,
}

impl Section {
    /// Those that are shown, in order.
    pub(crate) const ALL: &[Section] = &[
        Section::Everyday,
        Section::Secrets,
        Section::Files,
        Section::Rules,
        Section::External,
        Section::Certificates,
        Section::Keys,
        Section::Care,
        Section::Shell,
    ];

    pub(crate) fn heading(self) -> &'static str {
        match self {
            Section::Everyday => "Every day",
            Section::Secrets => "Secrets",
            Section::Files => "In and out",
            Section::Rules => "Where secrets may go",
            Section::External => "External vaults",
            Section::Certificates => "Certificates by host",
            Section::Keys => "Ways into the vault",
            Section::Care => "Care of the vault",
            Section::Shell => "Around the shell",
            Section::Hidden => "",
        }
    }
}

/// A command: its name, its place in the help, its definition, and what does it.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) section: Section,
    pub(crate) command: fn() -> Command,
    pub(crate) run: fn(&Context, &ArgMatches) -> Outcome,
}

const fn entry(
    name: &'static str,
    section: Section,
    command: fn() -> Command,
    run: fn(&Context, &ArgMatches) -> Outcome,
) -> Entry {
    Entry { name, section, command, run }
}

pub(crate) const ALL: &[Entry] = &[
    entry("init", Section::Everyday, init::command, init::run),
    entry("set", Section::Everyday, set::command, set::run),
    entry("get", Section::Everyday, get::command, get::run),
    entry("list", Section::Everyday, list::command, list::run),
    entry("send", Section::Everyday, send::help::command, send::unreachable),
    entry("edit", Section::Secrets, edit::command, edit::run),
    entry("describe", Section::Secrets, describe::command, describe::run),
    entry("tag", Section::Secrets, tag::command, tag::run),
    entry("rename", Section::Secrets, rename::command, rename::run),
    entry("rm", Section::Secrets, rm::command, rm::run),
    entry("undo", Section::Secrets, undo::command, undo::run),
    entry("history", Section::Secrets, history::command, history::run),
    entry("purge", Section::Secrets, purge::command, purge::run),
    entry("profiles", Section::Secrets, profiles::command, profiles::run),
    entry("refs", Section::Secrets, refs::command, refs::run),
    entry("import", Section::Files, import::command, import::run),
    entry("export", Section::Files, export::command, export::run),
    entry("allow", Section::Rules, allow::command, allow::run),
    entry("send-only", Section::Rules, send_only::command, send_only::run),
    entry("enable", Section::Rules, enable::enable, enable::run_enable),
    entry("disable", Section::Rules, enable::disable, enable::run_disable),
    entry("policy", Section::Rules, policy::command, policy::run),
    entry("connect", Section::External, connect::command, connect::run),
    entry("connections", Section::External, connections::command, connections::run),
    entry("reauth", Section::External, reauth::command, reauth::run),
    entry("disconnect", Section::External, disconnect::command, disconnect::run),
    entry("link", Section::External, link::link, link::run_link),
    entry("unlink", Section::External, link::unlink, link::run_unlink),
    entry("push", Section::External, push::command, push::run),
    entry("promote", Section::External, promote::command, promote::run),
    entry("copy", Section::External, copy::command, copy::run),
    entry("cache", Section::External, cache::command, cache::run),
    entry("cert", Section::Certificates, cert::command, cert::run),
    entry("ca", Section::Certificates, ca::command, ca::run),
    entry("keys", Section::Keys, keys::command, keys::run),
    entry("reset", Section::Keys, reset::command, reset::run),
    entry("verify", Section::Care, verify::command, verify::run),
    entry("audit", Section::Care, audit::command, audit::run),
    entry("backup", Section::Care, backup::command, backup::run),
    entry("clear", Section::Care, clear::command, clear::run),
    entry("doctor", Section::Care, doctor::command, doctor::run),
    entry("accept-rollback", Section::Care, accept_rollback::command, accept_rollback::run),
    entry("demo", Section::Shell, demo::command, demo::run),
    entry("completions", Section::Shell, completions::command, completions::run),
    entry("generate", Section::Hidden, generate::command, generate::run),
];
