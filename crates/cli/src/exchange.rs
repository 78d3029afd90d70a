//! The one place where commands meet the formats of files.

use crate::context::Context;
use crate::external::Connections;
use crate::failure::{Failure, Outcome};
use crate::{commands, input, output, passphrase, unlock};
use clap::ArgMatches;
use std::path::PathBuf;
use subrosa_interchange::postman::{self, Take};
use subrosa_interchange::{
    Contents, Earlier, Format, InterchangeError, Item, Notices, Place, age, document, dotenv, environment,
    subrosa,
};
use subrosa_secret::SecretValue;
use subrosa_vault::{Link, Passphrase, Past, Portable};
use zeroize::Zeroizing;

/// The formats that can be imported.
pub(crate) const READABLE: [Format; 11] = [
    Format::Subrosa,
    Format::SubrosaPlain,
    Format::Age,
    Format::PostmanEnvironment,
    Format::PostmanGlobals,
    Format::PostmanCollection,
    Format::PostmanVault,
    Format::Dotenv,
    Format::Json,
    Format::Yaml,
    Format::Toml,
];

/// What of a file is wanted.
pub(crate) struct Wanted {
    /// Also what is not marked as secret.
    pub(crate) all: bool,
    /// What of a JSON, YAML or TOML document.
    pub(crate) path: Option<String>,
}

/// How a file is opened that does not open by itself.
pub(crate) struct Unlocking<'u> {
    pub(crate) context: &'u Context,
    pub(crate) arguments: &'u ArgMatches,
    pub(crate) identities: &'u [PathBuf],
    /// What the file is called.
    pub(crate) from: String,
}

impl Unlocking<'_> {
    pub(crate) fn read(&self, bytes: &[u8], format: Format, wanted: &Wanted) -> Outcome<Contents> {
        let take = if wanted.all { Take::All } else { Take::Secrets };
        let path = wanted.path.as_deref();
        let read = match format {
            Format::Subrosa => {
                // judged before anybody types a passphrase
                let export = subrosa::Export::parse(bytes).map_err(failure)?;
                export.open(&as_passphrase(self.passphrase()?)?)
            }
            Format::SubrosaPlain => subrosa::read_plain(bytes),
            Format::PostmanEnvironment | Format::PostmanGlobals => postman::read_environment(bytes, take),
            Format::PostmanCollection => postman::read_collection(bytes, take),
            Format::PostmanVault => postman::read_vault(bytes),
            Format::Dotenv => dotenv::read(bytes),
            Format::Json => document::read_json(bytes, path),
            Format::Yaml => document::read_yaml(bytes, path),
            Format::Toml => document::read_toml(bytes, path),
            _ => return Err(Failure::general(format!("importing {format} is not supported yet"))),
        };
        read.map_err(failure)
    }

    /// What is within an age file.
    pub(crate) fn open_age(&self, bytes: &[u8]) -> Outcome<Zeroizing<Vec<u8>>> {
        let file = age::File::parse(bytes).map_err(failure)?;
        let opened = match file.lock() {
            age::Lock::Passphrase => {
                let passphrase = as_value(self.passphrase()?)?;
                file.open(&age::Key::Passphrase(&passphrase))
            }
            age::Lock::Recipients if self.identities.is_empty() => {
                return Err(
                    Failure::usage("it opens with the key of one of its recipients").hint("--identity FILE")
                );
            }
            age::Lock::Recipients => file.open(&age::Key::Identities(&self.identities()?)),
        };
        opened.map_err(failure)
    }

    fn identities(&self) -> Outcome<age::Identities> {
        let mut all = age::Identities::default();
        for path in self.identities {
            let named = |failure: Failure| failure.in_file(&path.display().to_string());
            unlock::private(path, "identity file")?;
            let text = input::line_of_file(path)?;
            let keys = match age::KeyFile::read(&text).map_err(|error| named(failure(error)))? {
                age::KeyFile::Ready(keys) => keys,
                age::KeyFile::Locked(locked) => {
                    let mut terminal = self.context.terminal()?.ok_or_else(|| {
                        Failure::usage(format!("no terminal to ask for the passphrase of {}", path.display()))
                            .hint("name a file of keys without a passphrase, or run it on a terminal")
                    })?;
                    let typed = terminal.secret(&format!("passphrase of {}:", path.display()))?;
                    locked.unlock(&as_value(typed)?).map_err(|error| named(failure(error)))?
                }
            };
            all.append(keys);
        }
        Ok(all)
    }

    fn passphrase(&self) -> Outcome<Zeroizing<Vec<u8>>> {
        passphrase::of_export(self.context, self.arguments, &self.from)
    }
}

/// Variables of this process that one of the patterns covers.
pub(crate) fn environment(patterns: &[String]) -> Outcome<Contents> {
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let contents = environment::read(std::env::vars_os(), &patterns).map_err(failure)?;
    match contents.items.is_empty() && contents.notices.is_empty() {
        true => Err(Failure::general("no variable has such a name")),
        false => Ok(contents),
    }
}

pub(crate) fn as_value(typed: Zeroizing<Vec<u8>>) -> Outcome<SecretValue> {
    SecretValue::from_zeroizing(typed).map_err(|error| Failure::usage(format!("passphrase: {error}")))
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
        InterchangeError::NearMiss { .. } => Failure::general(text)
            .hint("restore the file from where it was made, or use the newest subrosa")
            .hint(format!("--format {} reads it as any other document", Format::Json)),
        InterchangeError::Encoding { encoding } => {
            Failure::general(text).hint(format!("iconv -f {encoding} -t UTF-8 FILE > NEW, and import that"))
        }
        InterchangeError::Unwritable { .. } => Failure::general(text)
            .hint("an encrypted export, and --plaintext json, hold every secret as it is"),
        InterchangeError::Unrecognised => Failure::general(text).hint("--format FORMAT"),
        _ => Failure::general(text),
    }
}

/// Says what was left out or read differently.
pub(crate) fn tell(notices: &Notices) {
    for notice in notices.iter().take(commands::SHOWN) {
        match &notice.place {
            Place::File => output::note(&notice.text),
            place => output::note(&format!("{place}: {}", notice.text)),
        }
    }
    if let Some(rest) = notices.total().checked_sub(commands::SHOWN).filter(|rest| *rest > 0) {
        output::note(&format!("and {rest} more of the kind"));
    }
}

/// A secret of the vault as formats write it.
pub(crate) fn item(secret: Portable, connections: &Connections) -> Outcome<Item> {
    let link = secret.link.as_ref().map(|link| connections.described(&secret.name, link)).transpose()?;
    let mut item = Item::new(secret.name, secret.value, Place::File);
    item.link = link.map(Box::new);
    item.description = secret.description;
    item.tags = secret.tags;
    item.policy = secret.policy;
    (item.created, item.changed) = (secret.created, secret.changed);
    let history = secret.history.into_iter();
    item.history = history.map(|past| Earlier { value: past.value, changed: past.changed }).collect();
    Ok(item)
}

/// A secret of a file as the vault takes it. Its link is not for a format to say.
pub(crate) fn portable(item: Item, link: Option<Link>) -> Portable {
    let history = item.history.into_iter();
    Portable {
        name: item.name,
        value: item.value,
        link,
        description: item.description,
        tags: item.tags,
        policy: item.policy,
        created: item.created,
        changed: item.changed,
        history: history.map(|earlier| Past { value: earlier.value, changed: earlier.changed }).collect(),
    }
}
