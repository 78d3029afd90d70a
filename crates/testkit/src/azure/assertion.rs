//! What an application signs to show who it is ("Certificate credentials", RFC 7523).

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::certificate::AzureCertificate;
use super::{Azure, now};

/// The longest that an assertion may be good for, in seconds.
const LONGEST: i64 = 24 * 3600;

/// The certificates that the application is known by, and what was signed with them.
#[derive(Default)]
pub(super) struct Assertions {
    /// by thumbprint
    keys: BTreeMap<Vec<u8>, Vec<u8>>,
    seen: BTreeSet<String>,
}

impl Assertions {
    pub(super) fn register(&mut self, certificate: &AzureCertificate) {
        for thumbprint in certificate.thumbprints() {
            self.keys.insert(thumbprint, certificate.public_key.clone());
        }
    }

    /// What is wrong with an assertion: the number and the text of the authority's error.
    pub(super) fn verify(&mut self, assertion: &str, audience: &str) -> Result<(), (u32, &'static str)> {
        const MALFORMED: (u32, &str) = (50027, "JWT token is invalid or malformed.");
        const WRONG_KEY: (u32, &str) =
            (700_027, "Client assertion failed signature validation: the key was not found.");
        let (signed, signature) = assertion.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, claims) = signed.split_once('.').ok_or(MALFORMED)?;
        let read = |part: &str| -> Option<Value> {
            serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok()
        };
        let (header, claims) = (read(header).ok_or(MALFORMED)?, read(claims).ok_or(MALFORMED)?);
        let algorithm = match header["alg"].as_str() {
            Some("PS256") => &RSA_PSS_2048_8192_SHA256,
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            _ => return Err((5_002_723, "Invalid JWT token. Unsupported algorithm.")),
        };
        let named = header["x5t#S256"].as_str().or(header["x5t"].as_str()).unwrap_or_default();
        // MSAL pads it
        let named = named.trim_end_matches('=');
        let thumbprint = BASE64URL_NOPAD.decode(named.as_bytes()).map_err(|_| MALFORMED)?;
        let key = self.keys.get(&thumbprint).ok_or(WRONG_KEY)?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| MALFORMED)?;
        let key = UnparsedPublicKey::new(algorithm, key);
        key.verify(signed.as_bytes(), &signature).map_err(|_| WRONG_KEY)?;
        self.judge(&claims, audience)
    }

    fn judge(&mut self, claims: &Value, audience: &str) -> Result<(), (u32, &'static str)> {
        let says = |name: &str, value: &str| claims[name].as_str() == Some(value);
        if !says("iss", Azure::CLIENT) || !says("sub", Azure::CLIENT) {
            return Err((700_021, "Client assertion application identifier doesn't match 'client_id'."));
        }
        if !says("aud", audience) {
            return Err((700_023, "Client assertion audience claim does not match Realm issuer."));
        }
        // a NumericDate may have a fraction (RFC 7519, 2)
        let time = |name: &str| claims[name].as_f64().unwrap_or(0.0) as i64;
        if time("exp") <= now() || time("exp") > now() + LONGEST || time("nbf") > now() + 60 {
            return Err((700_024, "Client assertion is not within its valid time range."));
        }
        let id = claims["jti"].as_str().unwrap_or_default();
        if id.is_empty() || !self.seen.insert(id.to_owned()) {
            return Err((50027, "JWT token is invalid: its id was seen before."));
        }
        Ok(())
    }
}
