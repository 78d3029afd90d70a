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
        let failure = Failure::new(exit_of(&error), without_codes(&error.to_string()));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// A text without the system's numbers, `(os error 32)`: they help nobody who reads its words.
fn without_codes(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| match part.split_once(')') {
        Some((_, rest)) => text + rest,
        None => text + part,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_system_are_left_out() {
        for (text, plain) in [
            ("sending failed: Broken pipe (os error 32)", "sending failed: Broken pipe"),
            ("a (os error 1), b (os error 2): c", "a, b: c"),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(without_codes(text), plain);
        }
    }
}
