//! What keeps an answer from coming, in terms of the provider contract.

use subrosa_http::HttpError;
use subrosa_provider::{ErrorKind, ProviderError};

/// The transport's errors name hosts and reasons, never a value; what the credential of a call is called there is not for people.
pub(crate) fn of(error: &HttpError) -> ProviderError {
    let kind = match error {
        HttpError::ValueRefused { .. } => {
            return ProviderError::new(
                ErrorKind::BadSettings,
                "the credential holds what cannot be sent in its place",
            );
        }
        HttpError::Reply { .. }
        | HttpError::NotHttp { .. }
        | HttpError::SpeaksTls { .. }
        | HttpError::Decoding { .. }
        | HttpError::CodingUnknown => ErrorKind::BadAnswer,
        HttpError::UrlMalformed { .. }
        | HttpError::SchemeUnsupported { .. }
        | HttpError::HeaderRefused { .. }
        | HttpError::CaFile { .. }
        | HttpError::ClientCertificate { .. }
        | HttpError::PassphraseMissing
        | HttpError::PassphraseWrong
        | HttpError::KeyFormOld
        | HttpError::Setup { .. } => ErrorKind::BadSettings,
        _ => ErrorKind::Unavailable,
    };
    let said = ProviderError::new(kind, error.to_string());
    match error {
        HttpError::Certificate { .. } => {
            said.hint_at("connect with --ca FILE, where an authority of your own signed it")
        }
        _ => said,
    }
}
