//! A user name and a password.

use subrosa_provider::{Login, Method, ProviderError, Settings};
use subrosa_rest::{JsonObject, encoded};

use crate::api::Api;
use crate::token::Token;

pub(super) const METHOD: Method =
    Method { name: "userpass", credential: "password", needs: &["username"], person: false };

pub(super) fn log_in(api: &Api, settings: &Settings, login: &Login<'_>) -> Result<Token, ProviderError> {
    let password = (login.credential)()?;
    // a name of several parts would be another path
    let name = encoded(settings.text("username").unwrap_or_default()).replace('/', "%2F");
    super::send(
        api,
        settings,
        METHOD.name,
        &format!("login/{name}"),
        JsonObject::default().secret("password", &password),
    )
}
