//! Digest (RFC 7616, and RFC 2617 for servers that know no better), which is `http-auth`'s.
//!
//! `auth-int` alone is not answered: the body would have to be read before the head is sent, and nobody asks for it.

use http_auth::{ChallengeRef, DigestClient, PasswordParams};
use zeroize::Zeroizing;

use super::Credentials;
use crate::request::Request;

/// The client for a question that can be answered.
pub(super) fn client(asked: &ChallengeRef<'_>) -> Option<DigestClient> {
    let client = DigestClient::try_from(asked).ok()?;
    (client.qop() & http_auth::digest::Qop::Auth).then_some(client)
}

/// Everything behind `Authorization:`. Each answer to one question counts one further.
pub(super) fn answer(
    client: &mut DigestClient,
    credentials: &Credentials,
    request: &Request,
) -> Option<Zeroizing<Vec<u8>>> {
    let uri = std::str::from_utf8(&request.target).ok()?;
    let answer = client.respond(&PasswordParams {
        username: &credentials.user,
        password: &credentials.password,
        uri,
        method: &request.method,
        body: None,
    });
    Some(Zeroizing::new(format!(" {}", Zeroizing::new(answer.ok()?).as_str()).into_bytes()))
}
