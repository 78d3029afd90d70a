//! What an export looks like, and what locks it.

use crate::context::Context;
use crate::export_policy::Exports;
use crate::external::Connections;
use crate::failure::{Failure, Outcome};
use crate::{exchange, input, passphrase, ways};
use clap::{Arg, ArgAction, ArgMatches, ValueHint, value_parser};
use std::path::{Path, PathBuf};
use subrosa_interchange::postman;
use subrosa_interchange::{InterchangeError, Item, Items, Outgoing, age, dotenv, subrosa};
use subrosa_secret::{Policy, SecretValue};
use subrosa_vault::{Exported, KdfParams, Passphrase};

/// What the file will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Our own document, under a passphrase.
    Sealed,
    /// An age file for recipients.
    Recipients(age::Form),
    /// An age file under a passphrase.
    AgePassphrase(age::Form),
    Plain(Plain),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Json,
    Dotenv,
    Postman,
}

impl Plain {
    const ALL: [(Plain, &str); 3] =
        [(Plain::Json, "json"), (Plain::Dotenv, "dotenv"), (Plain::Postman, "postman")];

    fn word(self) -> &'static str {
        Plain::ALL.into_iter().find(|(plain, _)| *plain == self).map_or("", |(_, word)| word)
    }
}

pub(super) fn flags() -> Vec<Arg> {
    let others = ["recipient", "recipients-file", "age-passphrase", "armor", passphrase::FLAG];
    vec![
        Arg::new("recipient")
            .long("recipient")
            .value_name("KEY")
            .action(ArgAction::Append)
            .conflicts_with(passphrase::FLAG)
            .help("for whoever has the key to this one, as an age file: age1…, ssh-ed25519 …, ssh-rsa …"),
        Arg::new("recipients-file")
            .long("recipients-file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
            .action(ArgAction::Append)
            .conflicts_with(passphrase::FLAG)
            .help("the same for the keys in a file, one to a line"),
        Arg::new("age-passphrase")
            .long("age-passphrase")
            .action(ArgAction::SetTrue)
            .conflicts_with_all(["recipient", "recipients-file"])
            .help("an age file under the passphrase"),
        Arg::new("armor").long("armor").action(ArgAction::SetTrue).help("of an age file: lines of text"),
        Arg::new("plaintext")
            .long("plaintext")
            .value_name("FORMAT")
            .value_parser(Plain::ALL.map(|(_, word)| word))
            .conflicts_with_all(others)
            .help(
                "not encrypted: json with all that is told of the secrets, dotenv with names and values alone, a \
                 postman environment",
            ),
    ]
}

impl Form {
    pub(super) fn of(arguments: &ArgMatches) -> Outcome<Form> {
        let armor = arguments.get_flag("armor");
        let age = if armor { age::Form::Armored } else { age::Form::Binary };
        if let Some(word) = arguments.get_one::<String>("plaintext") {
            let plain = Plain::ALL.into_iter().find(|(_, known)| known == word);
            let plain = plain.map_or(Plain::Json, |(plain, _)| plain);
            if plain != Plain::Json && arguments.get_flag("history") {
                return Err(Failure::usage(format!("--history: {word} holds no earlier values")));
            }
            return Ok(Form::Plain(plain));
        }
        if arguments.contains_id("recipient") || arguments.contains_id("recipients-file") {
            return Ok(Form::Recipients(age));
        }
        match (arguments.get_flag("age-passphrase"), armor) {
            (true, _) => Ok(Form::AgePassphrase(age)),
            (false, true) => {
                Err(Failure::usage("--armor is for age files").hint("--age-passphrase, or --recipient KEY"))
            }
            (false, false) => Ok(Form::Sealed),
        }
    }

    pub(super) fn is_binary(&self) -> bool {
        matches!(self, Form::Recipients(age::Form::Binary) | Form::AgePassphrase(age::Form::Binary))
    }

    /// What it is called, if it cannot hold links.
    pub(super) fn without_links(&self) -> Option<&'static str> {
        match self {
            Form::Plain(plain @ (Plain::Dotenv | Plain::Postman)) => Some(plain.word()),
            _ => None,
        }
    }

    pub(super) fn exports(&self) -> Exports {
        match self {
            Form::Plain(_) => Exports::All,
            Form::Sealed | Form::Recipients(_) | Form::AgePassphrase(_) => Exports::Encrypted,
        }
    }

    /// Whether somebody is asked something before the export.
    pub(super) fn asks(&self, arguments: &ArgMatches) -> bool {
        match self {
            Form::Sealed | Form::AgePassphrase(_) => !passphrase::is_given(arguments),
            Form::Recipients(_) => false,
            Form::Plain(_) => !arguments.get_flag("yes"),
        }
    }

    /// Secrets in little memory, without what the file will not say of them.
    pub(super) fn packed(&self, secrets: Vec<Exported>, connections: &Connections) -> Outcome<Items> {
        let items = secrets.into_iter().map(|it| Ok(self.kept(exchange::item(it.secret, connections)?)));
        Items::of(&items.collect::<Outcome<Vec<_>>>()?).map_err(exchange::failure)
    }

    fn kept(&self, item: Item) -> Item {
        let Form::Plain(plain @ (Plain::Dotenv | Plain::Postman)) = self else { return item };
        let policy = Policy { enabled: item.policy.enabled, ..Policy::default() };
        let description = if *plain == Plain::Postman { item.description } else { String::new() };
        Item { policy, description, link: item.link, ..Item::new(item.name, item.value, item.place) }
    }

    /// The end of a sentence about the file.
    pub(super) fn told(&self) -> String {
        match self {
            Form::Sealed => String::from("encrypted under the passphrase"),
            Form::Recipients(_) => String::from("encrypted for the recipients"),
            Form::AgePassphrase(_) => String::from("encrypted by age under the passphrase"),
            Form::Plain(plain) => format!("in plain text ({})", plain.word()),
        }
    }
}

