//! Values on their way to a connection.

use super::{Caching, Entrance, Fetch, Target, Wanted};
use crate::failure::Outcome;
use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_secret::SecretValue;
use subrosa_vault::Vault;

/// Writes a value where a target leads. What was cached of it is dropped, also where it is not known whether it was written.
pub(crate) fn deposit(vault: &Vault, target: &Target<'_>, value: &SecretValue, mode: WriteMode) -> Outcome {
    let written = write(vault, target, value, mode);
    Fetch::default().reject(vault, &[&target.link(None)]);
    written.map_err(|error| super::failed(&explained(target, error, mode)))
}

fn write(
    vault: &Vault,
    target: &Target<'_>,
    value: &SecretValue,
    mode: WriteMode,
) -> Result<(), ProviderError> {
    let entrance = Entrance::to(vault, target.connection)?;
    entrance.visit(vault, target.connection, None, |external| external.write(&target.text, value, mode))
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

fn explained(target: &Target<'_>, error: ProviderError, mode: WriteMode) -> ProviderError {
    let error = match error.kind() {
        ErrorKind::Exists if mode == WriteMode::New => error.hint_at("--force replaces it"),
        _ => error,
    };
    super::of_connection(&target.connection.name, &error)
}
