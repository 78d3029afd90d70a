//! The services that are asked, each by the SDK's client.

use std::cell::OnceCell;

use aws_sdk_secretsmanager as secretsmanager;
use aws_sdk_sts as sts;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_types::region::Region;
use subrosa_provider::{ErrorKind, ProviderError, Settings};
use subrosa_rest::Relay;

use crate::auth;
use crate::keys::Keys;
use crate::transport::{self, Carrier, Reach};

/// Where things are, and the clients' common parts. Nothing is made before the first question.
pub(crate) struct Services {
    settings: Settings,
    is_profile: bool,
    region: OnceCell<Option<String>>,
    endpoint: Option<String>,
    login_endpoint: Option<String>,
    relay: OnceCell<Relay>,
}

impl Services {
    pub(crate) fn new(settings: &Settings, method: &str) -> Self {
        let text = |name: &str| settings.text(name).map(str::to_owned);
        Self {
            settings: settings.clone(),
            is_profile: method == auth::PROFILE,
            region: OnceCell::new(),
            endpoint: text("endpoint"),
            login_endpoint: text("sts-endpoint"),
            relay: OnceCell::new(),
        }
    }

    fn relay(&self) -> Result<&Relay, ProviderError> {
        if self.relay.get().is_none() {
            let plain_http = self.settings.is_on("insecure-http");
            let _ = self.relay.set(Relay::new(self.settings.text("ca"), plain_http)?);
        }
        Ok(self.relay.get().expect("it was just made"))
    }

    /// Waits for what the SDK does. All of it happens on this thread.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, ProviderError> {
        Ok(self.relay()?.run(work))
    }

    /// What requests go by.
    pub(crate) fn carrier(&self) -> Result<Carrier, ProviderError> {
        let others = [&self.endpoint, &self.login_endpoint].into_iter().flatten();
        let others = others.map(|address| transport::origin(address)).collect();
        Ok(Carrier { relay: self.relay()?.handle(), reach: Reach::Aws(others) })
    }

    /// The region of the connection, which a profile may name.
    pub(crate) fn region(&self) -> Result<&str, ProviderError> {
        let region = self.region.get_or_init(|| match self.settings.text("region") {
            Some(region) => Some(region.to_owned()),
            None => auth::region(self, &self.settings, self.is_profile),
        });
        region.as_deref().ok_or_else(|| {
            ProviderError::new(ErrorKind::BadSettings, "no region is known")
                .hint_at("--region REGION says which")
        })
    }

    pub(crate) fn login_endpoint(&self) -> Option<&str> {
        self.login_endpoint.as_deref()
    }

    /// Secrets Manager in a region.
    pub(crate) fn secrets(&self, region: &str, keys: &Keys) -> Result<secretsmanager::Client, ProviderError> {
        let mut config = secretsmanager::Config::builder()
            .behavior_version_latest()
            .region(Region::new(region.to_owned()))
            .credentials_provider(keys.credentials()?)
            .http_client(self.carrier()?)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(secretsmanager::config::IdentityCache::no_cache())
            .retry_config(transport::retries())
            .timeout_config(transport::timeouts());
        config.set_endpoint_url(self.endpoint.clone());
        Ok(secretsmanager::Client::from_conf(config.build()))
    }

    /// STS in the connection's region; some of its calls need no keys.
    pub(crate) fn sts(&self, keys: Option<&Keys>) -> Result<sts::Client, ProviderError> {
        let mut config = sts::Config::builder()
            .behavior_version_latest()
            .region(Region::new(self.region()?.to_owned()))
            .http_client(self.carrier()?)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(sts::config::IdentityCache::no_cache())
            .retry_config(transport::retries())
            .timeout_config(transport::timeouts());
        config.set_endpoint_url(self.login_endpoint.clone());
        if let Some(keys) = keys {
            config = config.credentials_provider(keys.credentials()?);
        }
        Ok(sts::Client::from_conf(config.build()))
    }
}
