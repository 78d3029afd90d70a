//! `subrosa cert`: client certificates by host.

use crate::certificates::{self, Kind, Parts, list_command, remove_command};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::input::{self, Source};
use crate::unlock;
use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use std::path::{Path, PathBuf};
use subrosa_http::{CertificateForm, HttpError, Identity, IdentitySource, read_identity_file};
use subrosa_secret::SecretValue;

const KIND: Kind = Kind::Client;

pub(super) fn command() -> Command {
    Command::new("cert")
        .about("Client certificates that 'send' shows by itself: add, list, remove")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(add_command())
        .subcommand(list_command(KIND))
        .subcommand(remove_command(KIND))
        .after_help(
            "'send' shows a certificate to the hosts that it is kept for, over https, if they ask for one. Of several for a \
             host the last that was added counts, and --cert on the command line before all of them.\n\n\
             Examples:\n  subrosa cert add --host '*.bank.example' --pfx client.p12\n  subrosa cert list\n  \
             subrosa cert rm '*.bank.example'",
        )
}

fn add_command() -> Command {
    let file = |id: &'static str, help: &'static str| {
        Arg::new(id)
            .long(id)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
            .help(help)
    };
    Command::new("add")
        .about("Keep a client certificate with its key for a host")
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("RULE")
                .required(true)
                .help("whom it is shown to: host[:port], *.example.com, :* for any port"),
        )
        .arg(file("cert", "the certificate with its chain, PEM or DER").required_unless_present("pfx"))
        .arg(file("key", "its key, where it stands in a file of its own").requires("cert"))
        .arg(file("pfx", "certificate and key in one file, PKCS #12").conflicts_with("cert"))
        .arg(file("pass-file", "the passphrase of the key; '-' is standard input. Without it, it is asked for"))
        .after_help(
            "The key is decrypted once and sealed in the vault; its passphrase is not needed any more and not kept. A host \
             without a port means port 443.\n\n\
             Examples:\n  subrosa cert add --host api.bank.example --cert client.pem --key client.key\n  \
             subrosa cert add --host '*.bank.example:8443' --pfx client.p12 --pass-file passphrase",
        )
}

pub(super) fn run(context: &Context, arguments: &ArgMatches) -> Outcome {
    certificates::run(KIND, read, context, arguments)
}

/// Certificate and key, the key decrypted; what opens it is asked for when it turns out to be needed.
fn read(context: &Context, arguments: &ArgMatches) -> Outcome<Parts> {
    let path = |id| arguments.get_one::<PathBuf>(id).map(PathBuf::as_path);
    let read = |path: &Path| read_identity_file(path).map_err(failed);
    let (main, form) = match (path("pfx"), path("cert")) {
        (Some(pfx), _) => (pfx, Some(CertificateForm::Pkcs12)),
        (None, cert) => (cert.unwrap_or(Path::new("")), None),
    };
    let certificate = read(main)?;
    let key = path("key").map(read).transpose()?;
    let passphrase = path("pass-file").map(|path| passphrase_of(context, path)).transpose()?;
    let source = IdentitySource {
        certificate: &certificate,
        form: form.unwrap_or_else(|| CertificateForm::of(&certificate)),
        key: key.as_ref().map(|key| (key.as_slice(), CertificateForm::of(key))),
        passphrase: passphrase.as_ref(),
    };
    let parts = match Identity::read_parts(&source) {
        Err(HttpError::PassphraseMissing) => {
            let asked = ask(context, path("key").unwrap_or(main))?;
            Identity::read_parts(&IdentitySource { passphrase: Some(&asked), ..source })
        }
        parts => parts,
    };
    let parts = parts.map_err(failed)?;
    Ok((parts.chain, Some(parts.key)))
}

fn passphrase_of(context: &Context, path: &Path) -> Outcome<SecretValue> {
    let source = if path == Path::new("-") {
        Source::Stdin
    } else {
        unlock::private(path, "passphrase file")?;
        Source::File(path.to_owned())
    };
    input::value(context, source, "passphrase of the key", false)
}

fn ask(context: &Context, file: &Path) -> Outcome<SecretValue> {
    let Some(mut terminal) = context.terminal()? else {
        return Err(failed(HttpError::PassphraseMissing)
            .hint("--pass-file FILE names the file that it stands in, --pass-file - reads standard input"));
    };
    let typed = terminal.secret(&format!("passphrase of {}:", file.display()))?;
    SecretValue::from_zeroizing(typed).map_err(|error| Failure::usage(error.to_string()))
}

/// curl's exit codes are for `send` alone.
pub(super) fn failed(error: HttpError) -> Failure {
    Failure::from(error).with_exit(Exit::GENERAL)
}
