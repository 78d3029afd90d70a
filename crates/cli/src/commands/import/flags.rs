//! The words of `subrosa import`.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{exchange, passphrase};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use std::path::{Path, PathBuf};
use subrosa_interchange::Format;
use subrosa_secret::{Name, NameError, Tag};

/// What becomes of a secret whose name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnConflict {
    Replace,
    KeepBoth,
    Skip,
}

pub(super) struct Flags {
    /// Empty where the environment is read.
    pub(super) file: PathBuf,
    /// The variables of the environment that are read instead of a file.
    pub(super) variables: Vec<String>,
    pub(super) format: Option<Format>,
    pub(super) all: bool,
    pub(super) path: Option<String>,
    pub(super) identities: Vec<PathBuf>,
    pub(super) tags: Vec<Tag>,
    pub(super) on_conflict: Option<OnConflict>,
    pub(super) accept_hosts: bool,
    pub(super) accept_links: bool,
    pub(super) without_linked: bool,
    /// Which connection of the vault is meant by one of the file.
    pub(super) connections: Vec<(String, String)>,
    pub(super) dry_run: bool,
    pub(super) json: bool,
    pub(super) rewrite: bool,
    prefix: String,
}

pub(super) fn command() -> Command {
    let switch =
        |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    let formats = exchange::READABLE.map(Format::as_str);
    Command::new("import")
        .about("Take secrets in: exports, age, Postman's, .env, JSON, YAML, TOML, environment")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required_unless_present("env")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("'-' is standard input"),
        )
        .arg(Arg::new("format").long("format").value_name("FORMAT").value_parser(formats).help("read it as this, whatever it looks like"))
        .arg(
            Arg::new("env")
                .long("env")
                .value_name("PATTERN")
                .action(ArgAction::Append)
                .conflicts_with_all(["file", "format", "path", "all", "rewrite", "identity", passphrase::FLAG])
                .help("instead of a file: the environment's variables of this name; '*' is any text"),
        )
        .arg(Arg::new("path").long("path").value_name("PATH").help("of JSON, YAML or TOML: only what is below this path"))
        .arg(switch("all", "also what the file does not mark as secret"))
        .arg(Arg::new("prefix").long("prefix").value_name("TEXT").default_value("").hide_default_value(true).help("put in front of every name; --profile puts the profile there"))
        .arg(Arg::new("tag").long("tag").value_name("TAG").action(ArgAction::Append).help("tag what comes in"))
        .arg(
            Arg::new("on-conflict")
                .long("on-conflict")
                .value_name("HOW")
                .value_parser(["replace", "keep-both", "skip"])
                .help("where a name is taken; asked on a terminal"),
        )
        .arg(switch("accept-hosts", "take the hosts that the file suggests, and rules wider than the vault's"))
        .arg(switch("accept-links", "take links of the file, which say where values are fetched from"))
        .arg(switch("without-linked", "leave out what is linked in the file").conflicts_with("accept-links"))
        .arg(
            Arg::new("connection")
                .long("connection")
                .value_name("NAME=OTHER")
                .action(ArgAction::Append)
                .value_parser(renamed)
                .help("links of the file to NAME lead to the vault's connection OTHER"),
        )
        .arg(switch("dry-run", "show what would happen, and change nothing"))
        .arg(switch("rewrite", "of .env: leave references where the values stood"))
        .arg(
            Arg::new("identity")
                .long("identity")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .action(ArgAction::Append)
                .help("of an age file: the file of keys, or the private ssh key, that opens it"),
        )
        .arg(passphrase::flag())
        .arg(switch("json", "as JSON, schema import/1"))
        .after_help(
            "The format is told by the content. Everything is checked before anything is stored, and all is stored at \
             once. Where a name is taken, 'replace' deletes the old secret as 'rm' does, 'keep-both' puts its value or link \
             into the history of the new one, 'skip' leaves it as it is. An export brings rules, tags and times along; rules \
             that would let a secret of the vault go further than now are asked about, and so are hosts that other \
             files suggest: off a terminal they are left, unless --accept-hosts says otherwise.\n\
             A link in an export says where a value is fetched from, with your rights, so it is asked about too; off a \
             terminal --accept-links or --without-linked has to say what is meant. A connection that the vault does not \
             have is not made: its name is kept, and what is linked resolves once 'connect' has connected it.\n\n\
             Examples:\n  subrosa import secrets.subrosa\n  subrosa import staging.postman_environment.json --dry-run\n  \
             subrosa import .env --profile dev --rewrite\n  \
             subrosa import secrets.age --identity ~/.ssh/id_ed25519\n  \
             subrosa import compose.yaml --path services.api.environment\n  \
             subrosa import --env 'STRIPE_*' --env API_TOKEN",
        )
}

/// `NAME=OTHER`. No connection has an equals sign in its name.
fn renamed(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        _ => Err(String::from("write NAME=OTHER")),
    }
}

impl Flags {
    pub(super) fn of(context: &Context, arguments: &ArgMatches) -> Outcome<Flags> {
        let file = arguments.get_one::<PathBuf>("file").cloned().unwrap_or_default();
        if file == Path::new("-") && passphrase::is_on_stdin(arguments) {
            return Err(Failure::usage("standard input cannot be both the file and its passphrase"));
        }
        let text = |id: &str| arguments.get_one::<String>(id);
        let texts = |id: &str| arguments.get_many::<String>(id).unwrap_or_default();
        let mut prefix = text("prefix").cloned().unwrap_or_default();
        if let Some(profile) = context.given_profile() {
            prefix.insert_str(0, &format!("{profile}/"));
        }
        let format = text("format").map(|word| word.parse::<Format>()).transpose();
        Ok(Flags {
            file,
            variables: texts("env").cloned().collect(),
            format: format.map_err(|error| Failure::usage(error.to_string()))?,
            all: arguments.get_flag("all"),
            path: text("path").cloned(),
            identities: arguments.get_many::<PathBuf>("identity").unwrap_or_default().cloned().collect(),
            tags: texts("tag").map(|text| super::super::tag::parse(text)).collect::<Outcome<_>>()?,
            on_conflict: text("on-conflict").map(|word| match word.as_str() {
                "replace" => OnConflict::Replace,
                "keep-both" => OnConflict::KeepBoth,
                _ => OnConflict::Skip,
            }),
            accept_hosts: arguments.get_flag("accept-hosts"),
            accept_links: arguments.get_flag("accept-links"),
            without_linked: arguments.get_flag("without-linked"),
            connections: arguments.get_many("connection").unwrap_or_default().cloned().collect(),
            dry_run: arguments.get_flag("dry-run"),
            json: arguments.get_flag("json"),
            rewrite: arguments.get_flag("rewrite"),
            prefix,
        })
    }

    /// Whether every secret keeps the name that the file has for it.
    pub(super) fn keeps_names(&self) -> bool {
        self.prefix.is_empty()
    }

    /// The name that a secret of the file gets.
    pub(super) fn target(&self, name: &Name) -> Result<Name, NameError> {
        match self.prefix.as_str() {
            "" => Ok(name.clone()),
            prefix => Name::parse(&format!("{prefix}{name}")),
        }
    }
}
