//! What an answer of AWS that is none of success means, in terms of the provider contract.
//!
//! Of a message nothing is repeated: services quote what they were sent. Of codes only those are told that stand here.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use subrosa_provider::{ErrorKind, ProviderError};

/// Codes with what they say, as the services' lists of errors document them: Common Error Types of Secrets Manager, STS and IAM, and
/// the errors of each action.
const CODES: &[(&[&str], ErrorKind, &str)] = &[
    (
        &["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "UnauthorizedException"],
        ErrorKind::Expired,
        "the session is over",
    ),
    (
        &[
            "AccessDenied",
            "AccessDeniedException",
            "NotAuthorized",
            "UnauthorizedOperation",
            "ForbiddenException",
        ],
        ErrorKind::Denied,
        "permission denied",
    ),
    (
        &[UNKNOWN_KEYS[0], UNKNOWN_KEYS[1], UNKNOWN_KEYS[2], "AuthFailure"],
        ErrorKind::Denied,
        "AWS does not know the access key, or not with this session token",
    ),
    (
        &["SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"],
        ErrorKind::Denied,
        "the secret access key is not the access key's own, or the signature was changed on its way",
    ),
    (
        &["RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"],
        ErrorKind::Denied,
        "the clock of this machine is wrong",
    ),
    (
        &[
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "OptInRequired",
            "InvalidIdentityToken",
            "IDPRejectedClaim",
        ],
        ErrorKind::Denied,
        "the login was refused",
    ),
    (&["RegionDisabledException"], ErrorKind::Denied, "the region is not switched on in the account"),
    (
        &["DecryptionFailure", "EncryptionFailure", "KMSAccessDeniedException", "KMSDisabledException"],
        ErrorKind::Denied,
        "the KMS key of the secret cannot be used",
    ),
    (&["ResourceNotFoundException", "NoSuchEntity"], ErrorKind::NotFound, "there is nothing of that name"),
    (
        &["InvalidRequestException"],
        ErrorKind::NotFound,
        "it is being deleted, has no value yet, or is managed by another service",
    ),
    (&["ResourceExistsException"], ErrorKind::BadLink, "there is one of that name already"),
    (
        &[
            "InvalidParameterException",
            "ValidationException",
            "ValidationError",
            "InvalidParameterValue",
            "InvalidParameterCombination",
            "MalformedPolicyDocumentException",
        ],
        ErrorKind::BadLink,
        "AWS does not take what it was asked for",
    ),
    (
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "LimitExceededException",
            "SlowDown",
            "BandwidthLimitExceeded",
        ],
        ErrorKind::Throttled,
        "too many requests",
    ),
    (
        &[
            "InternalServiceError",
            "InternalFailure",
            "InternalError",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "IDPCommunicationError",
        ],
        ErrorKind::Unavailable,
        "the service failed",
    ),
];

/// Of access keys that are gone; a session that was taken back is told so too.
const UNKNOWN_KEYS: [&str; 3] = ["UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"];

type Failure<E> = SdkError<E, HttpResponse>;

/// Why a call gave nothing; `what` it was about stands in front.
pub(crate) fn of<E: ProvideErrorMetadata>(error: &Failure<E>, what: &str) -> ProviderError {
    if let SdkError::DispatchFailure(failure) = error {
        return of_connector(failure.as_connector_error(), what);
    }
    let (kind, why) = match error {
        SdkError::ServiceError(service) => of_answer(service.err().code(), service.raw().status().as_u16()),
        SdkError::ResponseError(response) => of_answer(None, response.raw().status().as_u16()),
        SdkError::TimeoutError(_) => (ErrorKind::Unavailable, "no answer in time".to_owned()),
        _ => (ErrorKind::BadSettings, "the request cannot be made".to_owned()),
    };
    ProviderError::new(kind, format!("{what}: {why}"))
}

