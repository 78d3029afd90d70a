//! What AWS gives the machine, container or function that this runs on.
//!
//! Containers and functions are told by their environment where to ask, so that these variables, and no others, are read:
//! `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `_FULL_URI`, with `AWS_CONTAINER_AUTHORIZATION_TOKEN` or `_TOKEN_FILE`. A machine is asked
//! at its link-local address, version 2 of the protocol alone (EC2 User Guide, "Use the Instance Metadata Service").

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::{self, credentials::ImdsCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, error::CredentialsError};
use aws_smithy_async::rt::sleep::TokioSleep;
use subrosa_provider::{ErrorKind, Method, ProviderError, Settings};
use subrosa_rest::Relay;

use crate::fault;
use crate::keys::Keys;
use crate::transport::{self, Carrier, Reach};

pub(super) const METHOD: Method = Method { name: "instance", credential: "", needs: &[], person: false };

const CONTAINER: [&str; 2] = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
/// Where a machine finds its credentials.
pub(super) const METADATA: &str = "http://169.254.169.254";
/// A machine answers at once; elsewhere nobody does.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn log_in(settings: &Settings) -> Result<Keys, ProviderError> {
    let told = settings.text("metadata-endpoint");
    let is_container = CONTAINER.iter().any(|name| std::env::var_os(name).is_some());
    match told {
        None if is_container => of_container(),
        _ => of_machine(told.unwrap_or(METADATA)),
    }
}

pub(super) fn of_container() -> Result<Keys, ProviderError> {
    let (relay, config) = asking(Reach::Container)?;
    let provider = EcsCredentialsProvider::builder().configure(&config).build();
    given(relay.run(provider.provide_credentials()), "the container's credentials")
}

pub(super) fn of_machine(endpoint: &str) -> Result<Keys, ProviderError> {
    let (relay, config) = asking(Reach::Origins(vec![transport::origin(endpoint)]))?;
    let client = imds::Client::builder().configure(&config).max_attempts(2);
    let client = client.operation_timeout(PATIENCE).operation_attempt_timeout(PATIENCE).endpoint(endpoint);
    let client = client
        .map_err(|_| ProviderError::new(ErrorKind::BadSettings, "the metadata endpoint is no address"))?
        .build();
    let provider = ImdsCredentialsProvider::builder().configure(&config).imds_client(client).build();
    given(relay.run(provider.provide_credentials()), "the machine's credentials")
}

/// What is asked speaks plain http, and is on no way of anybody else's.
fn asking(reach: Reach) -> Result<(Relay, ProviderConfig), ProviderError> {
    let relay = Relay::new(None, true)?;
    let carrier = Carrier { relay: relay.handle(), reach };
    Ok((relay, ProviderConfig::empty().with_http_client(carrier).with_sleep_impl(TokioSleep::new())))
}

fn given(got: Result<Credentials, CredentialsError>, what: &str) -> Result<Keys, ProviderError> {
    let credentials = got.map_err(|error| fault::of_credentials(&error, what))?;
    Keys::of(&credentials)
}
