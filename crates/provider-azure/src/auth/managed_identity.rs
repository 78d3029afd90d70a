//! The identity of the machine that this runs on.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use subrosa_provider::{Method, ProviderError};

use super::Asking;

pub(super) const METHOD: Method =
    Method { name: "managed-identity", credential: "", needs: &[], person: false };

pub(super) fn credential(asking: &Asking<'_>) -> Result<Arc<dyn TokenCredential>, ProviderError> {
    // a machine can have several; what begins with a slash is the path of one
    let id = asking.settings.text("client-id").map(|id| match id.starts_with('/') {
        true => UserAssignedId::ResourceId(id.to_owned()),
        false => UserAssignedId::ClientId(id.to_owned()),
    });
    let options = ManagedIdentityCredentialOptions { user_assigned_id: id, client_options: asking.options() };
    Ok(ManagedIdentityCredential::new(Some(options)).map_err(|error| super::unusable(&error))?)
}
