//! `subrosa ca`: authorities that the user trusts for a host.

use super::cert::failed;
use crate::certificates::{self, Kind, Parts, list_command, remove_command};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use std::fs;
use std::path::PathBuf;
use subrosa_http::authorities_to_keep;

const KIND: Kind = Kind::Authority;

pub(super) fn command() -> Command {
    Command::new("ca")
        .about("Certificate authorities that 'send' trusts for a host: add, list, remove")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(add_command())
        .subcommand(list_command(KIND))
        .subcommand(remove_command(KIND))
        .after_help(
            "They may vouch for the hosts that they are kept for, besides the system's authorities, and for nobody else. They \
             are your own configuration: requests with secrets in them use them as well, unlike --cacert, which counts \
             before them. Of several for a host the last that was added counts.\n\n\
             Examples:\n  subrosa ca add --host '*.corp.example' corp-ca.pem\n  subrosa ca list\n  \
             subrosa ca rm '*.corp.example'",
        )
}

fn add_command() -> Command {
    Command::new("add")
        .about("Trust the authorities in a file for a host")
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("RULE")
                .required(true)
                .help("whom they may vouch for: host[:port], *.example.com, :* for any port"),
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("certificates in PEM, or one in DER"),
        )
        .after_help(
            "What is no authority, such as a server's own certificate, is refused. A host without a port means port 443.\n\n\
             Example:\n  subrosa ca add --host '*.corp.example:*' corp-ca.pem",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    certificates::run(KIND, read, context, arguments)
}

fn read(_: &Context, arguments: &ArgMatches) -> Outcome<Parts> {
    let path = arguments.get_one::<PathBuf>("file").cloned().unwrap_or_default();
    let bytes = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
    let chain =
        authorities_to_keep(&bytes).map_err(|error| failed(error).in_file(&path.display().to_string()))?;
    Ok((chain, None))
}
