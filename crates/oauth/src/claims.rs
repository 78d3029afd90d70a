//! What an identity token says, as far as this login is concerned (OpenID Connect Core, section 3.1.3.7).
//!
//! Its signature is not looked at: it came from the token endpoint over TLS, which that section takes in its place, and whoever it is
//! shown to verifies it.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::clock::now;

/// Clocks may differ by so many seconds.
const SLACK: i64 = 120;

/// What the token of this login has to say.
pub(crate) struct Expected<'e> {
    pub(crate) issuer: Option<&'e str>,
    pub(crate) client: &'e str,
    pub(crate) nonce: &'e str,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    nonce: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn holds(&self, client: &str) -> bool {
        match self {
            Self::One(one) => one == client,
            Self::Many(many) => many.iter().any(|one| one == client),
        }
    }
}

impl Expected<'_> {
    pub(crate) fn check(&self, token: &SecretValue) -> Result<(), ProviderError> {
        let refuse = |why: &str| {
            ProviderError::new(ErrorKind::BadAnswer, format!("the identity token is refused: {why}"))
        };
        let claims = claims(token).ok_or_else(|| refuse("it is none"))?;
        if self.issuer.is_some_and(|issuer| issuer != claims.iss) {
            return Err(refuse("it is of another issuer"));
        }
        if !claims.aud.holds(self.client) {
            return Err(refuse("it is for another client"));
        }
        if !bool::from(claims.nonce.as_bytes().ct_eq(self.nonce.as_bytes())) {
            return Err(refuse("it is of another login"));
        }
        #[allow(clippy::cast_precision_loss, reason = "a time of this century")]
        let over = (now() - SLACK) as f64;
        if claims.exp <= over {
            return Err(refuse("its time is over"));
        }
        Ok(())
    }
}

fn claims(token: &SecretValue) -> Option<Claims> {
    let mut parts = token.expose_secret().split(|byte| *byte == b'.');
    let [Some(_), Some(claims), Some(_), None] = [parts.next(), parts.next(), parts.next(), parts.next()]
    else {
        return None;
    };
    let json = Zeroizing::new(BASE64URL_NOPAD.decode(claims).ok()?);
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> SecretValue {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let text = format!("{}.{}.{}", part("{\"alg\":\"RS256\"}"), part(claims), part("signature"));
        SecretValue::new(text.into_bytes()).expect("short")
    }

    const EXPECTED: Expected<'_> =
        Expected { issuer: Some("https://id.example.com"), client: "subrosa", nonce: "n-1" };

    #[test]
    fn a_token_of_this_login_is_taken() {
        for aud in [r#""subrosa""#, r#"["other","subrosa"]"#] {
            let claims =
                format!(r#"{{"iss":"https://id.example.com","aud":{aud},"exp":9e9,"nonce":"n-1","x":[]}}"#);
            EXPECTED.check(&token(&claims)).expect("it is ours");
        }
    }

    #[test]
    fn hostile_h86_a_token_of_another_login_is_refused_and_never_quoted() {
        for (claims, why) in [
            (r#"{"iss":"https://evil.example","aud":"subrosa","exp":9e9,"nonce":"n-1"}"#, "issuer"),
            (r#"{"iss":"https://id.example.com","aud":"hunter2","exp":9e9,"nonce":"n-1"}"#, "client"),
            (r#"{"iss":"https://id.example.com","aud":[],"exp":9e9,"nonce":"n-1"}"#, "client"),
            (
                r#"{"iss":"https://id.example.com","aud":"subrosa","exp":9e9,"nonce":"hunter2"}"#,
                "another login",
            ),
            (r#"{"iss":"https://id.example.com","aud":"subrosa","exp":9e9}"#, "another login"),
            (r#"{"iss":"https://id.example.com","aud":"subrosa","exp":1e9,"nonce":"n-1"}"#, "over"),
            (r#"{"iss":"https://id.example.com","aud":"subrosa","nonce":"n-1"}"#, "none"),
            ("hunter2", "none"),
        ] {
            let error = EXPECTED.check(&token(claims)).expect_err(claims);
            assert_eq!(error.kind(), ErrorKind::BadAnswer);
            assert!(error.to_string().contains(why) && !error.to_string().contains("hunter2"), "{error}");
        }
        for text in ["", "a.b", "a.b.c", "a.b.c.d", "hunter2"] {
            assert!(EXPECTED.check(&SecretValue::new(text.as_bytes().to_vec()).expect("short")).is_err());
        }
    }
}
