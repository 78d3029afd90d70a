//! Where a server is.

use subrosa_http::{Connection, RequestDraft};
use subrosa_provider::{ErrorKind, ProviderError};

/// The address of a server in the form in which it is stored: no slash at its end, host in lower case.
///
/// Plain http is refused without `plain_http`, on loopback too: whoever of the machine's users is first there gets the port, and
/// the credential with it.
///
/// # Errors
/// [`BadSettings`](ErrorKind::BadSettings). The address is not repeated, for it could hold a password.
pub fn settle_address(text: &str, plain_http: bool) -> Result<String, ProviderError> {
    let refuse =
        |why: &str| ProviderError::new(ErrorKind::BadSettings, format!("the address is refused: {why}"));
    if text.contains(['?', '#', '@']) {
        return Err(refuse("it holds more than scheme, host, port and path"));
    }
    if !text.contains("://") {
        return Err(refuse("it does not begin with https://"));
    }
    let text = text.trim_end_matches('/');
    let plan = RequestDraft::new(subrosa_http::Text::literal(text)).plan(&Connection::plain());
    let plan = plan.map_err(|error| refuse(&error.to_string()))?;
    let origin = &plan.destination().origin;
    if !origin.scheme.is_encrypted() && !plain_http {
        return Err(refuse("plain http shows the credential to everybody on the way"));
    }
    let (_, rest) = text.split_once("://").unwrap_or_default();
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    Ok(format!("{origin}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mean_the_same_are_the_same() {
        for text in
            ["https://vault.example.com", "https://VAULT.example.com:443/", "HTTPS://vault.example.com//"]
        {
            assert_eq!(settle_address(text, false).expect(text), "https://vault.example.com");
        }
        let shared = settle_address("https://example.com:8443/vault/", false).expect("a path in front");
        assert_eq!(shared, "https://example.com:8443/vault");
    }

    #[test]
    fn hostile_h83_a_plain_http_address_is_refused_unless_said_so() {
        for text in ["http://vault.example.com:8200", "http://127.0.0.1:8200", "http://localhost"] {
            let error = settle_address(text, false).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::BadSettings);
            assert!(settle_address(text, true).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_address_is_no_more_than_one() {
        for text in [
            "",
            "vault.example.com",
            "ftp://vault.example.com",
            "https://user:hunter2@vault.example.com",
            "https://vault.example.com?token=hunter2",
            "https://vault.example.com#hunter2",
            "https://<<vault:hunter2>>/",
            "https://a b/",
            "https://",
        ] {
            let error = settle_address(text, true).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::BadSettings);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
