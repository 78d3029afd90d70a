//! Following redirects without letting a secret travel to where it was not meant for.
//!
//! A chain works on drafts, never on filled requests: a hop takes the draft before it, and what must not go on is
//! taken out of the draft. So nothing that was once removed can come back later in the chain, and every hop is
//! planned, judged and filled anew by the caller.

use subrosa_secret::{Redactor, Scheme, UrlParts};

use crate::body::BodyKind;
use crate::draft::{RangeHeader, RequestDraft};
use crate::error::{BoxError, HttpError, RedirectFault};
use crate::event::{Event, Observer};
use crate::header::{FieldValue, HeaderField};
use crate::location;
use crate::percent;
use crate::plan::Plan;
use crate::request::{Injected, Request};
use crate::response::ResponseHead;
use crate::target;
use crate::template::Scanned;
use crate::text::Text;
use crate::transport::{Client, Clock, Response};

/// What curl allows with `-L` unless `--max-redirs` says otherwise.
pub const DEFAULT_LIMIT: u32 = 50;
/// Of a redirect's own body no more than this is read to keep the connection.
const MAX_DISCARD: u64 = 1 << 20;
/// Literal headers that are meant for one origin: curl drops them too.
const BOUND_TO_ORIGIN: [&str; 4] = ["Host", "Authorization", "Proxy-Authorization", "Cookie"];

/// The caller's part in a chain: watches it, and judges and fills each hop.
pub trait Hops: Observer {
    /// Judges `plan` by the same rules as a first request and fills it.
    ///
    /// # Errors
    /// Whatever must stop the chain.
    fn fill(&mut self, plan: &Plan) -> Result<Request, BoxError>;
}

/// Sends `request`, which was filled from `draft`, and follows redirects up to `limit` times.
///
/// # Errors
/// Those of [`Client::send`]; `TooManyRedirects`, `RedirectRefused`, and `HopRefused` with the caller's error.
pub async fn follow(
    client: &Client,
    draft: &RequestDraft,
    request: Request,
    clock: &Clock,
    limit: u32,
    hops: &mut dyn Hops,
) -> Result<Response, HttpError> {
    let mut chain = Chain::default();
    let (mut draft, mut request) = (draft.clone(), request);
    let mut followed = 0;
    loop {
        let mut response = client.send(&request, clock, hops).await?;
        let (connection, host) = (request.connection.clone(), request.connected_host());
        let Some(next) = chain.next(&draft, request, response.head())? else { return Ok(response) };
        if followed == limit {
            return Err(HttpError::TooManyRedirects { limit });
        }
        followed += 1;
        let scheme = scheme_of(next.url.as_bytes());
        if !next.redirect_schemes.allow(scheme) {
            return Err(HttpError::SchemeExcluded { scheme: scheme.as_str(), flag: "--proto-redir" });
        }
        response.discard(MAX_DISCARD).await;
        response.tell_left(&host, hops);
        hops.event(Event::Redirected { url: next.url.as_bytes() });
        let plan = next.plan(&connection)?;
        request = hops.fill(&plan).map_err(|source| HttpError::HopRefused { source })?;
        draft = next;
    }
}

/// Where a response to a request for `url` would lead, for people and for `-w`; nothing if it is no redirect.
///
/// `url` is that of [`Plan::url`]: references in it are unfilled, and they are in a relative Location's answer.
#[must_use]
pub fn target_of(url: &str, head: &ResponseHead) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let joined = location::join(scheme, authority, target.as_bytes(), location_of(head)?)?;
    Some(String::from_utf8_lossy(&joined).into_owned())
}

/// What a chain of redirects has seen so far.
#[derive(Default)]
struct Chain {
    injected: Vec<Injected>,
}

impl Chain {
    /// The draft of the next hop; `None` if the response is not a redirect.
    fn next(
        &mut self,
        draft: &RequestDraft,
        request: Request,
        head: &ResponseHead,
    ) -> Result<Option<RequestDraft>, HttpError> {
        let Some(location) = location_of(head) else { return Ok(None) };
        let Some(url) = location::resolve(&request, location) else { return Err(unusable()) };
        let origin = std::str::from_utf8(&url).ok().and_then(|url| UrlParts::split(url, &[]).ok());
        let Some(origin) = origin.map(|parts| parts.origin()) else { return Err(unusable()) };
        let stays = origin == request.origin;
        let leaves_tls = request.origin.scheme == Scheme::Https && !origin.scheme.is_encrypted();
        let session = request.credentials.as_ref().map(|(_, session)| session.clone());
        let body_held_secret = request.injected.iter().any(|injected| injected.in_body);
        self.injected.extend(request.injected);

        let stop = |why| Err(HttpError::RedirectRefused { to: origin.to_string(), why });
        if self.is_carried_by(location, stays) {
            return stop(RedirectFault::LocationCarriesSecret);
        }
        if leaves_tls && self.injected.iter().any(|injected| injected.to_host) {
            return stop(RedirectFault::Downgrade);
        }
        let mut next = draft.clone();
        let left = std::mem::replace(&mut next.url, Text::literal(url.to_vec()));
        if matches!(target::credentials(&left), Ok(Some(_))) {
            next.credentials_of = Some(left);
        }
        next.session = session;
        drop_data(&mut next, head.status);
        if !stays {
            if body_held_secret && next.body_to_send().is_some() {
                return stop(RedirectFault::BodyHeldSecret);
            }
            strip(&mut next);
        }
        Ok(Some(next))
    }