/// What a code and a status say.
pub(crate) fn of_answer(code: Option<&str>, status: u16) -> (ErrorKind, String) {
    let known = code.and_then(|code| CODES.iter().find(|(codes, ..)| codes.contains(&code)));
    if let Some((_, kind, why)) = known {
        return (*kind, (*why).to_owned());
    }
    match status {
        200..=299 => (ErrorKind::BadAnswer, "the answer is not what it should be".to_owned()),
        300..=399 => (ErrorKind::BadSettings, "the answer is a redirect, which is not followed".to_owned()),
        401 | 403 => (ErrorKind::Denied, "permission denied".to_owned()),
        429 => (ErrorKind::Throttled, "too many requests".to_owned()),
        500..=599 => (ErrorKind::Unavailable, format!("the service failed with status {status}")),
        _ => (ErrorKind::BadAnswer, format!("the service answered with status {status}")),
    }
}

/// The same of a code that stands in an answer of success, for one secret among several.
pub(crate) fn of_code(code: &str, what: &str) -> ProviderError {
    let (kind, why) = of_answer(Some(code), 200);
    let why =
        if kind == ErrorKind::BadAnswer { "AWS does not say why it is not given".to_owned() } else { why };
    ProviderError::new(kind, format!("{what}: {why}"))
}

/// Whether the access keys of a request are not, or no longer, known.
pub(crate) fn keys_are_dead<E: ProvideErrorMetadata>(error: &Failure<E>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| UNKNOWN_KEYS.contains(&code) || code.starts_with("ExpiredToken"))
}

/// Of what the transport says nothing is lost: it tells no more than it may.
pub(crate) fn of_connector(error: Option<&ConnectorError>, what: &str) -> ProviderError {
    let cause =
        error.and_then(|error| chain(Some(error)).find_map(|error| error.downcast_ref::<ProviderError>()));
    match cause {
        Some(cause) => cause.again().about(what),
        None if error.is_some_and(ConnectorError::is_timeout) => {
            ProviderError::new(ErrorKind::Unavailable, format!("{what}: no answer in time"))
        }
        None => ProviderError::new(ErrorKind::Unavailable, format!("{what}: no connection")),
    }
}

/// An error and those behind it.
fn chain<'e>(first: Option<&'e (dyn Error + 'static)>) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = first;
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// Why a credential provider of the SDK gave none.
pub(crate) fn of_credentials(error: &CredentialsError, what: &str) -> ProviderError {
    if let Some(failure) = of_transport(error, what) {
        return failure;
    }
    let failed = |kind, why: &str| ProviderError::new(kind, format!("{what}: {why}"));
    match error {
        CredentialsError::CredentialsNotLoaded(_) => failed(ErrorKind::NotConnected, "there are none here"),
        CredentialsError::InvalidConfiguration(_) => {
            failed(ErrorKind::BadSettings, "its settings cannot work")
        }
        _ => failed(ErrorKind::Unavailable, "none could be had"),
    }
}

/// The same where nobody answered.
pub(crate) fn of_transport(error: &CredentialsError, what: &str) -> Option<ProviderError> {
    let failure = chain(Some(error)).find_map(|error| error.downcast_ref::<ConnectorError>());
    match error {
        CredentialsError::ProviderTimedOut(_) => {
            Some(ProviderError::new(ErrorKind::Unavailable, format!("{what}: no answer in time")))
        }
        _ => failure.map(|failure| of_connector(Some(failure), what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_one_meaning_and_what_is_not_known_is_not_repeated() {
        let all: Vec<&str> = CODES.iter().flat_map(|(codes, ..)| codes.iter().copied()).collect();
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len());
        for (code, status, kind) in [
            (Some("ThrottlingException"), 400, ErrorKind::Throttled),
            (Some("ExpiredTokenException"), 400, ErrorKind::Expired),
            (Some("hunter2"), 400, ErrorKind::BadAnswer),
            (None, 307, ErrorKind::BadSettings),
            (None, 403, ErrorKind::Denied),
            (None, 429, ErrorKind::Throttled),
            (None, 503, ErrorKind::Unavailable),
        ] {
            let (found, why) = of_answer(code, status);
            assert_eq!(found, kind, "{code:?}");
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(!of_code("hunter2", "a").to_string().contains("hunter2"));
    }
}
