//! The access key of a user, from which a session is made.
//!
//! Requests are signed with the session's temporary keys, so that the lasting ones are needed once in two hours and may stay in the
//! keychain.

use subrosa_provider::{ErrorKind, Login, Method, ProviderError, Settings};

use super::mfa::{self, Code};
use crate::fault;
use crate::keys::{Keys, checked_id};
use crate::services::Services;

pub(super) const METHOD: Method =
    Method { name: "keys", credential: "secret access key", needs: &["access-key-id"], person: false };

/// How long a session lasts, in seconds.
const SESSION: i32 = 2 * 3600;

pub(super) fn log_in(
    services: &Services,
    settings: &Settings,
    login: &Login<'_>,
) -> Result<Keys, ProviderError> {
    let id = checked_id(settings.text("access-key-id").unwrap_or_default())?;
    let device = settings.text("mfa-serial");
    let wants_code = settings.is_on("mfa") || device.is_some();
    if wants_code && login.person.is_none() {
        return Err(mfa::nobody());
    }
    let lasting = Keys { id, secret: (login.credential)()?, token: None, expires: None };
    let code = match wants_code {
        true => Some(mfa::code(services, login, device, &lasting)?),
        false => None,
    };
    session(services, &lasting, code)
}

/// A session of the user whose keys these are.
pub(super) fn session(
    services: &Services,
    lasting: &Keys,
    code: Option<Code>,
) -> Result<Keys, ProviderError> {
    let mut call = services.sts(Some(lasting))?.get_session_token().duration_seconds(SESSION);
    let has_code = code.is_some();
    if let Some(Code { device, code }) = code {
        call = call.serial_number(device).token_code(code);
    }
    let answer = services.wait(call.send())?.map_err(|error| {
        let error = fault::of(&error, "login");
        match error.kind() {
            // the keys themselves last: that they are over can only be a session's
            ErrorKind::Expired => ProviderError::new(ErrorKind::Denied, error.to_string()),
            ErrorKind::Denied if has_code => ProviderError::new(
                ErrorKind::Denied,
                format!("{error}; or the code is wrong, or was used before"),
            ),
            _ => error,
        }
    })?;
    Keys::of_answer(answer.credentials)
}