/// What locks the file, asked for before values are opened.
pub(super) enum Lock {
    Passphrase(Passphrase, KdfParams),
    Recipients(age::Recipients, age::Form),
    AgePassphrase(SecretValue, age::Form),
    None(Plain),
}

impl Lock {
    pub(super) fn of(context: &Context, arguments: &ArgMatches, form: &Form) -> Outcome<Lock> {
        match form {
            Form::Sealed => {
                let typed = passphrase::new(context, arguments)?;
                Ok(Lock::Passphrase(exchange::as_passphrase(typed)?, ways::calibrated()?))
            }
            Form::Recipients(form) => Ok(Lock::Recipients(recipients(arguments)?, *form)),
            Form::AgePassphrase(form) => {
                let typed = passphrase::new(context, arguments)?;
                Ok(Lock::AgePassphrase(exchange::as_value(typed)?, *form))
            }
            Form::Plain(plain) => Ok(Lock::None(*plain)),
        }
    }

    /// The file, which will have this name.
    pub(super) fn ready<'a>(&self, items: &'a Items, file: &'a Path) -> Outcome<Outgoing<'a>> {
        self.outgoing(items, file).map_err(|error| exchange::failure(error).adding("; nothing was exported"))
    }

    fn outgoing<'a>(&self, items: &'a Items, file: &'a Path) -> Result<Outgoing<'a>, InterchangeError> {
        // what is within an age file is the export in plain text, which its other programs can read
        match self {
            Lock::Passphrase(passphrase, params) => subrosa::seal(items, passphrase, *params),
            Lock::Recipients(recipients, form) => age::seal(subrosa::write_plain(items)?, recipients, *form),
            Lock::AgePassphrase(passphrase, form) => {
                age::seal_with_passphrase(subrosa::write_plain(items)?, passphrase, *form)
            }
            Lock::None(Plain::Json) => subrosa::write_plain(items),
            Lock::None(Plain::Dotenv) => dotenv::write(items),
            Lock::None(Plain::Postman) => postman::write_environment(items, environment(file)),
        }
    }
}

/// The name of an environment: that of the file, up to the first dot.
fn environment(file: &Path) -> &str {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.split('.').next().unwrap_or_default();
    if name.is_empty() || name == "-" { "subrosa" } else { name }
}

fn recipients(arguments: &ArgMatches) -> Outcome<age::Recipients> {
    let mut all = age::Recipients::default();
    for key in arguments.get_many::<String>("recipient").unwrap_or_default() {
        let one = age::Recipients::parse(key);
        all.append(one.map_err(|error| Failure::usage(format!("--recipient: {error}")))?);
    }
    for path in arguments.get_many::<PathBuf>("recipients-file").unwrap_or_default() {
        let text = input::line_of_file(path)?;
        let text = std::str::from_utf8(&text)
            .map_err(|_| Failure::general(format!("{} is not UTF-8 text", path.display())))?;
        let named = |error| exchange::failure(error).in_file(&path.display().to_string());
        all.append(age::Recipients::parse(text).map_err(named)?);
    }
    if all.is_empty() {
        return Err(exchange::failure(InterchangeError::NoRecipients).hint("--recipient KEY"));
    }
    Ok(all)
}