    /// Whether `location` repeats a value of this chain, in any spelling.
    ///
    /// On the same origin a value that was part of the URL may stay part of it: a redirect that only adds a
    /// slash would be an error otherwise. A header's value in a URL stops the chain there too.
    fn is_carried_by(&self, location: &[u8], stays: bool) -> bool {
        let watched = self.injected.iter().filter(|injected| !(stays && injected.in_url));
        let redactor = Redactor::new(watched.map(|injected| (injected.name.clone(), &injected.value)));
        let once = percent::decode(location);
        let twice = percent::decode(&once);
        let found = |text: &[u8]| redactor.redact(text).as_ref() != text;
        found(location) || found(&once) || found(&twice)
    }
}

/// That of a Location that was made absolute.
fn scheme_of(url: &[u8]) -> Scheme {
    let is_https = url.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"https:"));
    if is_https { Scheme::Https } else { Scheme::Http }
}

fn unusable() -> HttpError {
    HttpError::RedirectRefused { to: "an unusable URL".to_owned(), why: RedirectFault::Location }
}

fn location_of(head: &ResponseHead) -> Option<&[u8]> {
    let follows = (300..400).contains(&head.status) && head.status != 304;
    head.header("location").filter(|location| follows && !location.is_empty())
}

/// A POST becomes a GET on 301 and 302, and everything on 303, as with curl; a method from `-X` stays.
///
/// The data of `-G` was part of the URL that is left behind.
fn drop_data(draft: &mut RequestDraft, status: u16) {
    let becomes_get = match status {
        301 | 302 => draft.effective_method() == "POST",
        303 => draft.effective_method() != "HEAD",
        _ => false,
    };
    if draft.method_by_status && becomes_get {
        draft.method = None;
    }
    let Some(body) = &draft.body else { return };
    let is_post = body.kind() != BodyKind::Upload;
    let dropped = match status {
        301 => is_post && !draft.kept_post.after_301,
        302 => is_post && !draft.kept_post.after_302,
        303 => !(is_post && draft.kept_post.after_303),
        _ => false,
    };
    if dropped || draft.data_in_query {
        draft.body = Some(body.emptied());
        draft.data_in_query = true;
        draft.headers.retain(|field| !field.is("Content-Length") && !field.is("Transfer-Encoding"));
        draft.range = draft.range.take().and_then(without_body);
    }
}

/// A part from the user (`-r`) is, where nothing is sent any more, the part that is asked for. That of an upload that
/// goes on (`-C`) is gone with the upload.
fn without_body(range: RangeHeader) -> Option<RangeHeader> {
    match range {
        RangeHeader::Sent { before: Some(_), .. } => None,
        RangeHeader::Sent { part, before: None } | RangeHeader::Wanted(part) => {
            Some(RangeHeader::Wanted(part))
        }
    }
}

/// Takes out whatever was filled in, and what is meant for the origin that is left.
fn strip(draft: &mut RequestDraft) {
    draft
        .headers
        .retain(|field| !BOUND_TO_ORIGIN.iter().any(|name| field.is(name)) && !holds_reference(field));
    draft.basic_auth = None;
    draft.credentials_of = None;
    draft.session = None;
    draft.cookies = None;
    draft.request_target = draft.request_target.take().filter(|text| Scanned::of(text).references.is_empty());
    for option in [&mut draft.user_agent, &mut draft.referer] {
        if option.as_ref().is_some_and(|text| !Scanned::of(text).references.is_empty()) {
            *option = None;
        }
    }
}

fn holds_reference(field: &HeaderField) -> bool {
    match &field.value {
        FieldValue::Text(text) => !Scanned::of(text).references.is_empty(),
        FieldValue::Empty | FieldValue::Removed => false,
    }
}
