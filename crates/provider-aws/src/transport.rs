//! How the SDK sends: by this project's own transport, with its limits and its trust, and to AWS alone.
//!
//! The SDK's credential providers read `AWS_ENDPOINT_URL`, so that each request is looked at before it leaves.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::{Answer, Outgoing, RelayHandle};
use subrosa_secret::SecretValue;

/// One attempt and all attempts.
const ATTEMPT: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(30);

/// Headers whose values are credentials.
const SECRET: [&str; 4] =
    ["authorization", "x-amz-security-token", "x-amz-sso_bearer_token", "x-aws-ec2-metadata-token"];
/// What the transport says by itself.
const OWN: [&str; 2] = ["content-length", "host"];

/// Where AWS's services are: the DNS suffixes of its partitions (the SDK's `partitions.json`).
const SUFFIXES: [&str; 8] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
];

/// How often and how long the SDK tries.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(3))
}

/// How long it waits.
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(PATIENCE).build()
}

/// Which addresses are contacted.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// AWS, over TLS, and these origins.
    Aws(Vec<String>),
    /// These origins alone.
    Origins(Vec<String>),
    /// What a container's variables name, which the SDK judges: loopback and the link-local addresses of ECS and EKS, or TLS.
    Container,
}

impl Reach {
    fn allows(&self, uri: &str) -> bool {
        let Ok(uri) = uri.parse::<http::Uri>() else { return false };
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        let is_named = |origins: &[String]| origins.contains(&format!("{scheme}://{host}{port}"));
        let is_aws = || SUFFIXES.iter().any(|suffix| host.ends_with(suffix));
        match self {
            Self::Aws(others) => (scheme == "https" && uri.port().is_none() && is_aws()) || is_named(others),
            Self::Origins(origins) => is_named(origins),
            Self::Container => true,
        }
    }
}

/// The origin of an address.
pub(crate) fn origin(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or_default();
    format!("{scheme}://{}", rest.split('/').next().unwrap_or_default())
}

/// What the SDK is given to send by.
#[derive(Debug, Clone)]
pub(crate) struct Carrier {
    pub(crate) relay: RelayHandle,
    pub(crate) reach: Reach,
}

impl HttpClient for Carrier {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Carrier {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !self.reach.allows(request.uri()) {
            let text = "another address than AWS's was to be asked";
            let error = ProviderError::new(ErrorKind::BadSettings, text).hint_at(
                "AWS_ENDPOINT_URL is not followed: connect with --endpoint URL and --sts-endpoint URL",
            );
            return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
        }
        let (outgoing, relay) = (outgoing(&request), self.relay.clone());
        HttpConnectorFuture::new(async move {
            let answer = match outgoing {
                Ok(outgoing) => relay.send(outgoing).await,
                Err(error) => Err(error),
            };
            response(answer.map_err(failed)?)
        })
    }
}

/// What may pass is tried again by the SDK.
fn failed(error: ProviderError) -> ConnectorError {
    match error.kind() {
        ErrorKind::Unavailable => ConnectorError::io(error.into()),
        _ => ConnectorError::other(error.into(), None),
    }
}

fn outgoing(request: &HttpRequest) -> Result<Outgoing, ProviderError> {
    let mut outgoing = Outgoing::new(request.method(), request.uri());
    for (name, value) in request.headers() {
        if SECRET.contains(&name) {
            let value = SecretValue::new(value.as_bytes().to_vec())
                .map_err(|_| ProviderError::new(ErrorKind::BadSettings, "a credential is too long"))?;
            outgoing = outgoing.secret_header(name, value);
        } else if !OWN.contains(&name) {
            outgoing = outgoing.header(name, value);
        }
    }
    match request.body().bytes() {
        Some([]) => Ok(outgoing),
        Some(bytes) => Ok(outgoing.body(bytes.to_vec())),
        None => Err(ProviderError::new(ErrorKind::BadSettings, "no stream is sent")),
    }
}

fn response(answer: Answer) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(answer.status());
    let status = status.map_err(|error| ConnectorError::other(error.into(), None))?;
    let headers: Vec<(String, String)> =
        answer.headers().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let mut response = HttpResponse::new(status, SdkBody::from(answer.into_body().to_vec()));
    for (name, value) in headers {
        // what is no header's text for the SDK is nothing that it looks for
        let _ = response.headers_mut().try_append(name, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_h84_nothing_but_aws_is_asked() {
        let reach = Reach::Aws(vec!["https://127.0.0.1:4566".to_owned()]);
        for good in [
            "https://secretsmanager.eu-central-1.amazonaws.com/",
            "https://sts.cn-north-1.amazonaws.com.cn/?x=y",
            "https://portal.sso.us-east-1.amazonaws.com/federation/credentials",
            "https://127.0.0.1:4566/a",
        ] {
            assert!(reach.allows(good), "{good}");
        }
        for bad in [
            "http://secretsmanager.eu-central-1.amazonaws.com/",
            "https://secretsmanager.eu-central-1.amazonaws.com:8443/",
            "https://amazonaws.com.evil.example/",
            "https://evilamazonaws.com/",
            "https://x.amazonaws.com@evil.example/",
            "http://127.0.0.1:4566/",
            "https://127.0.0.1/",
            "/",
            "",
        ] {
            assert!(!reach.allows(bad), "{bad}");
        }
        let metadata = Reach::Origins(vec!["http://127.0.0.1:1338".to_owned()]);
        assert!(metadata.allows("http://127.0.0.1:1338/latest/api/token"));
        assert!(!metadata.allows("http://169.254.169.254/latest/api/token"));
    }
}
