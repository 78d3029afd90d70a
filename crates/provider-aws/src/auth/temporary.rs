//! Temporary keys that somebody else made.

use subrosa_provider::{ErrorKind, Login, Method, ProviderError};

use crate::keys::Keys;

pub(super) const METHOD: Method =
    Method { name: "temporary", credential: "set of temporary credentials", needs: &[], person: false };

pub(super) fn log_in(login: &Login<'_>) -> Result<Keys, ProviderError> {
    let keys = Keys::read(&(login.credential)()?)?;
    if keys.token.is_none() {
        let text = "the credentials have no session token: they are lasting ones";
        return Err(
            ProviderError::new(ErrorKind::BadSettings, text).hint_at("--auth keys makes a session of them")
        );
    }
    match keys.is_over() {
        true => Err(ProviderError::new(ErrorKind::Expired, "the credentials are over")),
        false => Ok(keys),
    }
}
