//! What an export looks like, and what locks it.

use crate::context::Context;
use crate::export_policy::Exports;
use crate::failure::Outcome;
use crate::{exchange, passphrase, ways};
use clap::{Arg, ArgMatches};
use subrosa_interchange::{Item, Notice, dotenv, subrosa};
use subrosa_vault::{KdfParams, Passphrase};
use zeroize::Zeroizing;

/// What the file will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Our own document, under a passphrase.
    Sealed,
    Plain(Plain),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Json,
    Dotenv,
}

impl Plain {
    const ALL: [(Plain, &str); 2] = [(Plain::Json, "json"), (Plain::Dotenv, "dotenv")];

    fn word(self) -> &'static str {
        Plain::ALL.into_iter().find(|(plain, _)| *plain == self).map_or("", |(_, word)| word)
    }
}

pub(super) fn flags() -> Vec<Arg> {
    vec![
        Arg::new("plaintext")
            .long("plaintext")
            .value_name("FORMAT")
            .value_parser(Plain::ALL.map(|(_, word)| word))
            .help("not encrypted: json with all that is told of the secrets, dotenv with names and values alone"),
    ]
}

impl Form {
    pub(super) fn of(arguments: &ArgMatches) -> Outcome<Form> {
        let word = arguments.get_one::<String>("plaintext");
        let plain = word.and_then(|word| Plain::ALL.into_iter().find(|(_, known)| known == word));
        Ok(plain.map_or(Form::Sealed, |(plain, _)| Form::Plain(plain)))
    }

    pub(super) fn is_binary(&self) -> bool {
        false
    }

    pub(super) fn exports(&self) -> Exports {
        match self {
            Form::Plain(_) => Exports::All,
            Form::Sealed => Exports::Encrypted,
        }
    }

    /// The end of a sentence about the file.
    pub(super) fn told(&self) -> String {
        match self {
            Form::Sealed => String::from("encrypted under the passphrase"),
            Form::Plain(plain) => format!("in plain text ({})", plain.word()),
        }
    }
}

/// What locks the file, asked for before values are opened.
pub(super) enum Lock {
    Passphrase(Passphrase, KdfParams),
    None(Plain),
}

impl Lock {
    pub(super) fn of(context: &Context, arguments: &ArgMatches, form: &Form) -> Outcome<Lock> {
        match form {
            Form::Sealed => {
                let typed = passphrase::new(context, arguments)?;
                Ok(Lock::Passphrase(exchange::as_passphrase(typed)?, ways::calibrated()?))
            }
            Form::Plain(plain) => Ok(Lock::None(*plain)),
        }
    }

    /// The bytes of the file.
    pub(super) fn write(&self, items: Vec<Item>) -> Outcome<(Zeroizing<Vec<u8>>, Vec<Notice>)> {
        let written = match self {
            Lock::Passphrase(passphrase, params) => {
                subrosa::seal(&items, passphrase, *params).map(|bytes| (Zeroizing::new(bytes), Vec::new()))
            }
            Lock::None(Plain::Json) => subrosa::write_plain(&items).map(|bytes| (bytes, Vec::new())),
            Lock::None(Plain::Dotenv) => {
                dotenv::write(&items).map(|written| (written.bytes, written.notices))
            }
        };
        written.map_err(exchange::failure)
    }
}
