//! What ties the steps of one login together: state, nonce, and the proof key (RFC 7636).

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};
use subrosa_provider::{ErrorKind, ProviderError};
use subrosa_secret::SecretValue;
use zeroize::Zeroizing;

/// 256 random bits as a text of 43 letters, the least that a verifier may have.
pub(crate) fn word() -> Result<String, ProviderError> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    getrandom::fill(&mut *bytes)
        .map_err(|error| ProviderError::new(ErrorKind::Unavailable, format!("no random numbers: {error}")))?;
    Ok(BASE64URL_NOPAD.encode(&*bytes))
}

/// A verifier and its challenge.
pub(crate) struct Proof {
    pub(crate) verifier: SecretValue,
    pub(crate) challenge: String,
}

impl Proof {
    pub(crate) fn new() -> Result<Self, ProviderError> {
        Ok(Self::of(Zeroizing::new(word()?.into_bytes())))
    }

    fn of(verifier: Zeroizing<Vec<u8>>) -> Self {
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(&*verifier));
        let verifier = SecretValue::from_zeroizing(verifier).expect("43 letters are no long value");
        Self { verifier, challenge }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let proof = Proof::of(Zeroizing::new(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_vec()));
        assert_eq!(proof.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn words_are_of_256_bits_and_never_the_same() {
        let (one, other) = (word().expect("random"), word().expect("random"));
        assert_eq!((one.len(), BASE64URL_NOPAD.decode(one.as_bytes()).expect("base64url").len()), (43, 32));
        assert_ne!(one, other);
    }
}
