//! Secrets in AWS Secrets Manager, by the official SDK.
//!
//! A target is `SECRET[?stage=STAGE|version=ID][&role=ARN][#KEY]`: a name or an ARN, the version at a stage or of an id, the role that
//! reads it, one key of a secret that is a JSON object.
//!
//! What this crate is not: it does not know the SDK's chain of credentials. How a connection logs in is said when it is made, and the
//! environment decides nothing of it, so that it means the same tomorrow.
//!
//! Invariants: a secret is asked for once in a lookup, however many keys of it are wanted. Requests leave for AWS or for the endpoints
//! that were named, over TLS, and follow no redirect. No error quotes an answer. Lasting keys sign nothing but the login.
//!
//! ```
//! use subrosa_provider::{Settings, System as _};
//! use subrosa_provider_aws::Aws;
//!
//! # fn main() -> Result<(), subrosa_provider::ProviderError> {
//! let settings = Aws.settle(Settings::from_iter([("region", "eu-central-1")]))?;
//! assert_eq!(Aws.target(&settings, "prod/stripe?stage=AWSCURRENT#api-key")?, "prod/stripe#api-key");
//! assert!(Aws.target(&settings, "prod/stripe?stage=").is_err());
//! # Ok(()) }
//! ```

mod arn;
mod auth;
mod batch;
mod clock;
mod connected;
mod fault;
mod keys;
mod lookup;
mod offers;
mod read;
mod services;
mod settings;
mod state;
mod target;
mod transport;
mod write;

use subrosa_provider::{External, Login, Method, ProviderError, Setting, Settings, System};

use connected::Connected;

/// The system: AWS Secrets Manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aws;

impl System for Aws {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn about(&self) -> &'static str {
        "AWS Secrets Manager"
    }

    fn settings(&self) -> &'static [Setting] {
        settings::SETTINGS
    }

    fn methods(&self) -> &'static [Method] {
        auth::METHODS
    }

    fn example(&self) -> &'static str {
        "prod/stripe#api-key"
    }

    fn settle(&self, settings: Settings) -> Result<Settings, ProviderError> {
        settings::settle(settings)
    }

    fn target(&self, _: &Settings, text: &str) -> Result<String, ProviderError> {
        target::Target::parse(text).map(|target| target.to_string())
    }

    fn connect<'a>(
        &self,
        settings: &Settings,
        login: Login<'a>,
    ) -> Result<Box<dyn External + 'a>, ProviderError> {
        Ok(Box::new(Connected::new(settings, login)))
    }
}
