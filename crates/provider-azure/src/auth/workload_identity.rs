//! A token of somebody else, whom the application is federated with: a pod's service account, a CI job.

use std::path::PathBuf;
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::{
    ClientAssertionCredentialOptions, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use subrosa_provider::{ErrorKind, Method, ProviderError};

use super::Asking;

pub(super) const METHOD: Method =
    Method { name: "workload-identity", credential: "", needs: &[], person: false };

pub(super) fn credential(asking: &Asking<'_>) -> Result<Arc<dyn TokenCredential>, ProviderError> {
    // a pod is told by its environment ("Microsoft Entra Workload ID")
    let told = |setting: &str, variable: &str| {
        let text = asking.settings.text(setting).map(str::to_owned).or_else(|| std::env::var(variable).ok());
        text.filter(|text| !text.is_empty()).ok_or_else(|| {
            let text = format!("workload-identity needs --{setting}, or {variable} in its environment");
            ProviderError::new(ErrorKind::BadSettings, text)
        })
    };
    let path = PathBuf::from(told("token-file", "AZURE_FEDERATED_TOKEN_FILE")?);
    if let Err(error) = std::fs::File::open(&path) {
        let text = format!("{}: {error}", path.display());
        return Err(ProviderError::new(ErrorKind::BadSettings, text));
    }
    let options = WorkloadIdentityCredentialOptions {
        credential_options: ClientAssertionCredentialOptions { client_options: asking.options() },
        client_id: Some(told("client-id", "AZURE_CLIENT_ID")?),
        tenant_id: Some(told("tenant", "AZURE_TENANT_ID")?),
        // read at each login: it is exchanged
        token_file_path: Some(path),
    };
    Ok(WorkloadIdentityCredential::new(Some(options)).map_err(|error| super::unusable(&error))?)
}
