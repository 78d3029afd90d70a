//! Ways to log in, one file each.

mod instance;
mod keys;
mod mfa;
mod process;
mod profile;
mod role;
mod sso;
mod temporary;
mod web_identity;

use subrosa_provider::{ErrorKind, Login, Method, ProviderError, Settings};

use crate::keys::Keys;
use crate::services::Services;

pub(crate) use role::assume;

/// All of them, the usual one first.
pub(crate) const METHODS: &[Method] =
    &[keys::METHOD, temporary::METHOD, profile::METHOD, web_identity::METHOD, instance::METHOD];

/// The way that a profile describes.
pub(crate) const PROFILE: &str = profile::METHOD.name;

/// Logs in the way that the connection was made for. The connection's role comes after that.
pub(crate) fn log_in(
    services: &Services,
    settings: &Settings,
    login: &Login<'_>,
) -> Result<Keys, ProviderError> {
    match login.method {
        "keys" => keys::log_in(services, settings, login),
        "temporary" => temporary::log_in(login),
        "profile" => profile::log_in(services, settings, login),
        "web-identity" => web_identity::log_in(services, settings),
        "instance" => instance::log_in(settings),
        other => {
            let text = format!("there is no way to log in named {other:?}");
            Err(ProviderError::new(ErrorKind::BadSettings, text))
        }
    }
}

/// The region that the way to log in knows, where the connection names none.
pub(crate) fn region(services: &Services, settings: &Settings, is_profile: bool) -> Option<String> {
    if is_profile { profile::region(services, settings) } else { None }
}

/// Whether what it logs in with are the very keys that it goes on with, so that a session beside them would hold them twice.
pub(crate) fn is_given(login: &Login<'_>) -> bool {
    login.method == temporary::METHOD.name
}

/// The role to take after the login, where the way to log in did not lead to it already.
pub(crate) fn role<'s>(settings: &'s Settings, login: &Login<'_>) -> Option<&'s str> {
    settings.text("role-arn").filter(|_| login.method != web_identity::METHOD.name)
}
