//! What a vault holds.

use azure_security_keyvault_secrets::models::{SecretClientListSecretPropertiesOptions, SecretProperties};
use azure_security_keyvault_secrets::{ResourceExt as _, SecretClient};
use futures_util::StreamExt as _;
use subrosa_provider::{ErrorKind, Offer, Offers, ProviderError};

use crate::connected::Connected;
use crate::fault;
use crate::target::Target;

/// So many secrets are looked through.
const MAX_LOOKED_AT: usize = 10_000;

impl Connected<'_> {
    /// Secrets that have `search` in their name. Values are not read.
    pub(crate) fn found(
        &self,
        client: &SecretClient,
        search: &str,
        limit: usize,
    ) -> Result<Offers, ProviderError> {
        let search = search.to_lowercase();
        let pager = client.list_secret_properties(None);
        let (mut offers, mut looked_at) = (Offers::default(), 0);
        let listed = self.relay.run(async {
            let mut pages = pager?;
            while let Some(secret) = pages.next().await.transpose()? {
                looked_at += 1;
                if looked_at > MAX_LOOKED_AT {
                    offers.more = true;
                    break;
                }
                let named = secret.resource_id().ok();
                let target = named
                    .and_then(|id| Target::parse(self.vault(), &id.name).ok())
                    .map(|target| target.to_string());
                let wanted = target.filter(|target| target.contains(&search));
                offers.found.extend(wanted.map(|target| Offer { target, about: about(&secret) }));
            }
            Ok(())
        });
        listed.map_err(|error: azure_core::Error| {
            let absent = || ProviderError::new(ErrorKind::NotFound, "there is no such vault");
            fault::of(&error).unwrap_or_else(absent)
        })?;
        offers.found.sort_by(|one, other| one.target.cmp(&other.target));
        offers.more |= offers.found.len() > limit;
        offers.found.truncate(limit);
        Ok(offers)
    }

    /// Asks for as little as there is, to see whether the token is taken. Who may read secrets need not be allowed to list them.
    pub(crate) fn knock(&self, client: &SecretClient) -> Result<(), ProviderError> {
        let wish = SecretClientListSecretPropertiesOptions {
            maxresults: Some(1),
            ..SecretClientListSecretPropertiesOptions::default()
        };
        let pager = client.list_secret_properties(Some(wish));
        let first = self.relay.run(async { pager?.into_pages().next().await.transpose() });
        match first.map_err(|error| fault::of(&error)) {
            Ok(_) => Ok(()),
            Err(Some(error))
                if error.kind() == ErrorKind::Denied && error.to_string() == fault::NOT_PERMITTED =>
            {
                Ok(())
            }
            Err(Some(error)) => Err(error),
            Err(None) => Err(ProviderError::new(ErrorKind::NotFound, "there is no such vault")),
        }
    }
}

/// What tells a secret from others: that it cannot be read, else of which kind its owner says that it is.
fn about(secret: &SecretProperties) -> String {
    let is_off = secret.attributes.as_ref().and_then(|attributes| attributes.enabled) == Some(false);
    let kind = secret.content_type.as_deref().unwrap_or_default();
    match (is_off, kind) {
        (true, _) => "disabled".to_owned(),
        (false, kind)
            if kind.len() <= 64 && kind.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') =>
        {
            kind.to_owned()
        }
        _ => String::new(),
    }
}
