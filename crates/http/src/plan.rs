//! What a request needs, known before anything is looked up, and the way from there to the filled request.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use subrosa_secret::{Destination, Deviation, Name, Placement, SecretValue};
use zeroize::Zeroizing;

use crate::assemble::{self, PlannedHeader, PlannedValue};
use crate::auth::{Credentials, SharedSession};
use crate::body::{BodyKind, PlannedPiece};
use crate::connection::{Connection, Protocol};
use crate::cookie::{CookieJar, Site};
use crate::draft::RequestDraft;
use crate::error::HttpError;
use crate::framing::{self, Framed, Framing};
use crate::header::{is_token, refused};
use crate::payload::{Payload, Piece};
use crate::proxy_plan::PlannedProxy;
use crate::request::{Expect, Injected, Request};
use crate::target::{Target, plan_url};
use crate::template::{MalformedUse, Scanned, Template};
use crate::text::{Sink, Text};
use crate::values::Values;

/// A body of more bytes than this is announced before it is sent (curl's EXPECT_100_THRESHOLD).
const ASKED_FROM: u64 = 1 << 20;

/// One reference of a request and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedUse {
    /// The secret that it names.
    pub name: Name,
    /// What kind of place it is, for the secret's policy.
    pub placement: Placement,
    /// The place for people: `URL query`, `header Authorization`, `-u user:password`, `body` ...
    pub place: String,
    /// Who gets it: what the URL says, or a proxy on the way there.
    pub destination: Destination,
}

/// A request whose every reference and whose destination are known, without a single value.
///
/// The caller judges each of [`Plan::uses`] against its destination, then fills. A plan is bound to the
/// [`Connection`] that it was made with, and so is the filled request: what was judged is what is used.
pub struct Plan {
    method: String,
    destination: Destination,
    uses: Vec<PlannedUse>,
    malformed: Vec<MalformedUse>,
    headers: Vec<PlannedHeader>,
    target: Target,
    body: Option<Vec<PlannedPiece>>,
    framing: Framing,
    uploads: bool,
    is_form: bool,
    expect_timeout: Duration,
    proxy: Option<PlannedProxy>,
    jar: Option<CookieJar>,
    session: SharedSession,
    raw: bool,
    ignores_length: bool,
    connection: Arc<Connection>,
}

impl Plan {
    pub(crate) fn of(draft: &RequestDraft, connection: &Arc<Connection>) -> Result<Self, HttpError> {
        let method = method(draft)?;
        let mut malformed = Vec::new();
        let url = plan_url(draft, &mut malformed)?;
        let body = match draft.body_to_send() {
            Some(body) => Some(body.pieces(content_type(draft), &mut malformed)?),
            None => None,
        };
        let proxy = connection.proxy_for(&url.origin);
        let forwarder = proxy.filter(|_| connection.forwards(&url.origin));
        let headers = assemble::headers(draft, &url.origin, url.userinfo, forwarder, &mut malformed)?;
        let planned = |proxy| PlannedProxy::of(proxy, connection, &url.origin, &mut malformed);
        let proxy = proxy.map(planned).transpose()?;
        let mut deviations = connection.deviations(&url.origin);
        if framing::is_foreign_host(&draft.headers, &url.origin) || url.target.names_a_host() {
            deviations.push(Deviation::ForeignHost);
        }
        let ends_on_loopback = connection.ends_on_loopback(&url.origin);
        let destination = Destination { origin: url.origin, deviations, ends_on_loopback };
        let uses = Uses { host: &destination, proxy: proxy.as_ref() };
        let uses = uses.of(&url.target, &headers, body.as_deref());
        let framing = framing::check(&draft.headers, framed(draft), !uses.is_empty())?;
        // RFC 9112, 6.1: no chunks for those who speak HTTP/1.0
        if framing.chunked && connection.options().protocol == Protocol::Http10 {
            return Err(HttpError::LengthUnknown);
        }
        Ok(Self {
            method,
            destination,
            uses,
            malformed,
            headers,
            target: url.target,
            body,
            framing,
            uploads: draft.body_to_send().is_some_and(|body| body.kind() == BodyKind::Upload),
            is_form: draft.body_to_send().is_some_and(|body| body.parts().is_some()),
            expect_timeout: draft.expect_timeout,
            proxy,
            jar: draft.jar.clone(),
            session: draft.session.clone().unwrap_or_default(),
            raw: draft.raw,
            ignores_length: draft.ignores_length,
            connection: connection.clone(),
        })
    }

    /// Where the request goes, how it is trusted and by which route.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The proxy that it goes through, if there is one.
    #[must_use]
    pub fn proxy(&self) -> Option<&Destination> {
        self.proxy.as_ref().map(|proxy| &proxy.destination)
    }

    /// Every reference, in the order URL, headers, body, proxy.
    #[must_use]
    pub fn uses(&self) -> &[PlannedUse] {
        &self.uses
    }

    /// What looks like a reference and is none; while there is one, [`Plan::fill`] refuses.
    #[must_use]
    pub fn malformed(&self) -> &[MalformedUse] {
        &self.malformed
    }

