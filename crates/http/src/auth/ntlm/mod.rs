//! NTLM over HTTP (MS-NLMP, MS-NTHT): the three messages of its handshake, NTLMv2 only.
//!
//! The crate that there is for this, `ntlmclient`, keeps passwords in `String`s that print themselves, answers with
//! weaker responses as well, and brings an older generation of the hashes. So the messages stand here, on RustCrypto's.

mod message;
mod response;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::error::HttpError;

pub(crate) use message::Challenge;

/// Everything behind `Authorization:` in the first message, which says nothing of the user.
pub(crate) fn negotiate() -> Zeroizing<Vec<u8>> {
    header(&message::negotiate())
}

impl Challenge {
    /// Everything behind `Authorization:` in answer. `DOMAIN\user` and `DOMAIN/user` name a domain.
    ///
    /// # Errors
    /// No randomness is to be had, or the server wants text that is not ASCII in its own encoding.
    pub(super) fn answer(&self, user: &str, password: &str) -> Result<Zeroizing<Vec<u8>>, HttpError> {
        let (domain, user) = user.split_once(['\\', '/']).unwrap_or(("", user));
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(|error| HttpError::Setup { why: error.to_string() })?;
        let answer = response::respond(self, domain, user, password, nonce, response::now());
        let message = message::authenticate(self, domain, user, &answer)?;
        Ok(header(&message))
    }
}

fn header(message: &[u8]) -> Zeroizing<Vec<u8>> {
    let encoded = Zeroizing::new(BASE64.encode(message));
    Zeroizing::new([b" NTLM ", encoded.as_bytes()].concat())
}
