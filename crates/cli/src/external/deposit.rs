//! Values on their way to a connection.

use super::{Caching, Entrance, Fetch, Target, Wanted, keep_session};
use crate::failure::Outcome;
use crate::fault::quoted;
use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_secret::SecretValue;
use subrosa_vault::Vault;

/// Writes a value where a target leads. What was cached of it is dropped, also where it is not known whether it was written.
pub(crate) fn deposit(vault: &Vault, target: &Target<'_>, value: &SecretValue, mode: WriteMode) -> Outcome {
    let written = write(vault, target, value, mode);
    Fetch::default().reject(vault, &[&target.link(None)]);
    written.map_err(|error| super::failed(&explained(target, &error, mode)))
}

fn write(
    vault: &Vault,
    target: &Target<'_>,
    value: &SecretValue,
    mode: WriteMode,
) -> Result<(), ProviderError> {
    let connection = target.connection;
    let entrance = Entrance::to(vault, connection)?;
    let (written, session, end) = entrance.enter(connection, |external| {
        let written = external.write(&target.text, value, mode);
        (written, external.session(), external.session_end())
    })?;
    if let (Some(place), Some(session)) = (connection.place, session) {
        keep_session(vault, place, session);
    }
    entrance.tell_end(end);
    written
}

/// The value that stands behind a target now, not one that was cached. That there is none is an error.
pub(crate) fn value_at(vault: &Vault, target: &Target<'_>) -> Outcome<SecretValue> {
    let link = target.link(None);
    let fetch = Fetch::new(Caching { refresh: true, off: false });
    let answer = fetch.values(vault, &[Wanted { secret: "", link: &link }]).pop().unwrap_or(Ok(None));
    let none = || ProviderError::new(ErrorKind::NotFound, format!("{} has no value", target.shown()));
    answer.and_then(|value| value.ok_or_else(none)).map_err(|error| {
        // no secret is linked to it, whose link could be mended
        let unlinked = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BadLink);
        super::failed(&if unlinked { ProviderError::new(error.kind(), error.to_string()) } else { error })
    })
}

fn explained(target: &Target<'_>, error: &ProviderError, mode: WriteMode) -> ProviderError {
    let name = quoted(&target.connection.name);
    let about = ProviderError::new(error.kind(), error.to_string()).about(&target.connection.name);
    match (error.hint(), error.kind()) {
        (Some(hint), _) => about.hint_at(hint),
        (None, ErrorKind::Exists) if mode == WriteMode::New => about.hint_at("--force replaces it"),
        (None, ErrorKind::Expired | ErrorKind::NotConnected) => {
            about.hint_at(format!("subrosa reauth {name}"))
        }
        (None, ErrorKind::BadLink | ErrorKind::Unsupported | ErrorKind::NotFound) => about,
        (None, _) => about.hint_at(format!("subrosa connections {name}")),
    }
}
