//! What is fuzzed: one function for each target, over any bytes.
//!
//! A target panics where something is wrong and returns where all is well. `fuzz_targets` gives each to libFuzzer,
//! `tests/smoke.rs` runs each over its seeds in `corpus` and some changes of them.
//!
//! The parts of the program itself, which is no library, are taken in by path: they are compiled here a second time
//! as they stand, so that nothing of the program has to be opened for it.

#![forbid(unsafe_code)]

mod age_file;
mod arguments;
mod audit_log;
mod challenges;
mod config;
mod cookies;
mod detect;
mod documents;
mod dotenv;
mod environment;
mod export;
mod forms;
mod host_rules;
mod input;
mod postman;
mod redactor;
mod redirect;
mod reference;
mod response;
mod rows;
mod scratch;
mod silence;
mod substitute;
mod vault_file;
mod vault_key;

#[allow(dead_code, reason = "only the parser of the file is of interest")]
#[path = "../../crates/cli/src/config.rs"]
mod config_file;
#[allow(dead_code)]
#[path = "../../crates/cli/src/exit.rs"]
mod exit;
#[path = "../../crates/cli/src/external"]
mod external {
    mod caching;
    pub(crate) use caching::Caching;
}
#[allow(dead_code)]
#[path = "../../crates/cli/src/failure.rs"]
mod failure;
#[allow(dead_code)]
#[path = "../../crates/cli/src/paths.rs"]
mod paths;
/// The command line of `send`.
#[allow(dead_code)]
#[path = "../../crates/cli/src/send"]
mod send {
    mod capture;
    mod command_line;
    mod curl_only;
    mod flags;
    pub(crate) mod form;
    pub(crate) mod glob;
    mod http_failure;
    mod identity;
    mod literal {
        mod place;
        pub(super) use place::{Role, parse};
    }
    mod numbers;
    mod operation;
    pub(crate) mod parse;
    mod saving;
    mod topic;
    mod transfers;
    mod way;
    mod wire;
    mod wire_flags;
}

/// One target: its name, which is that of its binary and of its folder of seeds, and what it does.
pub type Target = (&'static str, fn(&[u8]));

macro_rules! targets {
    ($($module:ident :: $target:ident),+ $(,)?) => {
        $(pub use $module::$target;)+

        /// Every target.
        pub const TARGETS: &[Target] = &[$((stringify!($target), $target)),+];
    };
}

targets![
    age_file::age_file,
    arguments::arguments,
    arguments::globs,
    audit_log::audit_log,
    challenges::challenges,
    config::config,
    cookies::cookies,
    detect::detect,
    documents::documents,
    dotenv::dotenv,
    environment::environment,
    export::export,
    forms::forms,
    host_rules::host_rules,
    postman::postman,
    redactor::redactor,
    redirect::redirect,
    reference::reference,
    response::certificate,
    response::decoding,
    response::response,
    rows::rows,
    substitute::substitute,
    vault_file::vault_file,
    vault_key::vault_key,
];
