//! What an application signs to show who it is.
//!
//! The form is that of "Certificate credentials for application authentication" (Microsoft identity platform) and RFC 7523: PS256, the
//! certificate named by `x5t#S256`. Microsoft's own credential for it would bring OpenSSL.

use std::fmt;

use async_trait::async_trait;
use azure_core::error::ErrorKind as Kind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PSS_SHA256;
use subrosa_http::IdentityParts;
use subrosa_provider::{ErrorKind, ProviderError};

use crate::fault::Fault;
use crate::token::now;

/// How long what was signed is good for, in seconds.
const LIFE: i64 = 600;

/// Signs for one application at one authority.
pub(super) struct Signer {
    key: KeyPair,
    header: String,
    client: String,
    audience: String,
}

impl Signer {
    pub(super) fn new(
        parts: &IdentityParts,
        client: String,
        audience: String,
    ) -> Result<Self, ProviderError> {
        let refuse = |why: &str| ProviderError::new(ErrorKind::BadSettings, why);
        let key = KeyPair::from_pkcs8(&parts.key).or_else(|_| KeyPair::from_der(&parts.key));
        let key = key.map_err(|_| refuse("Entra ID takes RSA keys of 2048 to 4096 bits alone"))?;
        let certificate = parts.chain.first().ok_or_else(|| refuse("there is no certificate"))?;
        let thumbprint = BASE64URL_NOPAD.encode(digest(&SHA256, certificate).as_ref());
        let header = serde_json::json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint });
        Ok(Self { key, header: part(&header), client, audience })
    }

    fn sign(&self) -> Result<String, ProviderError> {
        let failed = |_| ProviderError::new(ErrorKind::BadSettings, "the certificate's key cannot sign");
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| {
            ProviderError::new(ErrorKind::Unavailable, format!("no random numbers: {error}"))
        })?;
        let (client, begins) = (&self.client, now());
        let claims = part(&serde_json::json!({
            "aud": self.audience, "iss": client, "sub": client, "jti": HEXLOWER.encode(&id),
            "nbf": begins, "iat": begins, "exp": begins + LIFE,
        }));
        let signed = format!("{}.{claims}", self.header);
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(failed)?;
        Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
    }
}

fn part(json: &serde_json::Value) -> String {
    BASE64URL_NOPAD.encode(json.to_string().as_bytes())
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Signer").finish_non_exhaustive()
    }
}

#[async_trait]
impl ClientAssertion for Signer {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.sign().map_err(|error| azure_core::Error::new(Kind::Other, Fault::Failed(error)))
    }
}
