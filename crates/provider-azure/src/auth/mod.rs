//! Ways to log in, one file each.

mod assertion;
mod certificate;
mod client_secret;
#[cfg(unix)]
pub(crate) mod command_line;
mod managed_identity;
mod person;
mod workload_identity;

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use subrosa_provider::{ErrorKind, Login, Method, ProviderError, Settings};
use subrosa_rest::Relay;
use subrosa_secret::SecretValue;

use crate::fault;
use crate::token::{Token, scope};
use crate::transport::{End, options};

/// All of them, the usual one first.
pub(crate) const METHODS: &[Method] = &[
    person::BROWSER,
    person::DEVICE,
    client_secret::METHOD,
    certificate::METHOD,
    managed_identity::METHOD,
    workload_identity::METHOD,
    #[cfg(unix)]
    command_line::METHOD,
];

/// A token, and what leads to the next one without a new login.
pub(crate) struct LoggedIn {
    pub(crate) token: Token,
    pub(crate) refresh: Option<SecretValue>,
    /// what is to be kept in place of what was given
    pub(crate) credential: Option<SecretValue>,
}

/// Logs in the way that the connection was made for.
pub(crate) fn log_in(
    settings: &Settings,
    login: &Login<'_>,
    refresh: Option<&SecretValue>,
) -> Result<LoggedIn, ProviderError> {
    let asking = |plain_http| {
        Ok::<_, ProviderError>(Asking { relay: Relay::new(settings.text("ca"), plain_http)?, settings })
    };
    match login.method {
        "browser" | "device-code" => person::log_in(settings, login, refresh),
        "client-secret" => asking(false)?.by(|asking| client_secret::credential(asking, login)),
        "client-certificate" => certificate::log_in(asking(false)?, login),
        "workload-identity" => asking(false)?.by(workload_identity::credential),
        // the machine's own endpoint speaks no TLS
        "managed-identity" => asking(true)?.by(managed_identity::credential),
        #[cfg(unix)]
        "az" => command_line::log_in(settings),
        other => {
            let text = format!("there is no way to log in named {other:?}");
            Err(ProviderError::new(ErrorKind::BadSettings, text))
        }
    }
}

/// A login by one of Microsoft's credentials.
struct Asking<'s> {
    relay: Relay,
    settings: &'s Settings,
}

impl<'s> Asking<'s> {
    fn by(
        self,
        credential: impl FnOnce(&Self) -> Result<Arc<dyn TokenCredential>, ProviderError>,
    ) -> Result<LoggedIn, ProviderError> {
        let credential = credential(&self)?;
        let scope = scope(self.text("resource"));
        let asked = self.relay.run(credential.get_token(&[scope.as_str()], None));
        let token = Token::of(&asked.map_err(|error| failed(&error))?)?;
        Ok(LoggedIn { token, refresh: None, credential: None })
    }

    fn text(&self, name: &str) -> &'s str {
        self.settings.text(name).unwrap_or_default()
    }

    fn options(&self) -> azure_core::http::ClientOptions {
        options(&self.relay.handle(), End::Login, self.text("authority"))
    }
}

/// What Microsoft's crates say of a way to log in that cannot be gone here is not repeated: it holds what they were given.
fn unusable(_: &azure_core::Error) -> ProviderError {
    ProviderError::new(
        ErrorKind::BadSettings,
        "nobody can log in this way with these settings on this machine",
    )
}

/// Why there is no token.
fn failed(error: &azure_core::Error) -> ProviderError {
    let absent = || ProviderError::new(ErrorKind::BadAnswer, "the authority gives no token");
    fault::of(error).unwrap_or_else(absent).about("login")
}
