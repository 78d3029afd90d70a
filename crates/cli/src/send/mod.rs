//! `subrosa send`: curl's command line, with references.

mod body;
mod capture;
mod certificate;
mod command_line;
mod condition;
mod connection;
mod cookies;
mod curl_only;
mod deliver;
mod disposition;
mod draft;
mod explain;
mod files;
mod flags;
mod form;
mod glob;
pub(crate) mod help;
mod http_date;
mod http_failure;
mod identity;
mod kept;
mod literal;
mod meter;
mod numbers;
mod operation;
mod outputs;
mod parse;
mod perform;
mod pretty;
mod query;
#[cfg(test)]
mod reference;
mod resume;
mod retry;
mod saving;
mod secrets;
mod topic;
mod transfer;
mod transfers;
mod upload;
mod verbose;
mod watch;
mod way;
mod wire;
mod wire_flags;
mod write_out;

use crate::context::{Context, Given, UnlockFlags};
use crate::exit::Exit;
#[cfg(unix)]
use crate::failure::reason;
use crate::failure::{Failure, Outcome};
use crate::output;
use clap::ArgMatches;
use command_line::{CommandLine, GlobalFlags};
use literal::Literals;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
#[cfg(unix)]
use std::{fs::File, path::Path};

/// Reads the words after `send` and does what they say.
pub(crate) fn run(words: impl IntoIterator<Item = OsString>) -> Outcome<Exit> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut line = parse::parse(words.iter().cloned()).map_err(|error| {
        let failure = Failure::usage(error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    if let Some(topic) = line.help {
        io::stdout().write_all(help::text(topic).as_bytes())?;
        return Ok(Exit::OK);
    }
    check_operations(&line)?;
    if let Some(file) = line.stderr.take() {
        redirect_stderr(&file)?;
    }
    let literals = Literals::take(&mut line, &words)?;
    let context = Context::new(given(std::mem::take(&mut line.globals)))?;
    perform::perform(&context, &line, literals).map_err(|failure| failure.in_vault(&context.vault_flag()))
}

/// Every operation has something to send to, and one way to.
fn check_operations(line: &CommandLine) -> Outcome {
    for (at, operation) in line.operations().enumerate() {
        if operation.head && !operation.get && !operation.data.is_empty() {
            let text = "-I and -d ask for two methods, HEAD and POST; nothing was sent";
            return Err(Failure::usage(text).hint("-G puts the data into the URL"));
        }
        if (operation.include || operation.head) && operation.saving.server_names {
            let flag = if operation.include { "-i" } else { "-I" };
            return Err(Failure::usage(format!("{flag} and -J exclude each other; nothing was sent")));
        }
        let mut urls = operation.transfers.urls().peekable();
        if urls.peek().is_none() {
            let text = if at > 0 { "no URL to send to after --next" } else { "no URL to send to" };
            return Err(Failure::usage(text).hint("subrosa send --help"));
        }
        if let Some(failure) = urls.find_map(broken_line) {
            return Err(failure);
        }
        if operation.transfers.has_output_to_spare() {
            output::warn("there are more -o and -O than URLs");
        }
    }
    Ok(())
}

/// `--stderr`: messages of this process go to a file from here on, or with `-` to standard output.
#[cfg(unix)]
fn redirect_stderr(file: &OsStr) -> Outcome {
    let duplicated = if file == "-" {
        rustix::stdio::dup2_stderr(io::stdout())
    } else {
        let file = File::create(file).map_err(|error| Failure::file("write", Path::new(file), &error))?;
        rustix::stdio::dup2_stderr(file)
    };
    duplicated.map_err(|error| Failure::general(format!("--stderr: {}", reason(&error.into()))))
}

#[cfg(not(unix))]
fn redirect_stderr(_: &OsStr) -> Outcome {
    Err(Failure::usage("--stderr is not supported on this system").hint("2> FILE does the same"))
}

/// A command that was copied over several lines, with a line break where the space before a flag should be. curl takes
/// the flag for a URL and sends the request without it.
fn broken_line(url: &OsStr) -> Option<Failure> {
    let text = url.to_str()?;
    let flag = text.trim_start();
    if flag.len() == text.len() || !flag.starts_with('-') {
        return None;
    }
    let word = flag.split_whitespace().next().unwrap_or(flag);
    let text = format!(
        "{} is taken for a URL: it begins with a line break or a space; nothing was sent",
        text.escape_debug()
    );
    Some(Failure::new(Exit::URL_MALFORMED, text).hint(format!("take away what stands before {word}")))
}

/// clap never gets to run `send`: its words go to [`run`].
pub(crate) fn unreachable(_: &Context, _: &ArgMatches) -> Outcome {
    Err(Failure::usage("write flags of every command before or after 'send'"))
}

fn given(globals: GlobalFlags) -> Given {
    Given {
        vault: globals.vault,
        profile: globals.profile,
        no_ask: globals.no_ask,
        color: globals.color,
        unlock: UnlockFlags {
            key_file: globals.key_file,
            passphrase: globals.passphrase,
            passphrase_file: globals.passphrase_file,
            recovery: globals.recovery,
            no_keychain: globals.no_keychain,
        },
    }
}
