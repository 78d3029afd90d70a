//! Ways to log in, one file each.

mod approle;
mod cert;
mod jwt;
mod kubernetes;
pub(crate) mod oidc;
mod token;
mod userpass;

use subrosa_provider::{ErrorKind, Login, Method, ProviderError, Settings};
use subrosa_rest::{Answer, Call, JsonObject, encoded};
use subrosa_secret::SecretValue;

use crate::api::{Api, refused};
use crate::token::Token;

/// All of them, the usual one first.
pub(crate) const METHODS: &[Method] = &[
    token::METHOD,
    userpass::METHOD,
    approle::METHOD,
    oidc::METHOD,
    kubernetes::METHOD,
    jwt::METHOD,
    cert::METHOD,
];

/// The way without a login.
pub(crate) const TOKEN: &str = token::METHOD.name;

/// A token, and what is to be kept in place of the credential that led to it.
pub(crate) struct LoggedIn {
    pub(crate) token: Token,
    pub(crate) credential: Option<SecretValue>,
}

impl From<Token> for LoggedIn {
    fn from(token: Token) -> Self {
        Self { token, credential: None }
    }
}

/// Logs in the way that the connection was made for.
pub(crate) fn log_in(api: &Api, settings: &Settings, login: &Login<'_>) -> Result<LoggedIn, ProviderError> {
    match login.method {
        "token" => token::log_in(login).map(LoggedIn::from),
        "userpass" => userpass::log_in(api, settings, login).map(LoggedIn::from),
        "approle" => approle::log_in(api, settings, login),
        "oidc" => oidc::log_in(api, settings, login).map(LoggedIn::from),
        "kubernetes" => kubernetes::log_in(api, settings).map(LoggedIn::from),
        "jwt" => jwt::log_in(api, settings, login).map(LoggedIn::from),
        "cert" => cert::log_in(settings, login).map(LoggedIn::from),
        other => {
            let text = format!("there is no way to log in named {other:?}");
            Err(ProviderError::new(ErrorKind::BadSettings, text))
        }
    }
}

/// Sends a login to where its method is mounted.
fn send(
    api: &Api,
    settings: &Settings,
    method: &str,
    path: &str,
    fields: JsonObject<'_>,
) -> Result<Token, ProviderError> {
    let mount = settings.text("auth-path").unwrap_or(method);
    let call = Call::post(format!("/v1/auth/{}/{path}", encoded(mount))).json(fields);
    let answer = api.server.call(api.headed(call)).map_err(|error| error.about("login"))?;
    if answer.is_success() { Token::of_login(&answer) } else { Err(rejected(&answer, mount)) }
}

/// A wrong password is a 400 here, a wrong role too.
fn rejected(answer: &Answer, mount: &str) -> ProviderError {
    match answer.status() {
        400 | 401 | 403 => {
            ProviderError::new(ErrorKind::Denied, format!("login at auth/{mount} was refused"))
        }
        404 => {
            ProviderError::new(ErrorKind::BadSettings, format!("there is no way to log in at auth/{mount}"))
        }
        _ => refused(answer, "login"),
    }
}
