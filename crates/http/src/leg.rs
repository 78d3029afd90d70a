//! One of the times that a request is sent: as it is, with the answer to what the server asked, or only to be asked.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::auth::Credentials;
use crate::error::HttpError;
use crate::payload::{Payload, PayloadReader};
use crate::proxy_plan::FilledProxy;
use crate::request::{Expect, Request};
use crate::text::Sink;

/// A request on its way.
#[derive(Clone)]
pub(crate) struct Leg<'a> {
    pub(crate) request: &'a Request,
    /// Everything behind `Authorization:`.
    answer: Option<Zeroizing<Vec<u8>>>,
    /// Whether the body stays here until the server has asked.
    is_bare: bool,
    /// Whose connection it goes over, if it is one that a handshake was made on.
    pub(crate) bound: Option<Arc<Credentials>>,
}

impl<'a> Leg<'a> {
    /// The request as it is.
    pub(crate) fn whole(request: &'a Request) -> Self {
        Self { request, answer: None, is_bare: false, bound: None }
    }

    /// The request with an answer.
    pub(crate) fn answering(request: &'a Request, answer: Zeroizing<Vec<u8>>) -> Self {
        Self { answer: Some(answer), ..Self::whole(request) }
    }

    /// The request without its body, as curl sends it where it will be asked something first.
    pub(crate) fn bare(request: &'a Request) -> Self {
        Self { is_bare: request.body.is_some(), ..Self::whole(request) }
    }

    /// The same with this behind `Authorization:`.
    pub(crate) fn with(self, answer: Zeroizing<Vec<u8>>) -> Self {
        Self { answer: Some(answer), ..self }
    }

    /// The same over a connection that is bound to these.
    pub(crate) fn bound_to(self, credentials: Option<Arc<Credentials>>) -> Self {
        Self { bound: credentials, ..self }
    }

    /// Whether a body was left out.
    pub(crate) fn is_bare(&self) -> bool {
        self.is_bare
    }

    /// Whether the server may be asked if it wants the body.
    pub(crate) fn asks(&self) -> bool {
        self.request.expect != Expect::No && !self.is_bare
    }

    /// Whether it may be sent once more when nothing came back.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.is_bare || self.request.is_idempotent()
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.request.chunked && !self.is_bare
    }

    /// The body, if it goes along and is one piece of memory.
    pub(crate) fn body_at_hand(&self) -> Option<&[u8]> {
        self.request.body.as_ref().filter(|_| !self.is_bare).and_then(Payload::at_hand)
    }

    /// Begins to read the body.
    pub(crate) fn open_body(&self) -> Result<PayloadReader, HttpError> {
        let body = self.request.body.as_ref().filter(|_| !self.is_bare);
        body.map(Payload::open).transpose().map(Option::unwrap_or_default)
    }

    /// Whether a header may hold something of the vault, be it computed from it.
    pub(crate) fn is_sensitive(&self) -> bool {
        !self.request.injected.is_empty() || self.answer.is_some()
    }

    /// What answers a question, if it must not be shown.
    pub(crate) fn hides_answer(&self) -> bool {
        let hold_secret = |(credentials, _): &(Arc<Credentials>, _)| credentials.hold_secret();
        self.answer.is_some() && self.request.credentials.as_ref().is_some_and(hold_secret)
    }

    /// Names, and everything after the colon.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let Request { headers, answer_at, .. } = self.request;
        let (before, behind) = headers.split_at((*answer_at).min(headers.len()));
        let answer = self.answer.iter().map(|answer| ("Authorization", &answer[..]));
        let own = |(name, value): &'a (String, Zeroizing<Vec<u8>>)| self.own(name, value);
        before.iter().filter_map(own).chain(answer).chain(behind.iter().filter_map(own)).chain(self.none())
    }

    /// A header as the leg has it.
    fn own(&self, name: &'a str, value: &'a [u8]) -> Option<(&'a str, &'a [u8])> {
        let is = |other: &str| self.is_bare && name.eq_ignore_ascii_case(other);
        let about_parts = self.request.is_form && is("Content-Type");
        match is("Content-Length") {
            true => Some((name, b" 0")),
            false => (!is("Transfer-Encoding") && !is("Expect") && !about_parts).then_some((name, value)),
        }
    }

    /// The length of what has none otherwise.
    fn none(&self) -> Option<(&'a str, &'a [u8])> {
        (self.is_bare && self.request.chunked).then_some(("Content-Length", b" 0"))
    }

    /// The head in the form of HTTP/1.1, as it is sent there and as `-v` shows it (masked by whoever shows it).
    ///
    /// `asks`: with the question whether the body is wanted, which is always the last header.
    pub(crate) fn head(&self, asks: bool) -> Zeroizing<Vec<u8>> {
        const QUESTION: &[u8] = b"Expect: 100-continue\r\n";
        let request = self.request;
        let lines: usize = self.headers().map(|(name, value)| name.len() + value.len() + 3).sum();
        let size = request.method.len() + request.target.len() + lines + QUESTION.len() + 16;
        let mut head = Sink::with_capacity(size);
        head.extend(request.method.as_bytes());
        head.push(b' ');
        if matches!(request.proxy, Some(FilledProxy::Request)) && !request.own_target {
            // RFC 9112, 3.2.2
            head.extend(request.origin.to_string().as_bytes());
        }
        head.extend(&request.target);
        head.extend(if request.is_http10() { b" HTTP/1.0\r\n" } else { b" HTTP/1.1\r\n" });
        for (name, value) in self.headers() {
            head.extend(name.as_bytes());
            head.push(b':');
            head.extend(value);
            head.extend(b"\r\n");
        }
        if asks && request.expect == Expect::ByItself {
            head.extend(QUESTION);
        }
        head.extend(b"\r\n");
        head.into_bytes()
    }
    /// The head as curl shows it over HTTP/2: of `HTTP/2`, with names in lower case but for `Host`, which goes as part
    /// of the target.
    pub(crate) fn head_of_http2(&self) -> Zeroizing<Vec<u8>> {
        let mut head = Sink::with_capacity(self.request.target.len() + 256);
        head.extend(self.request.method.as_bytes());
        head.push(b' ');
        head.extend(&self.request.target);
        head.extend(b" HTTP/2\r\n");
        for (name, value) in self.headers() {
            let lower = name.to_ascii_lowercase();
            head.extend(if lower == "host" { b"Host" } else { lower.as_bytes() });
            head.push(b':');
            head.extend(value);
            head.extend(b"\r\n");
        }
        head.extend(b"\r\n");
        head.into_bytes()
    }
}
