//! Somebody in front of a screen: what the ways in a browser and by a device's code share.

use subrosa_oauth::{Authority, Browser, Client, Endpoints, Explain, Loopback, Tokens};
use subrosa_provider::{ErrorKind, Login, Method, Person, ProviderError, Settings};
use subrosa_secret::SecretValue;

use super::LoggedIn;
use crate::fault;
use crate::token::{Token, now};

pub(super) const BROWSER: Method =
    Method { name: "browser", credential: "", needs: &["tenant", "client-id"], person: true };
pub(super) const DEVICE: Method =
    Method { name: "device-code", credential: "", needs: &["tenant", "client-id"], person: true };

/// Where the authority does not say how long a token lasts.
const LIFE: i64 = 300;

/// Goes on with what is left of an earlier login, else lets somebody log in.
pub(super) fn log_in(
    settings: &Settings,
    login: &Login<'_>,
    refresh: Option<&SecretValue>,
) -> Result<LoggedIn, ProviderError> {
    let text = |name| settings.text(name).unwrap_or_default();
    let below = format!("{}/{}/oauth2/v2.0", text("authority"), text("tenant"));
    let endpoints = Endpoints {
        // a tenant goes by several names, and its tokens name one of them
        issuer: None,
        authorization: format!("{below}/authorize"),
        token: format!("{below}/token"),
        device: Some(format!("{below}/devicecode")),
    };
    let authority = Authority::at(endpoints, settings.text("ca"), false)?;
    let client = Client::public(text("client-id"));
    // what the vault lets the person do, and to go on without the person
    let scope = format!("{}/user_impersonation offline_access", text("resource"));
    if let Some(refresh) = refresh {
        match authority.refresh(&client, refresh, &scope) {
            Ok(tokens) => return Ok(kept(tokens, Some(refresh))),
            Err(error) if error.kind() != ErrorKind::Expired || login.person.is_none() => {
                return Err(error);
            }
            Err(_) => {}
        }
    }
    let nobody = || ProviderError::new(ErrorKind::Expired, "somebody has to log in");
    let person = login.person.ok_or_else(nobody)?;
    let tokens = match login.method {
        method if method == DEVICE.name => authority.log_in_elsewhere(&client, &scope, person),
        _ => in_browser(&authority, &client, &scope, person),
    };
    Ok(kept(tokens?, None))
}

fn in_browser(
    authority: &Authority,
    client: &Client<'_>,
    scope: &str,
    person: &dyn Person,
) -> Result<Tokens, ProviderError> {
    // the one name that Entra ID registers without regard to the port
    let loopback = Loopback { host: "localhost", ..Loopback::default() };
    let explain = Some(fault::of_page as Explain);
    authority.log_in(client, &Browser { scope, loopback, explain, ..Browser::default() }, person)
}

/// What is kept of tokens; an authority that gives no new refresh token means the one before.
fn kept(tokens: Tokens, before: Option<&SecretValue>) -> LoggedIn {
    let again = |secret: &SecretValue| SecretValue::new(secret.expose_secret().to_vec()).ok();
    let expires = tokens.expires.unwrap_or_else(|| now() + LIFE);
    let refresh = tokens.refresh.or_else(|| before.and_then(again));
    LoggedIn { token: Token { value: tokens.access, expires }, refresh, credential: None }
}
