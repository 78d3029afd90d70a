//! Values on their way to the vault.

use azure_security_keyvault_secrets::SecretClient;
use azure_security_keyvault_secrets::models::{Secret, SetSecretParameters};
use subrosa_provider::{ErrorKind, ProviderError, WriteMode};
use subrosa_secret::SecretValue;

use crate::connected::Connected;
use crate::fault;
use crate::target::Target;

/// The longest value that a vault takes, in bytes ("About Azure Key Vault secrets").
const MAX_LEN: usize = 25 * 1024;

impl Connected<'_> {
    /// Adds a version. What its owner says of a secret belongs to a version here, so that it is taken over from the one before.
    pub(crate) fn put(
        &self,
        client: &SecretClient,
        target: &Target,
        value: &SecretValue,
        mode: WriteMode,
    ) -> Result<(), ProviderError> {
        let text = writable(target, value)?;
        let before = match self.current(client, target)? {
            // the vault has no call that does both at once
            Some(_) if mode == WriteMode::New => {
                return Err(ProviderError::new(ErrorKind::Exists, "there is a secret of that name"));
            }
            found => found.unwrap_or_default(),
        };
        let parameters = SetSecretParameters {
            value: Some(text.to_owned()),
            content_type: before.content_type,
            tags: before.tags,
            secret_attributes: None,
        };
        let body = parameters.try_into().map_err(|_| refuse("it is no value that can be sent"))?;
        let written = self.relay.run(client.set_secret(&target.name, body, None));
        written.map(drop).map_err(|error| failed(&error))
    }

    /// The secret as it is, if there is one.
    fn current(&self, client: &SecretClient, target: &Target) -> Result<Option<Secret>, ProviderError> {
        let asked = self.relay.run(async { client.get_secret(&target.name, None).await?.into_model() });
        match asked {
            Ok(secret) => Ok(Some(secret)),
            Err(error) => fault::of(&error).map_or(Ok(None), Err),
        }
    }
}

/// The text that is written, if a vault takes it there.
fn writable<'v>(target: &Target, value: &'v SecretValue) -> Result<&'v str, ProviderError> {
    if target.version.is_some() {
        return Err(refuse("a version that there is cannot be replaced"));
    }
    if value.len() > MAX_LEN {
        return Err(refuse("Azure Key Vault takes no value that is longer than 25 KiB"));
    }
    std::str::from_utf8(value.expose_secret()).map_err(|_| refuse("Azure Key Vault takes text alone"))
}

fn refuse(why: &str) -> ProviderError {
    ProviderError::new(ErrorKind::Unsupported, why)
}

fn failed(error: &azure_core::Error) -> ProviderError {
    fault::of(error).unwrap_or_else(|| ProviderError::new(ErrorKind::NotFound, "there is no such vault"))
}
