//! The API as every request needs it: namespace, token, and what a status means.

use serde::Deserialize;
use serde_json::value::RawValue;
use subrosa_provider::{ErrorKind, ProviderError, Settings};
use subrosa_rest::{Answer, Call, Server};
use subrosa_secret::SecretValue;

/// A server and the namespace to work in.
pub(crate) struct Api {
    pub(crate) server: Server,
    namespace: Option<String>,
}

/// What every answer with a body consists of.
#[derive(Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub(crate) data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) auth: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) lease_id: String,
    #[serde(default)]
    pub(crate) lease_duration: i64,
    #[serde(default)]
    pub(crate) renewable: bool,
}

impl Api {
    pub(crate) fn new(settings: &Settings) -> Result<Self, ProviderError> {
        let address = settings.text("address").unwrap_or_default();
        let server = Server::new(address, settings.text("ca"))?;
        Ok(Self { server, namespace: settings.text("namespace").map(str::to_owned) })
    }

    /// The same, by a server that is shown a certificate.
    pub(crate) fn with_certificate(settings: &Settings, pem: &SecretValue) -> Result<Self, ProviderError> {
        let address = settings.text("address").unwrap_or_default();
        let server = Server::with_certificate(address, settings.text("ca"), pem)?;
        Ok(Self { server, namespace: settings.text("namespace").map(str::to_owned) })
    }

    /// A call with what every call has. The header keeps a page in a browser from making one.
    pub(crate) fn headed<'s>(&self, call: Call<'s>) -> Call<'s> {
        let call = call.header("X-Vault-Request", "true");
        match &self.namespace {
            Some(namespace) => call.header("X-Vault-Namespace", namespace),
            None => call,
        }
    }

    /// A call in the name of a token.
    pub(crate) fn authorized<'s>(&self, call: Call<'s>, token: &'s SecretValue) -> Call<'s> {
        self.headed(call).secret_header("X-Vault-Token", token)
    }

    /// Asks in the name of a token; an answer that is none of success is an error about `what`.
    pub(crate) fn ask(
        &self,
        call: Call<'_>,
        token: &SecretValue,
        what: &str,
    ) -> Result<Answer, ProviderError> {
        let answer = self.server.call(self.authorized(call, token)).map_err(|error| error.about(what))?;
        if answer.is_success() { Ok(answer) } else { Err(refused(&answer, what)) }
    }
}

/// Why an answer is none. Of its body nothing is repeated: servers quote what they were sent.
pub(crate) fn refused(answer: &Answer, what: &str) -> ProviderError {
    let status = answer.status();
    let (kind, why) = match status {
        _ if answer.redirect().is_some() => {
            let to = answer.redirect().unwrap_or_default();
            (ErrorKind::BadSettings, format!("the server redirects to {to}, which is not followed"))
        }
        401 | 403 => (ErrorKind::Denied, "permission denied".to_owned()),
        404 => (ErrorKind::NotFound, "there is no such path".to_owned()),
        400 | 405 => (ErrorKind::BadLink, "the engine has nothing that can be read there".to_owned()),
        429 => {
            let wait =
                answer.retry_after().map(|seconds| format!("; again in {seconds} s")).unwrap_or_default();
            (ErrorKind::Throttled, format!("too many requests{wait}"))
        }
        503 => (ErrorKind::Unavailable, "the server is sealed, or in maintenance".to_owned()),
        500..=599 => (ErrorKind::Unavailable, format!("the server failed with status {status}")),
        _ => (ErrorKind::BadAnswer, format!("the server answered with status {status}")),
    };
    ProviderError::new(kind, format!("{what}: {why}"))
}
