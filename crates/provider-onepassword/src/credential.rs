//! The token that somebody made: had once, when the first question needs it.

use std::cell::OnceCell;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use subrosa_provider::{ErrorKind, Login, ProviderError, Session};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

/// A login by a token. Nothing comes of it but the token itself.
pub(crate) struct Credential<'a> {
    login: Login<'a>,
    token: OnceCell<SecretValue>,
}

/// What of a Connect token's claims is looked at (RFC 7519, 4.1.4). Whether they are true the server judges.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    exp: Option<i64>,
}

impl<'a> Credential<'a> {
    pub(crate) fn new(login: Login<'a>) -> Self {
        Self { login, token: OnceCell::new() }
    }

    /// The token, if it can be one: a single word of ASCII.
    pub(crate) fn token(&self) -> Result<&SecretValue, ProviderError> {
        if let Some(token) = self.token.get() {
            return Ok(token);
        }
        let given = match &self.login.session {
            Some(session) => copied(session.expose_secret())?,
            None => (self.login.credential)()?,
        };
        let word = given.expose_secret().trim_ascii();
        if word.is_empty() || !word.iter().all(u8::is_ascii_graphic) {
            let text = "what it logs in with is no token: it is not one word of ASCII";
            return Err(ProviderError::new(ErrorKind::BadSettings, text));
        }
        let token = copied(word)?;
        Ok(self.token.get_or_init(|| token))
    }

    /// When a token that says so ends.
    pub(crate) fn expires(&self) -> Option<i64> {
        let token = std::str::from_utf8(self.token.get()?.expose_secret()).ok()?;
        let claims = Zeroizing::new(BASE64URL_NOPAD.decode(token.split('.').nth(1)?.as_bytes()).ok()?);
        serde_json::from_slice::<Claims>(&claims).ok()?.exp
    }

    /// A token that is kept elsewhere belongs into no session.
    pub(crate) fn session(&self) -> Option<Session> {
        let is_new = self.login.session.is_none() && !self.login.is_kept;
        let state =
            self.token.get().filter(|_| is_new).and_then(|token| copied(token.expose_secret()).ok())?;
        Some(Session { state, expires: self.expires() })
    }
}

fn copied(bytes: &[u8]) -> Result<SecretValue, ProviderError> {
    SecretValue::new(bytes.to_vec())
        .map_err(|_| ProviderError::new(ErrorKind::BadSettings, "what it logs in with is too long"))
}
