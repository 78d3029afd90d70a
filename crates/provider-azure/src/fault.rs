//! Why there is no answer, in terms of the provider contract. Of bodies nothing but known words and numbers is repeated: servers
//! quote what they were sent.

use std::error::Error;

use azure_core::error::ErrorKind as Kind;
use serde::Deserialize;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_rest::Answer;

/// That the vault knows who asks, and has given no right to do so.
pub(crate) const NOT_PERMITTED: &str = "permission denied";

/// What the transport tells through Microsoft's crates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// There is no such secret, or no such version of it.
    #[error("there is no such secret")]
    Absent,
    #[error("{0}")]
    Failed(#[source] ProviderError),
}

/// An error of the vault ("Key Vault REST API error codes").
#[derive(Deserialize)]
struct VaultError<'a> {
    #[serde(borrow)]
    error: VaultErrorBody<'a>,
}

#[derive(Deserialize)]
struct VaultErrorBody<'a> {
    #[serde(borrow, default)]
    code: &'a str,
    #[serde(borrow, default)]
    innererror: Option<InnerError<'a>>,
}

#[derive(Deserialize)]
struct InnerError<'a> {
    #[serde(borrow, default)]
    code: &'a str,
}

/// An error of the authority ("Microsoft Entra authentication and authorization error codes").
#[derive(Deserialize)]
struct LoginError {
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl Fault {
    fn new(kind: ErrorKind, why: impl Into<String>) -> Self {
        Self::Failed(ProviderError::new(kind, why))
    }

    /// Why the vault does not answer with success.
    pub(crate) fn of_vault(answer: &Answer) -> Self {
        if let Some(common) = common(answer) {
            return common;
        }
        let error: Option<VaultError<'_>> = answer.json().ok();
        let code = error.as_ref().map_or("", |error| error.error.code);
        let inner =
            error.as_ref().and_then(|error| error.error.innererror.as_ref()).map_or("", |inner| inner.code);
        match (answer.status(), code, inner) {
            (404, "SecretNotFound", _) => Self::Absent,
            (404, ..) => Self::new(ErrorKind::NotFound, "there is no such vault, or it has no secrets"),
            (401, ..) => Self::new(ErrorKind::Expired, "the vault does not take the token any more"),
            (403, _, "SecretDisabled") => Self::new(ErrorKind::Denied, "the secret is disabled"),
            (403, _, "ForbiddenByFirewall" | "ForbiddenByConnection") => {
                Self::new(ErrorKind::Denied, "the vault's firewall lets nobody in from here")
            }
            (403, _, "ForbiddenByPolicy" | "ForbiddenByRbac" | "AccessDenied") => {
                Self::new(ErrorKind::Denied, NOT_PERMITTED)
            }
            (403, ..) => Self::new(ErrorKind::Denied, "the vault refuses it"),
            (400, ..) => Self::new(ErrorKind::BadLink, "the vault takes no such name or value"),
            (409, ..) => {
                Self::new(ErrorKind::Exists, "a deleted secret has that name until it is purged or recovered")
            }
            (status, ..) => {
                Self::new(ErrorKind::BadAnswer, format!("the vault answered with status {status}"))
            }
        }
    }

    /// Why nobody gets a token.
    pub(crate) fn of_login(answer: &Answer) -> Self {
        if let Some(common) = common(answer) {
            return common;
        }
        let numbers = answer.json().map(|error: LoginError| error.error_codes).unwrap_or_default();
        let number = numbers.first().copied();
        let said = number.map(|number| format!(" (AADSTS{number})")).unwrap_or_default();
        let (kind, why) = match (answer.status(), number) {
            (_, Some(7_000_215)) => (ErrorKind::Denied, "the client secret is wrong"),
            (_, Some(7_000_222)) => (ErrorKind::Denied, "the client secret is over"),
            (_, Some(700_016)) => (ErrorKind::Denied, "the tenant knows no such application"),
            (_, Some(90_002)) => (ErrorKind::BadSettings, "there is no such tenant"),
            (_, Some(700_027)) => (ErrorKind::Denied, "the application has no such certificate"),
            (_, Some(700_024)) => {
                (ErrorKind::Denied, "this machine's clock is wrong, or the certificate is over")
            }
            (_, Some(70_008 | 700_082 | 700_084 | 50_173)) => (ErrorKind::Expired, "the session is over"),
            (400 | 401 | 403, _) => (ErrorKind::Denied, "the login was refused"),
            _ => (ErrorKind::BadAnswer, "the authority gives no token"),
        };
        Self::new(kind, format!("{why}{said}"))
    }
}

/// What a page says by its text alone, which begins with the number.
pub(crate) fn of_page(_: &str, description: &str) -> Option<ProviderError> {
    let number = description.strip_prefix("AADSTS")?;
    let end = number.find(|other: char| !other.is_ascii_digit()).unwrap_or(number.len());
    let number = number[..end].parse::<u32>().ok()?;
    Some(ProviderError::new(ErrorKind::Denied, format!("the login was refused (AADSTS{number})")))
}

/// What means the same wherever it comes from.
fn common(answer: &Answer) -> Option<Fault> {
    let status = answer.status();
    if let Some(to) = answer.redirect() {
        let text = format!("the server redirects to {to}, which is not followed");
        return Some(Fault::new(ErrorKind::BadSettings, text));
    }
    match status {
        429 => {
            let wait =
                answer.retry_after().map(|seconds| format!("; again in {seconds} s")).unwrap_or_default();
            Some(Fault::new(ErrorKind::Throttled, format!("too many requests{wait}")))
        }
        500..=599 => {
            Some(Fault::new(ErrorKind::Unavailable, format!("the server failed with status {status}")))
        }
        _ => None,
    }
}

/// What kept Microsoft's crates from an answer; their own text is not repeated. `None` for absence.
pub(crate) fn of(error: &azure_core::Error) -> Option<ProviderError> {
    let mut inner: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = inner {
        match one.downcast_ref::<Fault>() {
            Some(Fault::Absent) => return None,
            Some(Fault::Failed(failed)) => return Some(failed.again()),
            None => inner = one.source(),
        }
    }
    let (kind, why) = match error.kind() {
        Kind::DataConversion => (ErrorKind::BadAnswer, "the answer is not the JSON that it should be"),
        Kind::Credential => (ErrorKind::BadAnswer, "there is no token in the answer"),
        Kind::Io | Kind::Connection => (ErrorKind::Unavailable, "the vault cannot be asked"),
        _ => (ErrorKind::BadAnswer, "the answer is not what it should be"),
    };
    Some(ProviderError::new(kind, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_h86_of_a_page_only_the_number_is_told() {
        let error = of_page("access_denied", "AADSTS65004: hunter2").expect("a number");
        assert_eq!(error.to_string(), "the login was refused (AADSTS65004)");
        for text in ["", "hunter2", "AADSTS", "AADSTShunter2", "AADSTS99999999999999: x", "x AADSTS1"] {
            assert!(of_page("hunter2", text).is_none(), "{text}");
        }
    }
}
