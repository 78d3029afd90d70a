//! Authentication that answers a server's question: Digest (RFC 7616) and NTLM (MS-NLMP).
//!
//! User and password are planned and filled like a header, and belong to one request: an answer is made for its method
//! and its target, and goes to the host that asked. A redirect to another origin takes neither of them along.

mod digest;
mod ntlm;

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64;
use http_auth::{ChallengeRef, DigestClient, parse_challenges};
use zeroize::Zeroizing;

use crate::error::HttpError;
use crate::header::refused;
use crate::request::Request;
use crate::response::ResponseHead;
use crate::template::Template;
use crate::text::Sink;
use crate::values::Values;

pub(crate) use ntlm::{Challenge, negotiate};

/// The ways in which user and password may be told; of several the best that a server offers counts.
///
/// None of them is Basic, as with curl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::exhaustive_structs, reason = "another way would be another choice for every caller")]
pub struct AuthMethods {
    /// As they are (RFC 7617): `--basic`.
    pub basic: bool,
    /// As the answer to a question, with MD5, SHA-256 or SHA-512/256 (RFC 7616): `--digest`.
    pub digest: bool,
    /// By a handshake that is good for one connection, NTLMv2 only (MS-NLMP): `--ntlm`.
    pub ntlm: bool,
}

impl AuthMethods {
    /// Every way (`--anyauth`).
    pub const ANY: Self = Self { basic: true, digest: true, ntlm: true };

    /// Whether user and password go with the request without being asked for.
    pub(crate) fn is_basic(self) -> bool {
        !self.digest && !self.ntlm
    }

    /// What is chosen before any server was asked, if there is only one choice.
    fn only(self) -> Option<Method> {
        match (self.basic, self.digest, self.ntlm) {
            (_, false, false) => Some(Method::Basic),
            (false, true, false) => Some(Method::Digest),
            (false, false, true) => Some(Method::Ntlm),
            _ => None,
        }
    }

    /// The names of the ways, for people.
    pub(crate) fn names(self) -> &'static str {
        match (self.basic, self.digest, self.ntlm) {
            (_, false, false) => "Basic",
            (false, true, false) => "Digest",
            (false, false, true) => "NTLM",
            (true, true, false) => "Digest or Basic",
            (true, false, true) => "NTLM or Basic",
            (false, true, true) => "Digest or NTLM",
            (true, true, true) => "Digest, NTLM or Basic",
        }
    }
}

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Basic,
    Digest,
    Ntlm,
}

/// User and password of a filled request. No `Debug`; wiped when dropped.
pub(crate) struct Credentials {
    methods: AuthMethods,
    user: Zeroizing<String>,
    password: Zeroizing<String>,
    /// Whether they hold something of the vault.
    hold_secret: bool,
}

/// What a chain of requests to one origin has learned of the server.
#[derive(Default)]
pub(crate) struct Session(Mutex<Known>);

#[derive(Default)]
struct Known {
    picked: Option<Method>,
    /// The last question of Digest, which counts its answers.
    digest: Option<DigestClient>,
}

/// What a request is sent with after a server asked.
pub(crate) enum Answer {
    /// Everything behind `Authorization:`.
    Header(Zeroizing<Vec<u8>>),
    /// A handshake comes first.
    Handshake,
}

impl Credentials {
    /// User and password up to and after the first colon, as in Basic.
    pub(crate) fn fill(
        methods: AuthMethods,
        parts: &[Template],
        values: &dyn Values,
    ) -> Result<Self, HttpError> {
        let mut whole = Sink::default();
        parts.iter().try_for_each(|part| part.fill(values, &mut whole))?;
        let whole = whole.into_bytes();
        let colon = whole.iter().position(|byte| *byte == b':').unwrap_or(whole.len());
        let text = |part: &[u8]| match std::str::from_utf8(part) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(refused("Authorization", "user and password are not UTF-8 text")),
        };
        let password = whole.get(colon + 1..).unwrap_or_default();
        let hold_secret = parts.iter().any(|part| !part.slots().is_empty());
        Ok(Self { methods, user: text(&whole[..colon])?, password: text(password)?, hold_secret })
    }

    /// Whether a connection that was opened for the others is as good for these.
    pub(crate) fn are_those(&self, other: &Self) -> bool {
        self.user == other.user && self.password == other.password
    }

    /// Whether a connection may be theirs.
    pub(crate) fn may_handshake(&self) -> bool {
        self.methods.ntlm
    }

    /// Whether what is computed of them could be used to guess something of the vault.
    pub(crate) fn hold_secret(&self) -> bool {
        self.hold_secret
    }

    fn basic(&self) -> Zeroizing<Vec<u8>> {
        let plain = Zeroizing::new([self.user.as_bytes(), b":", self.password.as_bytes()].concat());
        let encoded = Zeroizing::new(BASE64.encode(&plain));
        Zeroizing::new([b" Basic ", encoded.as_bytes()].concat())
    }

    /// Everything behind `Authorization:` in answer to an NTLM challenge.
    pub(crate) fn authenticate(&self, challenge: &Challenge) -> Result<Zeroizing<Vec<u8>>, HttpError> {
        challenge.answer(&self.user, &self.password)
    }
}

