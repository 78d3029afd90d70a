//! An application and its secret.

use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use subrosa_provider::{ErrorKind, Login, Method, ProviderError};

use super::Asking;

pub(super) const METHOD: Method = Method {
    name: "client-secret",
    credential: "client secret",
    needs: &["tenant", "client-id"],
    person: false,
};

pub(super) fn credential(
    asking: &Asking<'_>,
    login: &Login<'_>,
) -> Result<Arc<dyn TokenCredential>, ProviderError> {
    let given = (login.credential)()?;
    let bad = || ProviderError::new(ErrorKind::BadSettings, "that is no client secret");
    let secret =
        std::str::from_utf8(given.expose_secret()).ok().filter(|text| !text.is_empty()).ok_or_else(bad)?;
    let options = ClientSecretCredentialOptions { client_options: asking.options() };
    let client = asking.text("client-id").to_owned();
    let credential = ClientSecretCredential::new(
        asking.text("tenant"),
        client,
        Secret::new(secret.to_owned()),
        Some(options),
    );
    Ok(credential.map_err(|error| super::unusable(&error))?)
}
