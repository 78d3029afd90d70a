//! A role and its secret id, which may come wrapped.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, Login, Method, ProviderError, Settings};
use subrosa_rest::{Call, JsonObject, text_of};
use subrosa_secret::SecretValue;

use super::LoggedIn;
use crate::api::{Api, Envelope, refused};

pub(super) const METHOD: Method =
    Method { name: "approle", credential: "secret id", needs: &["role-id"], person: false };

/// What unwrapping gives.
#[derive(Deserialize)]
struct Unwrapped<'a> {
    #[serde(borrow)]
    secret_id: &'a RawValue,
}

pub(super) fn log_in(api: &Api, settings: &Settings, login: &Login<'_>) -> Result<LoggedIn, ProviderError> {
    let given = (login.credential)()?;
    // what is kept of a wrapped one is what was in it
    let unwrapped = (settings.is_on("wrapped") && login.is_new).then(|| unwrap(api, &given)).transpose()?;
    let fields = JsonObject::default().text("role_id", settings.text("role-id").unwrap_or_default());
    let fields = fields.secret("secret_id", unwrapped.as_ref().unwrap_or(&given));
    let token = super::send(api, settings, METHOD.name, "login", fields)?;
    Ok(LoggedIn { token, credential: unwrapped })
}

/// The secret id that a token wraps. It can be had once: where it is gone, somebody else may have it.
fn unwrap(api: &Api, wrapping: &SecretValue) -> Result<SecretValue, ProviderError> {
    let call = Call::post("/v1/sys/wrapping/unwrap").json(JsonObject::default());
    let answer =
        api.server.call(api.authorized(call, wrapping)).map_err(|error| error.about("unwrapping"))?;
    if matches!(answer.status(), 400 | 403) {
        let text = "the wrapped secret id cannot be unwrapped: it is over, or somebody else has unwrapped it";
        return Err(ProviderError::new(ErrorKind::Denied, text));
    }
    if !answer.is_success() {
        return Err(refused(&answer, "unwrapping"));
    }
    let bad = || ProviderError::new(ErrorKind::BadAnswer, "what was wrapped is no secret id");
    let envelope: Envelope<'_> = answer.json()?;
    let inner: Unwrapped<'_> =
        serde_json::from_str(envelope.data.ok_or_else(bad)?.get()).map_err(|_| bad())?;
    text_of(inner.secret_id)?.ok_or_else(bad)
}
