//! A client certificate.

use subrosa_provider::{Login, Method, ProviderError, Settings};
use subrosa_rest::JsonObject;

use crate::api::Api;
use crate::token::Token;

pub(super) const METHOD: Method =
    Method { name: "cert", credential: "certificate and key (PEM)", needs: &[], person: false };

pub(super) fn log_in(settings: &Settings, login: &Login<'_>) -> Result<Token, ProviderError> {
    let pem = (login.credential)()?;
    let api = Api::with_certificate(settings, &pem)?;
    let fields = match settings.text("role") {
        Some(role) => JsonObject::default().text("name", role),
        None => JsonObject::default(),
    };
    super::send(&api, settings, METHOD.name, "login", fields)
}
