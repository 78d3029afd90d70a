//! What a login gives, and exchanging things for it.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::{Answer, Form, text_of};
use subrosa_secret::SecretValue;

use crate::authority::{Authority, Client};
use crate::clock::now;
use crate::refusal::{self, Refusal};

/// What a login gives (RFC 6749, section 5.1). No `Debug`: they are as good as a password.
pub struct Tokens {
    /// What an API is asked with.
    pub access: SecretValue,
    /// Who logged in, signed by the authority; for scope `openid` only.
    pub id: Option<SecretValue>,
    /// What the next tokens are had with. Where an authority gives a new one at each use, this is it.
    pub refresh: Option<SecretValue>,
    /// When the access token ends, in seconds since 1970; `None` where the authority does not say.
    pub expires: Option<i64>,
}

#[derive(Deserialize)]
struct Granted<'a> {
    #[serde(borrow)]
    access_token: &'a RawValue,
    token_type: String,
    #[serde(borrow, default)]
    id_token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refresh_token: Option<&'a RawValue>,
    #[serde(default)]
    expires_in: Option<f64>,
}

impl Tokens {
    fn read(answer: &Answer) -> Result<Self, ProviderError> {
        let bad = || ProviderError::new(ErrorKind::BadAnswer, "the login was answered without a token");
        let granted: Granted<'_> = answer.json()?;
        if !granted.token_type.eq_ignore_ascii_case("bearer") {
            let text = "the login was answered with a token of another kind than bearer";
            return Err(ProviderError::new(ErrorKind::BadAnswer, text));
        }
        let text = |raw: Option<&RawValue>| match raw.map(text_of).transpose()?.flatten() {
            Some(text) if !text.is_empty() => Ok::<_, ProviderError>(Some(text)),
            _ => Ok(None),
        };
        let seconds = granted.expires_in.filter(|seconds| (0.0..1e9).contains(seconds));
        #[allow(clippy::cast_possible_truncation, reason = "it was just seen to be small")]
        let expires = seconds.map(|seconds| now() + seconds as i64);
        Ok(Self {
            access: text(Some(granted.access_token))?.ok_or_else(bad)?,
            id: text(granted.id_token)?,
            refresh: text(granted.refresh_token)?,
            expires,
        })
    }
}

impl Authority {
    /// Tokens for what is left of an earlier login.
    ///
    /// # Errors
    /// [`Expired`](ErrorKind::Expired) where it has come to its end: somebody has to log in again.
    pub fn refresh(
        &self,
        client: &Client<'_>,
        refresh_token: &SecretValue,
        scope: &str,
    ) -> Result<Tokens, ProviderError> {
        let form = client.form().text("grant_type", "refresh_token").secret("refresh_token", refresh_token);
        self.exchange(if scope.is_empty() { form } else { form.text("scope", scope) })
    }

    /// Asks for tokens.
    pub(crate) fn exchange(&self, form: Form<'_>) -> Result<Tokens, ProviderError> {
        granted(&self.ask(&self.endpoints.token, form)?)
    }
}

pub(crate) fn granted(answer: &Answer) -> Result<Tokens, ProviderError> {
    if answer.is_success() { Tokens::read(answer) } else { Err(refused(answer)) }
}

/// Why an endpoint did not do what it was asked for.
pub(crate) fn refused(answer: &Answer) -> ProviderError {
    let status = answer.status();
    if let Some(to) = answer.redirect() {
        let text = format!("the login is redirected to {to}, which is not followed");
        return ProviderError::new(ErrorKind::BadSettings, text);
    }
    match status {
        429 => ProviderError::new(ErrorKind::Throttled, "too many logins"),
        500.. => ProviderError::new(ErrorKind::Unavailable, format!("the login failed with status {status}")),
        _ => match answer.json::<Refusal>() {
            Ok(refusal) if !refusal.error.is_empty() => refusal::of(&refusal.error),
            _ => ProviderError::new(
                ErrorKind::BadAnswer,
                format!("the login was answered with status {status}"),
            ),
        },
    }
}
