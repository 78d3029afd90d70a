//! Logging in to an external vault with something that was just given, and keeping what comes of it.

use crate::context::Context;
use crate::external::{AtScreen, Connection, Keep, Kept, KeptPlace, copied, failed, keep_session, keychain};
use crate::failure::{Failure, Outcome};
use crate::fault::quoted;
use crate::input::{self, Source};
use crate::output;
use clap::ArgMatches;
use std::path::PathBuf;
use subrosa_keychain::Keychain;
use subrosa_provider::{Identity, Login, ProviderError, Session};
use subrosa_secret::SecretValue;
use subrosa_vault::{RecordId, Vault};

/// A connection before it is stored, and what it logs in with.
pub(super) struct Newcomer {
    connection: Connection,
    credential: Option<SecretValue>,
    keep: Keep,
    keychain: Option<Keychain>,
    person: AtScreen,
}

/// What a login gave.
struct Arrived {
    identity: Identity,
    session: Option<Session>,
    credential: Option<SecretValue>,
}

impl Newcomer {
    /// Asks for what it logs in with, which is kept at the `usual` place unless another is named. A keychain that is to keep it has to answer first.
    pub(super) fn arriving(
        context: &Context,
        connection: Connection,
        usual: Keep,
        arguments: &ArgMatches,
    ) -> Outcome<Self> {
        let method = connection.method().filter(|method| !method.credential.is_empty());
        let person = AtScreen::of(context)?;
        let Some(method) = method else {
            nothing_to_keep(&connection, arguments)?;
            return Ok(Self { connection, credential: None, keep: Keep::Session, keychain: None, person });
        };
        let keep = Keep::of(arguments.get_one("keep"), usual);
        let keychain = match keep {
            Keep::Keychain if context.unlock.no_keychain => {
                return Err(Failure::usage("--no-keychain leaves no place to keep what one logs in with")
                    .hint("--keep vault or --keep session says what is meant"));
            }
            Keep::Keychain => Some(keychain()?),
            Keep::Vault | Keep::Session => None,
        };
        let source = Source::of_argument(None, arguments.get_one::<PathBuf>("credential-file"));
        let what = format!("{} of {}", method.credential, connection.name);
        let credential = input::value(context, source, &what, false)?;
        Ok(Self { connection, credential: Some(credential), keep, keychain, person })
    }

    /// Logs in, and stores the connection if that works, in place of what was kept `before`.
    pub(super) fn enter(self, vault: &mut Vault, before: Option<&Kept>) -> Outcome<Identity> {
        let arrived = self.log_in().map_err(|error| self.explained(&error))?;
        if self.keep == Keep::Session
            && self.credential.is_some()
            && arrived.session.as_ref().is_none_or(|session| session.expires.is_none())
        {
            return Err(Failure::usage(format!(
                "{}: a session that does not end is not kept",
                self.connection.name
            ))
            .hint("--keep keychain or --keep vault keeps what it logs in with"));
        }
        let Arrived { identity, session, credential } = arrived;
        let Self { mut connection, credential: given, keychain, keep, person: _ } = self;
        let credential = credential.or(given);
        connection.kept = match (&keychain, &credential) {
            (Some(keychain), Some(credential)) => Some(Kept::in_keychain(keychain, vault.id(), credential)?),
            _ => None,
        };
        let stored = vault.change(|change| {
            if let Some(before) = before {
                before.unseal(change)?;
            }
            if let (Keep::Vault, Some(credential)) = (keep, &credential) {
                connection.kept = Some(Kept::in_vault(change, credential)?);
            }
            connection.put(change)
        });
        let id = stored.inspect_err(|_| forget(connection.kept.as_ref(), vault))?;
        forget(before, vault);
        if let Some(session) = session {
            keep_session_of(vault, id, session)?;
        }
        Ok(identity)
    }

    fn log_in(&self) -> Result<Arrived, ProviderError> {
        let credential = || {
            self.credential.as_ref().and_then(copied).ok_or_else(|| {
                let text = "somebody has to log in, and nobody is to be asked";
                ProviderError::new(subrosa_provider::ErrorKind::NotConnected, text)
                    .hint_at("leave --no-ask out, and ask = \"never\" of config.toml")
            })
        };
        let login = Login {
            method: &self.connection.auth,
            session: None,
            is_kept: self.is_kept(),
            is_new: true,
            credential: &credential,
            person: self.person.asked(),
        };
        let external = self.connection.open(login)?;
        let identity = external.describe()?;
        Ok(Arrived { identity, session: external.session(), credential: external.credential() })
    }

    /// Whether the next login has what this one had.
    fn is_kept(&self) -> bool {
        let by_person = self.connection.method().is_some_and(|method| method.person);
        self.keep != Keep::Session || (self.credential.is_none() && !by_person)
    }

    /// Nothing of it is stored yet, so that no hint may name it.
    fn explained(&self, error: &ProviderError) -> Failure {
        let about = ProviderError::new(error.kind(), error.to_string()).about(&self.connection.name);
        failed(&match error.hint() {
            Some(hint) => about.hint_at(hint),
            None => about,
        })
    }
}

/// A way to log in that takes nothing has nothing to keep: who says where, or gives something, means another way.
fn nothing_to_keep(connection: &Connection, arguments: &ArgMatches) -> Outcome {
    let Some(method) = connection.method() else { return Ok(()) };
    let name = method.name;
    if arguments.contains_id("credential-file") {
        return Err(Failure::usage(format!("--auth {name} takes nothing from a file")));
    }
    let place = arguments.get_one::<String>("keep").filter(|place| *place != "session");
    match (place, method.person) {
        (None, _) => Ok(()),
        (Some(place), true) => {
            let text = format!(
                "--keep {place}: of a login by {name} the session alone is kept, sealed, until it ends"
            );
            Err(Failure::usage(text).hint("leave --keep out"))
        }
        (Some(place), false) => {
            let text = format!(
                "--keep {place}: --auth {name} finds what it logs in with by itself, nothing is kept"
            );
            Err(Failure::usage(text).hint("leave --keep out"))
        }
    }
}

fn keep_session_of(vault: &Vault, id: RecordId, session: Session) -> Outcome {
    let connections = crate::external::Connections::load(vault)?;
    if let Some(place) = connections.with_id(id).and_then(|connection| connection.place) {
        keep_session(vault, place, session);
    }
    Ok(())
}

/// Removes what the keychain keeps. That it stays there is worth a word, and no reason to fail.
pub(super) fn forget(kept: Option<&Kept>, vault: &Vault) {
    let Some(kept) = kept.filter(|kept| kept.place == KeptPlace::Keychain) else { return };
    if let Err(error) = kept.forget(vault.id()) {
        output::warn(&format!("what it logged in with is still in the keychain: {error}"));
        output::hint(&format!("it is the entry {}", quoted(&kept.entry(vault.id()))));
    }
}