impl Session {
    /// The way to go before anything is asked, and the answer to what was asked before.
    pub(crate) fn opening(
        &self,
        credentials: &Credentials,
        request: &Request,
    ) -> (Option<Method>, Option<Zeroizing<Vec<u8>>>) {
        let mut known = self.known();
        let method = known.picked.or(credentials.methods.only());
        let answer = match method {
            Some(Method::Basic) => Some(credentials.basic()),
            Some(Method::Digest) => {
                known.digest.as_mut().and_then(|client| digest::answer(client, credentials, request))
            }
            Some(Method::Ntlm) | None => None,
        };
        (method, answer)
    }

    /// The answer to a 401, where there is one: none if the server asks for nothing that may be told, or says that it was
    /// told the wrong thing.
    ///
    /// Of the ways Digest goes before NTLM, and that before Basic; of several questions of one way the first that can be
    /// answered counts (RFC 7616, 3.7: the server's order), all as in curl.
    pub(crate) fn answer(
        &self,
        credentials: &Credentials,
        request: &Request,
        head: &ResponseHead,
    ) -> Option<Answer> {
        let mut known = self.known();
        let told = known.picked;
        let allowed = credentials.methods;
        let lists: Vec<&str> = head.headers_named("www-authenticate").filter_map(text).collect();
        let asked: Vec<ChallengeRef<'_>> =
            lists.iter().filter_map(|list| parse_challenges(list).ok()).flatten().collect();
        let offers = |name: &str| asked.iter().any(|asked| asked.scheme.eq_ignore_ascii_case(name));
        if let Some(mut client) = asked.iter().filter(|_| allowed.digest).find_map(digest::client) {
            // RFC 7616, 3.3: only a nonce that is too old is worth another answer
            if known.digest.is_some() && !client.stale() {
                return None;
            }
            let answer = digest::answer(&mut client, credentials, request);
            (known.picked, known.digest) = (Some(Method::Digest), Some(client));
            return answer.map(Answer::Header);
        }
        // what a handshake comes to is not asked about: a server that offers it may want one for each request
        if allowed.ntlm && offers("NTLM") {
            known.picked = Some(Method::Ntlm);
            return Some(Answer::Handshake);
        }
        if allowed.basic && offers("Basic") && told != Some(Method::Basic) {
            known.picked = Some(Method::Basic);
            return Some(Answer::Header(credentials.basic()));
        }
        None
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The challenge of NTLM in a 401, and what is no challenge: a bare `NTLM`.
pub(crate) fn ntlm_challenge(head: &ResponseHead) -> Option<Challenge> {
    let mut offers = head.headers_named("www-authenticate").filter_map(text);
    offers.find_map(|offer| {
        let (scheme, token) = offer.trim().split_once(' ')?;
        let token = scheme.eq_ignore_ascii_case("NTLM").then_some(token.trim())?;
        Challenge::parse(&BASE64.decode(token.as_bytes()).ok()?)
    })
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

/// The head of a request for people: what answers a question could be used to guess the password.
pub(crate) fn without_answer(head: &[u8]) -> Zeroizing<Vec<u8>> {
    const RESPONSE: &[u8] = b"response=\"";
    const NAME: &[u8] = b"Authorization: ";
    let mut shown = Zeroizing::new(head.to_vec());
    let mut from = 0;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        // in lower case over HTTP/2
        let is_one = line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        let value = if is_one { &line[NAME.len()..] } else { &[] };
        let hidden = if value.starts_with(b"NTLM ") {
            value.len() - b"NTLM ".len()
        } else if value.starts_with(b"Digest ") {
            let at = value.windows(RESPONSE.len()).position(|part| part == RESPONSE);
            at.map_or(0, |at| value.len() - at - RESPONSE.len())
        } else {
            0
        };
        let start = from + line.len() - hidden;
        let secret = shown[start..].iter_mut().take(hidden);
        secret.take_while(|byte| !matches!(**byte, b'"' | b'\r' | b'\n')).for_each(|byte| *byte = b'*');
        from += line.len();
    }
    shown
}

/// One session for all requests of a chain, as long as it stays where it is.
pub(crate) type SharedSession = Arc<Session>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_hidden_however_its_header_is_spelt() {
        for name in ["Authorization", "authorization"] {
            let head =
                format!("GET / HTTP/2\r\n{name}: Digest a=\"b\", response=\"0123\"\r\nAccept: */*\r\n\r\n");
            let shown = String::from_utf8(without_answer(head.as_bytes()).to_vec()).unwrap();
            assert!(!shown.contains("0123") && shown.ends_with("Accept: */*\r\n\r\n"), "{shown}");
        }
    }
}
