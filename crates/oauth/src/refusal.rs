//! What an authority refuses with. Its description is free text, which may repeat what it was sent: only registered codes are told.

use serde::Deserialize;
use subrosa_provider::{ErrorKind, ProviderError};

/// The registry "OAuth Extensions Errors", as far as these flows can meet it, with what each means for a person.
const KNOWN: &[(&str, ErrorKind)] = &[
    // RFC 6749, sections 4.1.2.1 and 5.2
    ("access_denied", ErrorKind::Denied),
    ("invalid_client", ErrorKind::BadSettings),
    ("invalid_grant", ErrorKind::Expired),
    ("invalid_request", ErrorKind::BadSettings),
    ("invalid_scope", ErrorKind::BadSettings),
    ("server_error", ErrorKind::Unavailable),
    ("temporarily_unavailable", ErrorKind::Unavailable),
    ("unauthorized_client", ErrorKind::BadSettings),
    ("unsupported_grant_type", ErrorKind::BadSettings),
    ("unsupported_response_type", ErrorKind::BadSettings),
    // RFC 8628, section 3.5
    ("authorization_pending", ErrorKind::Expired),
    ("authorization_declined", ErrorKind::Denied),
    ("expired_token", ErrorKind::Expired),
    ("slow_down", ErrorKind::Throttled),
    // OpenID Connect Core, section 3.1.2.6
    ("account_selection_required", ErrorKind::Denied),
    ("consent_required", ErrorKind::Denied),
    ("interaction_required", ErrorKind::Expired),
    ("login_required", ErrorKind::Expired),
    // RFC 8707; and what OpenBao and Microsoft call theirs
    ("invalid_target", ErrorKind::BadSettings),
    ("invalid_redirect_uri", ErrorKind::BadSettings),
    ("invalid_resource", ErrorKind::BadSettings),
    ("max_age_violation", ErrorKind::Expired),
];

/// The body of a refusal (RFC 6749, section 5.2).
#[derive(Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) error: String,
}

/// An error for a code that an authority gave.
pub(crate) fn of(code: &str) -> ProviderError {
    match KNOWN.iter().find(|(known, _)| *known == code) {
        Some((known, kind)) => ProviderError::new(*kind, format!("the login was refused: {known}")),
        None => ProviderError::new(
            ErrorKind::Denied,
            "the login was refused, for a reason that has no common name",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_are_registered_are_told() {
        assert_eq!(of("access_denied").to_string(), "the login was refused: access_denied");
        for code in ["hunter2", "access_denied\u{1b}[2J", "", "Access_Denied"] {
            let error = of(code);
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert!(code.is_empty() || !error.to_string().contains(code), "{error}");
        }
    }
}
