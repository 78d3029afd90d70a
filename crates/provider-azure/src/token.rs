//! The token that the vault is shown, and for whom it is.

use std::fmt;

use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind as Kind;
use azure_core::time::OffsetDateTime;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;

use crate::fault::Fault;

/// A token that ends within so many seconds is not used any more.
const MARGIN: i64 = 60;

/// An access token.
pub(crate) struct Token {
    pub(crate) value: SecretValue,
    /// in seconds since 1970
    pub(crate) expires: i64,
}

/// What a token says of its holder. Nobody has verified it: it is for people.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Claims {
    upn: Option<String>,
    unique_name: Option<String>,
    appid: Option<String>,
    oid: Option<String>,
}

pub(crate) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

impl Token {
    pub(crate) fn of(token: &AccessToken) -> Result<Self, ProviderError> {
        let value = SecretValue::new(token.token.secret().as_bytes().to_vec());
        let value = value.map_err(|_| ProviderError::new(ErrorKind::BadAnswer, "the token is too long"))?;
        Ok(Self { value, expires: token.expires_on.unix_timestamp() })
    }

    pub(crate) fn is_over(&self) -> bool {
        self.expires <= now() + MARGIN
    }

    /// Who it is of, as far as the token says so in plain letters.
    pub(crate) fn who(&self) -> Option<String> {
        let text = std::str::from_utf8(self.value.expose_secret()).ok()?;
        let claims = BASE64URL_NOPAD.decode(text.split('.').nth(1)?.as_bytes()).ok()?;
        let Claims { upn, unique_name, appid, oid } = serde_json::from_slice(&claims).ok()?;
        let who = upn.or(unique_name).or(appid.map(|id| format!("application {id}"))).or(oid)?;
        let is_plain = who.len() <= 128 && who.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        is_plain.then_some(who)
    }
}

/// Shows the token to the vault that it is for, and to no other.
///
/// Which resource a vault takes tokens for it says itself. Microsoft's client checks that answer's host; here it has to be the very
/// resource that the connection is for.
pub(crate) struct Bearer {
    scope: String,
    token: AccessToken,
}

impl fmt::Debug for Bearer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Bearer").finish_non_exhaustive()
    }
}

impl Bearer {
    pub(crate) fn new(resource: &str, token: &Token) -> Result<Self, ProviderError> {
        let bad = |_| ProviderError::new(ErrorKind::BadAnswer, "the token is no text");
        let text = std::str::from_utf8(token.value.expose_secret()).map_err(bad)?;
        let far =
            OffsetDateTime::from_unix_timestamp(token.expires).unwrap_or_else(|_| OffsetDateTime::now_utc());
        Ok(Self { scope: scope(resource), token: AccessToken::new(Secret::new(text.to_owned()), far) })
    }
}

/// The scope that stands for all that a resource lets one do.
pub(crate) fn scope(resource: &str) -> String {
    format!("{resource}/.default")
}

#[async_trait::async_trait]
impl TokenCredential for Bearer {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        // a resource may be written with a slash at its end
        let is_ours = |scope: &&str| scope.replace("//.default", "/.default") == self.scope;
        if scopes.len() == 1 && scopes.iter().all(is_ours) {
            return Ok(self.token.clone());
        }
        let text = "the vault asks for a token for something else, which it does not get";
        let fault = Fault::Failed(ProviderError::new(ErrorKind::BadAnswer, text));
        Err(azure_core::Error::new(Kind::Other, fault))
    }
}