    /// The URL as it is asked for, references unfilled: for people and for `-w`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.destination.origin, String::from_utf8_lossy(&self.target.written()))
    }

    /// The method that will be sent.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    pub(crate) fn planned_headers(&self) -> &[PlannedHeader] {
        &self.headers
    }

    pub(crate) fn planned_body(&self) -> Option<&[PlannedPiece]> {
        self.body.as_deref()
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Puts the values in the places of their references. What is inserted is never looked at again.
    ///
    /// # Errors
    /// A reference is malformed or has no value, a value cannot stand where its reference stands, or a
    /// Content-Length that the user wrote is not the body's.
    pub fn fill(&self, values: &dyn Values) -> Result<Request, HttpError> {
        if let Some(malformed) = self.malformed.first() {
            return Err(HttpError::MalformedReference {
                place: malformed.place.clone(),
                fault: malformed.fault.to_string(),
            });
        }
        let target = self.target.fill(values)?;
        let body = self.body.as_deref().map(|pieces| fill_body(pieces, values)).transpose()?;
        let length = body.as_ref().map_or(Some(0), Payload::length);
        if self.framing.claimed_length.is_some_and(|claimed| Some(claimed) != length) {
            return Err(refused("Content-Length", "it is not the length of the body"));
        }
        let path = String::from_utf8_lossy(&target);
        let site = Site::new(&self.destination.origin, &path);
        let mut headers = Vec::with_capacity(self.headers.len());
        let (mut credentials, mut answer_at) = (None, 0);
        for header in &self.headers {
            let value = match &header.value {
                PlannedValue::Answer(methods, parts) => {
                    let filled = Credentials::fill(*methods, parts, values)?;
                    credentials = Some((Arc::new(filled), self.session.clone()));
                    answer_at = headers.len();
                    None
                }
                PlannedValue::Cookies(jar, given) => fill_cookies(jar, given.as_ref(), &site, values)?,
                value => Some(fill_header(value, length.unwrap_or(0), values)?),
            };
            headers.extend(value.map(|value| (header.name.clone(), value)));
        }
        drop(path);
        Ok(Request {
            method: self.method.clone(),
            origin: self.destination.origin.clone(),
            target,
            headers,
            credentials,
            answer_at,
            is_form: self.is_form,
            chunked: self.framing.chunked,
            expect: if body.is_some() { self.expect(length) } else { Expect::No },
            expect_timeout: self.expect_timeout,
            body,
            must_end_on_loopback: self.destination.ends_on_loopback,
            proxy: self.proxy.as_ref().map(|proxy| proxy.fill(values)).transpose()?,
            proxy_must_end_on_loopback: self.proxy().is_some_and(|proxy| proxy.ends_on_loopback),
            injected: self.injected(values)?,
            jar: self.jar.clone(),
            cookie_path: self.target.path_before_values(),
            raw: self.raw,
            ignores_length: self.ignores_length,
            own_target: self.target.is_own(),
            connection: self.connection.clone(),
        })
    }

    /// As curl 7.88: for every upload that is not empty, else for what is large or endless.
    fn expect(&self, length: Option<u64>) -> Expect {
        match self.framing.expect {
            Some(true) => Expect::AsWritten,
            Some(false) => Expect::No,
            None if self.connection.options().protocol == Protocol::Http10 => Expect::No,
            None if self.uploads && length != Some(0) => Expect::ByItself,
            None if length.is_none_or(|length| length > ASKED_FROM) => Expect::ByItself,
            None => Expect::No,
        }
    }

    /// One copy of each value that went in, to recognise it in what comes back.
    fn injected(&self, values: &dyn Values) -> Result<Vec<Injected>, HttpError> {
        let mut injected: Vec<Injected> = Vec::new();
        for used in &self.uses {
            let in_url = matches!(used.placement, Placement::Query | Placement::Path);
            if let Some(known) = injected.iter_mut().find(|known| known.name == used.name) {
                known.in_url |= in_url;
                known.in_body |= used.placement == Placement::Body;
                known.to_host |= used.destination == self.destination;
                continue;
            }
            let missing = || HttpError::NoValue {
                reference: format!("<<vault:{}>>", used.name),
                place: used.place.clone(),
            };
            let value = values.value(&used.name).ok_or_else(missing)?;
            let value = SecretValue::new(value.expose_secret().to_vec()).map_err(|_| missing())?;
            let in_body = used.placement == Placement::Body;
            let to_host = used.destination == self.destination;
            injected.push(Injected { name: used.name.clone(), value, in_url, in_body, to_host });
        }
        Ok(injected)
    }
}

fn method(draft: &RequestDraft) -> Result<String, HttpError> {
    let method = draft.effective_method();
    if !Scanned::of(&Text::new(method)).references.is_empty() {
        return Err(HttpError::ReferenceNotAllowed { place: "method".to_owned() });
    }
    if is_token(method.as_bytes()) { Ok(method.to_owned()) } else { Err(HttpError::MethodMalformed) }
}

fn framed(draft: &RequestDraft) -> Framed {
    match draft.body_to_send() {
        None => Framed::Nothing,
        Some(body) if body.tells_its_length() => Framed::Counted,
        Some(_) => Framed::Endless,
    }
}

