//! A login in the browser, at an OIDC provider whose identity token a JWT method takes.

use subrosa_oauth::{Authority, Browser, Client, Loopback};
use subrosa_provider::{ErrorKind, Login, Method, ProviderError, Settings};
use subrosa_rest::JsonObject;

use crate::api::Api;
use crate::token::Token;

pub(super) const METHOD: Method =
    Method { name: "oidc", credential: "", needs: &["oidc-provider", "client-id"], person: true };

/// Where the browser comes back to: the first port that is free. A client has to be registered with both.
pub(crate) const PORTS: [u16; 2] = [10545, 10534];
/// Where the JWT method is mounted, unless `auth-path` says otherwise.
pub(crate) const MOUNT: &str = "jwt";

pub(super) fn log_in(api: &Api, settings: &Settings, login: &Login<'_>) -> Result<Token, ProviderError> {
    let Some(person) = login.person else {
        // why there is no session to go on with, and what to do, whoever keeps it knows
        return Err((login.credential)().err().unwrap_or_else(over));
    };
    let provider = settings.text("oidc-provider").unwrap_or_default();
    let authority = Authority::discover(provider, settings.text("ca"), settings.is_on("insecure-http"))?;
    let id = settings.text("client-id").unwrap_or_default();
    let secret = settings.is_on("confidential").then(|| person.ask("client secret")).transpose()?;
    let client = match &secret {
        Some(secret) => Client::confidential(id, secret),
        None => Client::public(id),
    };
    let scope = match settings.text("scope") {
        Some(more) => format!("openid {more}"),
        None => "openid".to_owned(),
    };
    let loopback = Loopback { ports: &PORTS, ..Loopback::default() };
    let wish = Browser { scope: &scope, loopback, explain: Some(explain), ..Browser::default() };
    let tokens = authority.log_in(&client, &wish, person)?;
    let identity = tokens.id.ok_or_else(|| {
        ProviderError::new(ErrorKind::BadAnswer, "the login was answered without an identity token")
    })?;
    let mut fields = JsonObject::default().secret("jwt", &identity);
    if let Some(role) = settings.text("role") {
        fields = fields.text("role", role);
    }
    super::send(api, settings, MOUNT, "login", fields)
}

fn over() -> ProviderError {
    ProviderError::new(ErrorKind::Expired, "it has to log in again")
}

/// Refusals of Vault's and OpenBao's own provider. The descriptions are theirs, in `identity/oidc/provider/NAME/authorize`.
fn explain(code: &str, description: &str) -> Option<ProviderError> {
    match (code, description) {
        ("access_denied", "identity entity must be associated with the request") => {
            let text =
                "who logged in in the browser by a token is nobody there: a token belongs to no entity";
            let hint = "log in there by another method than Token, one that knows people, such as Username";
            Some(ProviderError::new(ErrorKind::Denied, text).hint_at(hint))
        }
        ("access_denied", "identity entity not authorized by client assignment") => {
            let text = "who logged in in the browser is not among those whom the client is assigned to";
            Some(ProviderError::new(ErrorKind::Denied, text))
        }
        _ => None,
    }
}
