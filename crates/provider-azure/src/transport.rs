//! How Microsoft's crates send: by this project's own transport, with its limits and its trust.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::error::ErrorKind as Kind;
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, Body, ClientOptions, HttpClient, Request, RetryOptions, StatusCode, Transport,
};
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::{Answer, Outgoing, RelayHandle};
use subrosa_secret::SecretValue;

use crate::fault::Fault;

/// Headers whose values are credentials.
const SECRET: [&str; 2] = ["authorization", "x-identity-header"];
/// What the transport says by itself.
const OWN: [&str; 2] = ["content-length", "host"];

/// Who is at the other end, which decides what an answer that is none of success means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Vault,
    Login,
}

#[derive(Debug)]
struct Carrier {
    relay: RelayHandle,
    end: End,
}

/// Options for a client: nothing of the environment, no second try, this transport.
pub(crate) fn options(relay: &RelayHandle, end: End, authority: &str) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = authority.to_owned();
    ClientOptions {
        retry: RetryOptions::none(),
        transport: Some(Transport::new(Arc::new(Carrier { relay: relay.clone(), end }))),
        cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
        ..ClientOptions::default()
    }
}

#[async_trait]
impl HttpClient for Carrier {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let has_token = request.headers().iter().any(|(name, _)| name.as_str() == SECRET[0]);
        let answer = match outgoing(request) {
            Ok(outgoing) => self.relay.send(outgoing).await.map_err(Fault::Failed),
            Err(error) => Err(Fault::Failed(error)),
        };
        // an answer of no success would stand in their errors with all that it holds
        let judged = answer.and_then(|answer| match self.end {
            _ if answer.is_success() => Ok(answer),
            // the question which authority it is
            End::Vault if answer.status() == 401 && !has_token => Ok(answer),
            End::Vault => Err(Fault::of_vault(&answer)),
            End::Login => Err(Fault::of_login(&answer)),
        });
        // of no kind that is tried again
        judged.map(response).map_err(|fault| azure_core::Error::new(Kind::Other, fault))
    }
}

fn outgoing(request: &Request) -> Result<Outgoing, ProviderError> {
    let mut outgoing = Outgoing::new(request.method().as_str(), request.url().as_str());
    for (name, value) in request.headers().iter() {
        let (name, value) = (name.as_str(), value.as_str());
        if SECRET.contains(&name) {
            let value = SecretValue::new(value.as_bytes().to_vec())
                .map_err(|_| ProviderError::new(ErrorKind::BadAnswer, "the token is too long"))?;
            outgoing = outgoing.secret_header(name, value);
        } else if !OWN.contains(&name) {
            outgoing = outgoing.header(name, value);
        }
    }
    match request.body() {
        Body::Bytes(bytes) if bytes.is_empty() => Ok(outgoing),
        Body::Bytes(bytes) => Ok(outgoing.body(bytes.to_vec())),
        Body::SeekableStream(_) => Err(ProviderError::new(ErrorKind::BadSettings, "no stream is sent")),
    }
}

fn response(answer: Answer) -> AsyncRawResponse {
    let status = StatusCode::from(answer.status());
    let mut headers = Headers::new();
    for (name, value) in answer.headers() {
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    AsyncRawResponse::from_bytes(status, headers, answer.into_body().to_vec())
}