/// The Content-Type that the user wrote, if any.
fn content_type(draft: &RequestDraft) -> Option<&[u8]> {
    draft.headers.iter().find(|field| field.is("Content-Type"))?.written()
}

/// Who gets what.
struct Uses<'a> {
    host: &'a Destination,
    proxy: Option<&'a PlannedProxy>,
}

impl Uses<'_> {
    fn of(
        &self,
        target: &Target,
        headers: &[PlannedHeader],
        body: Option<&[PlannedPiece]>,
    ) -> Vec<PlannedUse> {
        let to_proxy = self.proxy.map_or(self.host, |proxy| &proxy.destination);
        let mut uses = Vec::new();
        target.templates().for_each(|template| note(template, self.host, &mut uses));
        for header in headers {
            let to = if header.to_proxy { to_proxy } else { self.host };
            header.value.templates().iter().for_each(|template| note(template, to, &mut uses));
        }
        let in_body = body.into_iter().flatten().filter_map(PlannedPiece::template);
        in_body.for_each(|template| note(template, self.host, &mut uses));
        let apart = self.proxy.map(PlannedProxy::templates).unwrap_or_default();
        apart.into_iter().for_each(|template| note(template, to_proxy, &mut uses));
        uses
    }
}

fn note(template: &Template, destination: &Destination, uses: &mut Vec<PlannedUse>) {
    uses.extend(template.slots().iter().map(|slot| PlannedUse {
        name: slot.name.clone(),
        placement: slot.rule.placement(),
        place: template.place.to_string(),
        destination: destination.clone(),
    }));
}

/// Text that stands together becomes one piece; text that filling leaves as it is is not copied.
fn fill_body(pieces: &[PlannedPiece], values: &dyn Values) -> Result<Payload, HttpError> {
    if let [PlannedPiece::Text(only)] = pieces
        && let Some(unchanged) = only.unchanged()
    {
        return Ok(Payload::new(vec![Piece::Bytes(unchanged)]));
    }
    let written = |piece: &PlannedPiece| piece.template().map_or(0, |template| template.written().len());
    let mut out = Sink::with_capacity(pieces.iter().map(written).sum());
    let mut filled = Vec::new();
    for piece in pieces {
        match piece {
            PlannedPiece::Text(template) => template.fill(values, &mut out)?,
            PlannedPiece::Encoded(template, encoding) => {
                let mut plain = Sink::default();
                template.fill(values, &mut plain)?;
                let unfit = || refused("Content-Transfer-Encoding", "the content is not ASCII text");
                encoding.write(plain.as_bytes(), &mut out).ok_or_else(unfit)?;
            }
            PlannedPiece::Source(source) => {
                filled.push(Piece::Bytes(Arc::new(std::mem::take(&mut out).into_bytes())));
                filled.push(Piece::Source(source.clone()));
            }
        }
    }
    filled.push(Piece::Bytes(Arc::new(out.into_bytes())));
    Ok(Payload::new(filled))
}

/// Everything after the colon of a header.
pub(crate) fn fill_header(
    value: &PlannedValue,
    length: u64,
    values: &dyn Values,
) -> Result<Zeroizing<Vec<u8>>, HttpError> {
    let mut out = Sink::default();
    match value {
        PlannedValue::Text(template) => template.fill(values, &mut out)?,
        PlannedValue::Length => out.extend(format!(" {length}").as_bytes()),
        PlannedValue::SentRange(part, before) => {
            out.extend(b" bytes ");
            part.fill(values, &mut out)?;
            out.extend(format!("/{}", before + length).as_bytes());
        }
        PlannedValue::Cookies(_, given) => given.iter().try_for_each(|given| given.fill(values, &mut out))?,
        // its own request is not sent with these
        PlannedValue::Answer(..) => {}
        PlannedValue::Basic(templates) => {
            let mut plain = Sink::default();
            templates.iter().try_for_each(|template| template.fill(values, &mut plain))?;
            if !plain.as_bytes().contains(&b':') {
                plain.push(b':');
            }
            out.extend(b" Basic ");
            out.extend(Zeroizing::new(BASE64.encode(plain.as_bytes())).as_bytes());
        }
    }
    Ok(out.into_bytes())
}

/// What the jar has for the request, then what was given; nothing where there is neither.
fn fill_cookies(
    jar: &CookieJar,
    given: Option<&Template>,
    site: &Site<'_>,
    values: &dyn Values,
) -> Result<Option<Zeroizing<Vec<u8>>>, HttpError> {
    let mut cookies = Sink::default();
    jar.header(site, &mut cookies);
    if let Some(given) = given {
        if !cookies.as_bytes().is_empty() {
            cookies.extend(b"; ");
        }
        given.fill(values, &mut cookies)?;
    }
    if cookies.as_bytes().is_empty() {
        return Ok(None);
    }
    let mut out = Sink::with_capacity(cookies.as_bytes().len() + 1);
    out.push(b' ');
    out.extend(cookies.as_bytes());
    Ok(Some(out.into_bytes()))
}
