//! The one place where commands meet the formats of files.

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{commands, output, passphrase};
use clap::ArgMatches;
use subrosa_interchange::{
    Contents, Earlier, Format, InterchangeError, Item, Notice, Place, dotenv, subrosa,
};
use subrosa_vault::{Passphrase, Past, Portable};
use zeroize::Zeroizing;

/// The formats that can be imported.
pub(crate) const READABLE: [Format; 3] = [Format::Subrosa, Format::SubrosaPlain, Format::Dotenv];

/// How a file is opened that does not open by itself.
pub(crate) struct Unlocking<'u> {
    pub(crate) context: &'u Context,
    pub(crate) arguments: &'u ArgMatches,
    /// What the file is called.
    pub(crate) from: String,
}

impl Unlocking<'_> {
    pub(crate) fn read(&self, bytes: &[u8], format: Format) -> Outcome<Contents> {
        let read = match format {
            Format::Subrosa => {
                // judged before anybody types a passphrase
                let export = subrosa::Export::parse(bytes).map_err(failure)?;
                export.open(&self.passphrase()?)
            }
            Format::SubrosaPlain => subrosa::read_plain(bytes),
            Format::Dotenv => dotenv::read(bytes),
            _ => return Err(Failure::general(format!("importing {format} is not supported yet"))),
        };
        read.map_err(failure)
    }

    fn passphrase(&self) -> Outcome<Passphrase> {
        as_passphrase(passphrase::of_export(self.context, self.arguments, &self.from)?)
    }
}

pub(crate) fn as_passphrase(typed: Zeroizing<Vec<u8>>) -> Outcome<Passphrase> {
    Passphrase::new(&typed).map_err(|error| Failure::usage(format!("passphrase: {error}")))
}

/// What a format's error is to a person.
pub(crate) fn failure(error: InterchangeError) -> Failure {
    let text = error.to_string();
    match error {
        InterchangeError::Ambiguous { candidates } => candidates
            .iter()
            .fold(Failure::general(text), |failure, format| failure.hint(format!("--format {format}"))),
        InterchangeError::Unrecognised => Failure::general(text).hint("--format FORMAT"),
        _ => Failure::general(text),
    }
}

/// Says what was left out or read differently.
pub(crate) fn tell(notices: &[Notice]) {
    for notice in notices.iter().take(commands::SHOWN) {
        match &notice.place {
            Place::File => output::note(&notice.text),
            place => output::note(&format!("{place}: {}", notice.text)),
        }
    }
    if let Some(rest) = notices.len().checked_sub(commands::SHOWN).filter(|rest| *rest > 0) {
        output::note(&format!("and {rest} more of the kind"));
    }
}

/// A secret of the vault as formats write it.
pub(crate) fn item(secret: Portable) -> Item {
    let mut item = Item::new(secret.name, secret.value, Place::File);
    item.description = secret.description;
    item.tags = secret.tags;
    item.policy = secret.policy;
    (item.created, item.changed) = (secret.created, secret.changed);
    let history = secret.history.into_iter();
    item.history = history.map(|past| Earlier { value: past.value, changed: past.changed }).collect();
    item
}

/// A secret of a file as the vault takes it.
pub(crate) fn portable(item: Item) -> Portable {
    let history = item.history.into_iter();
    Portable {
        name: item.name,
        value: item.value,
        description: item.description,
        tags: item.tags,
        policy: item.policy,
        created: item.created,
        changed: item.changed,
        history: history.map(|earlier| Past { value: earlier.value, changed: earlier.changed }).collect(),
    }
}
