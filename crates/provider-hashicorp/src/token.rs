//! The token that requests are made with.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::{Answer, Call, JsonObject, text_of};
use subrosa_secret::SecretValue;

use crate::api::{Api, Envelope};
use crate::clock::now;

/// A token, as far as it is known.
pub(crate) struct Token {
    pub(crate) value: SecretValue,
    /// Whether a login of ours made it: it is ours to revoke.
    pub(crate) made_here: bool,
    pub(crate) life: Life,
}

/// How long a token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Life {
    /// In seconds since 1970; `None` for one that does not end, or where nobody knows.
    pub(crate) expires: Option<i64>,
    /// What it was given when it was made or renewed, in seconds.
    pub(crate) granted: i64,
    pub(crate) renewable: bool,
}

/// What the server says of a token.
#[derive(Deserialize)]
pub(crate) struct About {
    #[serde(default)]
    pub(crate) display_name: String,
    #[serde(default)]
    pub(crate) policies: Option<Vec<String>>,
    #[serde(default)]
    ttl: i64,
    #[serde(default)]
    creation_ttl: i64,
    #[serde(default)]
    renewable: Option<bool>,
}

/// What a login answers.
#[derive(Deserialize)]
struct Auth<'a> {
    #[serde(borrow)]
    client_token: &'a RawValue,
    #[serde(default)]
    lease_duration: i64,
    #[serde(default)]
    renewable: bool,
    #[serde(borrow, default)]
    mfa_requirement: Option<&'a RawValue>,
}

impl Life {
    pub(crate) fn granted(seconds: i64, renewable: bool) -> Self {
        let expires = (seconds > 0).then(|| now().saturating_add(seconds));
        Self { expires, granted: seconds, renewable: renewable && seconds > 0 }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.expires.is_some_and(|end| end <= now())
    }

    /// Whether half of it has gone, so that it is time to ask for more.
    pub(crate) fn is_waning(&self) -> bool {
        self.renewable && self.expires.is_some_and(|end| end - now() < self.granted / 2)
    }
}

impl About {
    pub(crate) fn life(&self) -> Life {
        let mut life = Life::granted(self.ttl, self.renewable.unwrap_or(false));
        life.granted = self.creation_ttl.max(self.ttl);
        life
    }
}

impl Token {
    /// The token of a login.
    pub(crate) fn of_login(answer: &Answer) -> Result<Self, ProviderError> {
        let bad = || ProviderError::new(ErrorKind::BadAnswer, "the login was answered without a token");
        let envelope: Envelope<'_> = answer.json()?;
        let auth: Auth<'_> = serde_json::from_str(envelope.auth.ok_or_else(bad)?.get()).map_err(|_| bad())?;
        if auth.mfa_requirement.is_some() {
            let text = "the login asks for a second factor, which subrosa cannot give";
            return Err(ProviderError::new(ErrorKind::Denied, text));
        }
        let value = text_of(auth.client_token)?.filter(|value| !value.is_empty()).ok_or_else(bad)?;
        Ok(Self { value, made_here: true, life: Life::granted(auth.lease_duration, auth.renewable) })
    }

    /// Asks the server about the token.
    pub(crate) fn look_up(&self, api: &Api) -> Result<About, ProviderError> {
        let answer = api.ask(Call::get("/v1/auth/token/lookup-self"), &self.value, "the token")?;
        let envelope: Envelope<'_> = answer.json()?;
        let data = envelope.data.map_or("{}", RawValue::get);
        serde_json::from_str(data)
            .map_err(|_| ProviderError::new(ErrorKind::BadAnswer, "what is said of the token cannot be read"))
    }

    /// Asks for more time.
    pub(crate) fn renew(&mut self, api: &Api) -> Result<(), ProviderError> {
        let call = Call::post("/v1/auth/token/renew-self").json(JsonObject::default());
        let answer = api.ask(call, &self.value, "the token")?;
        let envelope: Envelope<'_> = answer.json()?;
        if let Some(auth) = envelope.auth.and_then(|auth| serde_json::from_str::<Auth<'_>>(auth.get()).ok()) {
            // what it was made for stays the measure: close to its longest life it is given less each time
            let granted = self.life.granted.max(auth.lease_duration);
            self.life = Life { granted, ..Life::granted(auth.lease_duration, auth.renewable) };
        }
        Ok(())
    }

    /// Ends it, and with it every lease that it was given.
    pub(crate) fn revoke(&self, api: &Api) -> Result<(), ProviderError> {
        let call = Call::post("/v1/auth/token/revoke-self").json(JsonObject::default());
        api.ask(call, &self.value, "the token").map(drop)
    }
}
