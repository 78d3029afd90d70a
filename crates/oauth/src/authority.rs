//! The server that logs people in, and what this program is to it.

use serde::Deserialize;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::{Answer, Call, Form, Server, settle_address};
use subrosa_secret::{Origin, SecretValue};

/// What a client is to an authority: registered there under an id, with a secret or (a public one) without.
pub struct Client<'c> {
    pub(crate) id: &'c str,
    pub(crate) secret: Option<&'c SecretValue>,
}

impl<'c> Client<'c> {
    /// A client without a secret, as programs on people's machines are (RFC 8252, section 8.4).
    #[must_use]
    pub fn public(id: &'c str) -> Self {
        Self { id, secret: None }
    }

    /// A client with a secret, which is sent in the form (`client_secret_post`).
    #[must_use]
    pub fn confidential(id: &'c str, secret: &'c SecretValue) -> Self {
        Self { id, secret: Some(secret) }
    }

    /// A form with what every question of this client has.
    pub(crate) fn form(&self) -> Form<'c> {
        let form = Form::default().text("client_id", self.id);
        match self.secret {
            Some(secret) => form.secret("client_secret", secret),
            None => form,
        }
    }
}

/// Where an authority is asked for what. All are https, unless plain http was allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The name of the authority in its identity tokens; `None` where it goes by several.
    pub issuer: Option<String>,
    /// The page on which people log in.
    pub authorization: String,
    /// Where codes and refresh tokens are exchanged.
    pub token: String,
    /// Where a code for another device is had, if the authority has such.
    pub device: Option<String>,
}

/// A server that logs people in. Nobody is contacted when it is made, but to discover it.
pub struct Authority {
    pub(crate) endpoints: Endpoints,
    ca: Option<String>,
}

/// The discovery document, as far as it is used (OpenID Connect Discovery, section 3).
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
}

impl Authority {
    /// The authority at these endpoints, known by these certificate authorities (PEM) or the system's.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) for an endpoint that is no address, or without TLS where that is not allowed.
    pub fn at(endpoints: Endpoints, ca: Option<&str>, plain_http: bool) -> Result<Self, ProviderError> {
        let page = endpoints.authorization.split(['?', '#']).next().unwrap_or_default();
        settle_address(page, plain_http)?;
        // it is handed to a browser: nothing that means something to a shell's or terminal's reader
        if Origin::of_url(&endpoints.authorization).is_err() || endpoints.authorization.contains('#') {
            let text = "the page to log in at has no address that a browser takes";
            return Err(ProviderError::new(ErrorKind::BadSettings, text));
        }
        let token = settle_address(&endpoints.token, plain_http)?;
        let device = endpoints.device.as_deref().map(|url| settle_address(url, plain_http)).transpose()?;
        Ok(Self { endpoints: Endpoints { token, device, ..endpoints }, ca: ca.map(str::to_owned) })
    }

    /// Asks the authority of this name where it is asked for what, and whether it has that name.
    ///
    /// # Errors
    /// [`BadSettings`](ErrorKind::BadSettings) where it names itself otherwise, [`BadAnswer`](ErrorKind::BadAnswer) for a document
    /// that is none, and what keeps it from being asked.
    pub fn discover(issuer: &str, ca: Option<&str>, plain_http: bool) -> Result<Self, ProviderError> {
        let address = settle_address(issuer, plain_http)?;
        let server = Server::new(&address, ca)?;
        let about = |error: ProviderError| error.about(&address);
        let answer = server.call(Call::get("/.well-known/openid-configuration")).map_err(about)?;
        if !answer.is_success() {
            let text =
                format!("there is no one to log in at: status {} for its description", answer.status());
            let kind = if answer.status() >= 500 { ErrorKind::Unavailable } else { ErrorKind::BadSettings };
            return Err(about(ProviderError::new(kind, text)));
        }
        let found: Discovered = answer.json().map_err(about)?;
        if found.issuer.trim_end_matches('/') != address {
            let named = settle_address(&found.issuer, true).unwrap_or_else(|_| "something else".to_owned());
            let text = format!("who logs people in there calls itself {named}");
            return Err(about(ProviderError::new(ErrorKind::BadSettings, text)));
        }
        if found.code_challenge_methods_supported.is_some_and(|known| !known.iter().any(|one| one == "S256"))
        {
            let text = "it does not know PKCE with S256, without which a code could be used by others";
            return Err(about(ProviderError::new(ErrorKind::BadSettings, text)));
        }
        let endpoints = Endpoints {
            issuer: Some(found.issuer),
            authorization: found.authorization_endpoint,
            token: found.token_endpoint,
            device: found.device_authorization_endpoint,
        };
        Self::at(endpoints, ca, plain_http).map_err(about)
    }

    /// Sends a form to one of the endpoints.
    pub(crate) fn ask(&self, endpoint: &str, form: Form<'_>) -> Result<Answer, ProviderError> {
        let server = Server::new(endpoint, self.ca.as_deref())?;
        server.call(Call::post("").form(form)).map_err(|error| error.about("login"))
    }
}
