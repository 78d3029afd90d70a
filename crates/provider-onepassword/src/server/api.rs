//! Connect's API (OpenAPI 1.7.1): its paths, its token, and what a status means.

use serde::Deserialize;
use subrosa_provider::{ErrorKind, ProviderError, Settings};
use subrosa_rest::{Answer, Call, Server};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::target::Place;

/// A server.
pub(super) struct Api {
    server: Server,
}

/// The body of every answer that is none of success.
#[derive(Deserialize)]
struct ErrorResponse {
    #[serde(default)]
    message: String,
}

impl Api {
    pub(super) fn new(settings: &Settings) -> Result<Self, ProviderError> {
        let address = settings.text("address").unwrap_or_default();
        Ok(Self { server: Server::new(address, settings.text("ca"))? })
    }

    /// What stands at these paths, asked for at the same time.
    pub(super) fn get(
        &self,
        paths: &[String],
        token: &SecretValue,
    ) -> Result<Vec<Result<Answer, ProviderError>>, ProviderError> {
        let authorization = bearer(token)?;
        let call = |path: &String| Call::get(path).secret_header("Authorization", &authorization);
        Ok(self.server.call_all(paths.iter().map(call).collect()))
    }

    /// Asks for a change.
    pub(super) fn send(&self, call: Call<'_>, token: &SecretValue) -> Result<Answer, ProviderError> {
        let authorization = bearer(token)?;
        self.server.call(call.secret_header("Authorization", &authorization))
    }
}

fn bearer(token: &SecretValue) -> Result<SecretValue, ProviderError> {
    let text = Zeroizing::new([b"Bearer ", token.expose_secret()].concat());
    SecretValue::from_zeroizing(text)
        .map_err(|_| ProviderError::new(ErrorKind::BadSettings, "the token is too long"))
}

/// The answer to a list of `what`, if it is one.
pub(super) fn list(answer: Result<Answer, ProviderError>, what: &str) -> Result<Answer, ProviderError> {
    let answer = answer.map_err(|error| error.about(what))?;
    if answer.is_success() { Ok(answer) } else { Err(refused(&answer, what)) }
}

/// The answer to an item; `None` where its vault has no such item.
pub(super) fn item(answer: Answer, place: &Place) -> Result<Option<Answer>, ProviderError> {
    match answer.status() {
        404 if !is_about_vault(&answer) => Ok(None),
        _ if answer.is_success() => Ok(Some(answer)),
        _ => Err(refused(&answer, &place.to_string())),
    }
}

/// The content of a file.
pub(super) fn content(answer: Result<Answer, ProviderError>) -> Result<Option<SecretValue>, ProviderError> {
    match answer? {
        answer if answer.status() == 404 => Ok(None),
        answer if answer.is_success() => answer.into_value().map(Some),
        answer => Err(refused(&answer, "the file")),
    }
}

/// Vault and item are told apart by the message alone.
fn is_about_vault(answer: &Answer) -> bool {
    answer.json::<ErrorResponse>().is_ok_and(|error| error.message.starts_with("vault "))
}

/// Why an answer is none. Of its body nothing is repeated: servers quote what they were sent.
pub(super) fn refused(answer: &Answer, what: &str) -> ProviderError {
    let status = answer.status();
    let (kind, why) = match status {
        _ if answer.redirect().is_some() => {
            let to = answer.redirect().unwrap_or_default();
            (ErrorKind::BadSettings, format!("the server redirects to {to}, which is not followed"))
        }
        401 => (ErrorKind::Expired, "the server does not accept the token (any more)".to_owned()),
        403 => (ErrorKind::Denied, "the token was not granted the vault".to_owned()),
        404 => (ErrorKind::NotFound, "there is no such vault".to_owned()),
        400 | 413 => (ErrorKind::BadLink, "the server cannot answer that".to_owned()),
        429 => {
            let wait =
                answer.retry_after().map(|seconds| format!("; again in {seconds} s")).unwrap_or_default();
            (ErrorKind::Throttled, format!("too many requests{wait}"))
        }
        500..=599 => (ErrorKind::Unavailable, format!("the server failed with status {status}")),
        _ => (ErrorKind::BadAnswer, format!("the server answered with status {status}")),
    };
    ProviderError::new(kind, format!("{what}: {why}"))
}
