//! The service account of a pod.

use std::path::Path;

use subrosa_provider::{ErrorKind, Method, ProviderError, Settings};
use subrosa_rest::JsonObject;
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

use crate::api::Api;
use crate::token::Token;

pub(super) const METHOD: Method =
    Method { name: "kubernetes", credential: "", needs: &["role"], person: false };

/// Where Kubernetes puts it.
const FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

pub(super) fn log_in(api: &Api, settings: &Settings) -> Result<Token, ProviderError> {
    // read at each login: the kubelet exchanges it
    let jwt = read(Path::new(settings.text("jwt-file").unwrap_or(FILE)))?;
    let fields =
        JsonObject::default().text("role", settings.text("role").unwrap_or_default()).secret("jwt", &jwt);
    super::send(api, settings, METHOD.name, "login", fields)
}

fn read(path: &Path) -> Result<SecretValue, ProviderError> {
    let failed =
        |why: String| ProviderError::new(ErrorKind::BadSettings, format!("{}: {why}", path.display()));
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|error| failed(error.to_string()))?);
    SecretValue::new(bytes.trim_ascii().to_vec()).map_err(|error| failed(error.to_string()))
}
