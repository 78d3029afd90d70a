//! What a request needs, known before anything is looked up, and the way from there to the filled request.

use std::sync::Arc;

use data_encoding::BASE64;
use subrosa_secret::{Destination, Deviation, Name, Placement, SecretValue};
use zeroize::Zeroizing;

use crate::assemble::{self, PlannedHeader, PlannedValue};
use crate::connection::Connection;
use crate::draft::RequestDraft;
use crate::error::HttpError;
use crate::framing::{self, Framing};
use crate::header::{is_token, refused};
use crate::request::{Injected, Request};
use crate::target::{Target, plan_url};
use crate::template::{MalformedUse, Scanned, Template};
use crate::text::{Sink, Text};
use crate::values::Values;

/// One reference of a request and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedUse {
    /// The secret that it names.
    pub name: Name,
    /// What kind of place it is, for the secret's policy.
    pub placement: Placement,
    /// The place for people: `URL query`, `header Authorization`, `-u user:password`, `body` ...
    pub place: String,
}

/// A request whose every reference and whose destination are known, without a single value.
///
/// The caller judges [`Plan::uses`] against [`Plan::destination`], then fills. A plan is bound to the
/// [`Connection`] that it was made with, and so is the filled request: what was judged is what is used.
pub struct Plan {
    method: String,
    destination: Destination,
    uses: Vec<PlannedUse>,
    malformed: Vec<MalformedUse>,
    headers: Vec<PlannedHeader>,
    target: Target,
    body: Option<Vec<Template>>,
    framing: Framing,
    connection: Arc<Connection>,
}

impl Plan {
    pub(crate) fn of(draft: &RequestDraft, connection: &Arc<Connection>) -> Result<Self, HttpError> {
        let method = method(draft)?;
        let mut malformed = Vec::new();
        let url = plan_url(draft, &mut malformed)?;
        let body = match draft.body_to_send() {
            Some(body) => Some(body.templates(content_type(draft), &mut malformed)?),
            None => None,
        };
        let chunked = framing::asks_for_chunks(&draft.headers);
        let headers = assemble::headers(draft, &url.origin, url.userinfo, chunked, &mut malformed)?;
        let uses = uses(&url.target, &headers, body.as_deref());
        let framing = framing::check(&draft.headers, body.is_some(), !uses.is_empty())?;
        let mut deviations = connection.deviations(&url.origin);
        if framing::is_foreign_host(&draft.headers, &url.origin) {
            deviations.push(Deviation::ForeignHost);
        }
        let ends_on_loopback = connection.ends_on_loopback(&url.origin);
        let destination = Destination { origin: url.origin, deviations, ends_on_loopback };
        Ok(Self {
            method,
            destination,
            uses,
            malformed,
            headers,
            target: url.target,
            body,
            framing,
            connection: connection.clone(),
        })
    }

    /// Where the request goes, how it is trusted and by which route.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Every reference, in the order URL, headers, body.
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
        let body = self.body.as_deref().map(|templates| fill_body(templates, values)).transpose()?;
        let length = body.as_ref().map_or(0, |body| body.len() as u64);
        if self.framing.claimed_length.is_some_and(|claimed| claimed != length) {
            return Err(refused("Content-Length", "it is not the length of the body"));
        }
        let mut headers = Vec::with_capacity(self.headers.len());
        for header in &self.headers {
            headers.push((header.name.clone(), fill_header(&header.value, length, values)?));
        }
        Ok(Request {
            method: self.method.clone(),
            origin: self.destination.origin.clone(),
            target,
            headers,
            body,
            chunked: self.framing.chunked,
            must_end_on_loopback: self.destination.ends_on_loopback,
            injected: self.injected(values)?,
            connection: self.connection.clone(),
        })
    }

    /// One copy of each value that went in, to recognise it in what comes back.
    fn injected(&self, values: &dyn Values) -> Result<Vec<Injected>, HttpError> {
        let mut injected: Vec<Injected> = Vec::new();
        for used in &self.uses {
            let in_url = matches!(used.placement, Placement::Query | Placement::Path);
            if let Some(known) = injected.iter_mut().find(|known| known.name == used.name) {
                known.in_url |= in_url;
                known.in_body |= used.placement == Placement::Body;
                continue;
            }
            let missing = || HttpError::NoValue {
                reference: format!("<<vault:{}>>", used.name),
                place: used.place.clone(),
            };
            let value = values.value(&used.name).ok_or_else(missing)?;
            let value = SecretValue::new(value.expose_secret().to_vec()).map_err(|_| missing())?;
            let in_body = used.placement == Placement::Body;
            injected.push(Injected { name: used.name.clone(), value, in_url, in_body });
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

/// The Content-Type that the user wrote, if any.
fn content_type(draft: &RequestDraft) -> Option<&[u8]> {
    draft.headers.iter().find(|field| field.is("Content-Type"))?.written()
}

fn uses(target: &Target, headers: &[PlannedHeader], body: Option<&[Template]>) -> Vec<PlannedUse> {
    let in_headers = headers.iter().flat_map(|header| match &header.value {
        PlannedValue::Text(template) => std::slice::from_ref(template),
        PlannedValue::Basic(templates) => templates,
        PlannedValue::Length => &[],
    });
    let templates = target.templates().chain(in_headers).chain(body.into_iter().flatten());
    let uses = templates.flat_map(|template| {
        template.slots().iter().map(|slot| PlannedUse {
            name: slot.name.clone(),
            placement: slot.rule.placement(),
            place: template.place.to_string(),
        })
    });
    uses.collect()
}

fn fill_body(templates: &[Template], values: &dyn Values) -> Result<Arc<Zeroizing<Vec<u8>>>, HttpError> {
    if let [only] = templates
        && let Some(unchanged) = only.unchanged()
    {
        return Ok(unchanged);
    }
    let mut out = Sink::with_capacity(templates.iter().map(|template| template.written().len()).sum());
    templates.iter().try_for_each(|template| template.fill(values, &mut out))?;
    Ok(Arc::new(out.into_bytes()))
}

fn fill_header(
    value: &PlannedValue,
    length: u64,
    values: &dyn Values,
) -> Result<Zeroizing<Vec<u8>>, HttpError> {
    let mut out = Sink::default();
    match value {
        PlannedValue::Text(template) => template.fill(values, &mut out)?,
        PlannedValue::Length => out.extend(format!(" {length}").as_bytes()),
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
