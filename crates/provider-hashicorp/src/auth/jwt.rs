//! A JWT that somebody else signed, such as that of a CI job.

use subrosa_provider::{Login, Method, ProviderError, Settings};
use subrosa_rest::JsonObject;

use crate::api::Api;
use crate::token::Token;

pub(super) const METHOD: Method = Method { name: "jwt", credential: "JWT", needs: &[], person: false };

pub(super) fn log_in(api: &Api, settings: &Settings, login: &Login<'_>) -> Result<Token, ProviderError> {
    let jwt = (login.credential)()?;
    let mut fields = JsonObject::default().secret("jwt", &jwt);
    // without one the server takes its default
    if let Some(role) = settings.text("role") {
        fields = fields.text("role", role);
    }
    super::send(api, settings, METHOD.name, "login", fields)
}
