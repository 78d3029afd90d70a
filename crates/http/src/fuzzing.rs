//! What fuzz targets reach into: the bytes of a filled request, and the readers of what servers send.

use subrosa_secret::Origin;

use crate::auth::{Answer, AuthMethods, ntlm_challenge};
use crate::certificate;
use crate::connection::Connection;
use crate::cookie::{CookieJar, Site};
use crate::decode::Decoder;
use crate::draft::RequestDraft;
use crate::leg::Leg;
use crate::location;
use crate::response::{ResponseHead, Version};
use crate::text::{Sink, Text};

pub use crate::request::Request;
pub use crate::transport::http1::fuzzing::{Body, read_response};

/// The head of a request as it goes over HTTP/1.1.
#[must_use]
pub fn head(request: &Request) -> Vec<u8> {
    Leg::whole(request).head(false).to_vec()
}

/// The body of a request before it is framed, if it is in memory.
#[must_use]
pub fn body(request: &Request) -> Option<Vec<u8>> {
    Some(request.body.as_ref()?.at_hand()?.to_vec())
}

/// The URL that a Location header names in the answer to a request.
#[must_use]
pub fn resolve_location(request: &Request, location: &[u8]) -> Option<Vec<u8>> {
    location::resolve(request, location).map(|url| url.to_vec())
}

/// Whether a certificate's facts can be read; they hold no control characters then.
#[must_use]
pub fn certificate_is_readable(der: &[u8]) -> bool {
    let Some(facts) = certificate::facts(der) else { return false };
    assert!(![facts.subject, facts.issuer].iter().any(|name| name.contains(char::is_control)));
    true
}

/// Decodes a body that comes in these pieces, up to `limit` bytes; `None` for a coding that stays as it is.
///
/// # Errors
/// What of the body cannot be decoded, with what came out before it.
pub fn decode<'p>(
    coding: &[u8],
    pieces: impl IntoIterator<Item = &'p [u8]>,
    limit: usize,
) -> Option<Result<Vec<u8>, Vec<u8>>> {
    let mut decoder = Decoder::for_codings(std::iter::once(coding))?;
    let mut plain = Vec::new();
    for piece in pieces {
        decoder.input(piece);
        loop {
            match decoder.output() {
                Ok(Some(data)) => plain.extend_from_slice(&data),
                Ok(None) => break,
                Err(_) => return Some(Err(plain)),
            }
            if plain.len() > limit {
                return Some(Ok(plain));
            }
        }
    }
    loop {
        match decoder.finish() {
            Ok(Some(data)) => plain.extend_from_slice(&data),
            Ok(None) => return Some(Ok(plain)),
            Err(_) => return Some(Err(plain)),
        }
        if plain.len() > limit {
            return Some(Ok(plain));
        }
    }
}

/// A jar that has read a file, taken what an answer of `https://a.example.com` set, and been written: reading that again
/// gives the same, and no line is anything but a cookie.
pub fn cookies(file: &[u8], set: &[u8]) {
    let jar = CookieJar::new();
    let _ = jar.read(file, false);
    let origin = Origin::of_url("https://a.example.com").expect("an origin");
    let head = ResponseHead {
        version: Version::Http11,
        status: 200,
        reason: String::new(),
        headers: set
            .split(|byte| *byte == b'\n')
            .map(|line| ("set-cookie".to_owned(), line.to_vec()))
            .collect(),
        raw: Vec::new(),
    };
    let site = Site::new(&origin, "/path/");
    jar.absorb(&site, &head);
    let mut sent = Sink::default();
    jar.header(&site, &mut sent);
    assert!(!sent.as_bytes().iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'));
    let written = jar.write();
    let again = CookieJar::new();
    again.read(&written, false).expect("a file of ours");
    assert_eq!(written.len(), again.write().len());
}

/// Answers a 401 with these challenges, one a line, twice: what is told is the value of a header, by no weaker way than
/// was asked for, and not the password itself.
pub fn challenges(lines: &[u8]) {
    const PASSWORD: &str = "made-up-9f2b7c41d8";
    let mut draft = RequestDraft::new("https://a.example.com/path?query");
    draft.basic_auth = Some(Text::literal(format!("DOMAIN\\user:{PASSWORD}")));
    draft.auth = AuthMethods { basic: false, ..AuthMethods::ANY };
    let request = draft.fill(&Connection::plain(), &()).expect("a request");
    let (credentials, session) = request.credentials.as_ref().expect("its credentials");
    let head = ResponseHead {
        version: Version::Http11,
        status: 401,
        reason: String::new(),
        headers: lines
            .split(|byte| *byte == b'\n')
            .map(|line| ("www-authenticate".to_owned(), line.to_vec()))
            .collect(),
        raw: Vec::new(),
    };
    let check = |answer: &[u8], scheme: &str| {
        let text = std::str::from_utf8(answer).expect("text");
        assert!(text.starts_with(scheme) && !text.contains(PASSWORD), "{text}");
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\t'), "{text:?}");
    };
    for _ in 0..2 {
        if let Some(Answer::Header(answer)) = session.answer(credentials, &request, &head) {
            check(&answer, " Digest ");
        }
    }
    if let Some(challenge) = ntlm_challenge(&head)
        && let Ok(answer) = credentials.authenticate(&challenge)
    {
        check(&answer, " NTLM ");
    }
}
