//! What a person reads of a request that failed, and the exit code.

use crate::exit::Exit;
use crate::failure::Failure;
use subrosa_http::HttpError;

/// curl's code where curl has one; ours where a secret was at stake.
pub(super) fn exit_of(error: &HttpError) -> Exit {
    match (error.curl_code(), error) {
        (Some(code), _) => Exit::curl(code),
        (None, HttpError::MethodMalformed) => Exit::USAGE,
        (None, _) => Exit::UNRESOLVED,
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Failure {
        let failure = Failure::new(exit_of(&error), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
