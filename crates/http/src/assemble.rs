//! The headers of a request in curl's order, and who overrides whom.

use subrosa_secret::Origin;

use crate::auth::AuthMethods;
use crate::body::BodyKind;
use crate::cookie::CookieJar;
use crate::draft::{RangeHeader, RequestDraft};
use crate::error::HttpError;
use crate::framing;
use crate::header::{FieldValue, HeaderField, check_name, refused};
use crate::multipart::Form;
use crate::proxy::Proxy;
use crate::proxy_plan;
use crate::substitute::Rule;
use crate::template::{MalformedUse, Scanned, Slot, Template};
use crate::text::Text;

/// What subrosa calls itself.
pub(crate) const USER_AGENT: &str = concat!("subrosa/", env!("CARGO_PKG_VERSION"));
const BASIC_PLACE: &str = "-u user:password";

/// A header to be sent.
pub(crate) struct PlannedHeader {
    pub(crate) name: String,
    pub(crate) value: PlannedValue,
    /// Whether it is meant for a proxy on the way, and not for the host.
    pub(crate) to_proxy: bool,
}

pub(crate) enum PlannedValue {
    /// Everything after the colon.
    Text(Template),
    /// `Basic` and the Base64 of these.
    Basic(Vec<Template>),
    /// What answers a server's question with these, once it has asked.
    Answer(AuthMethods, Vec<Template>),
    /// The length of the body.
    Length,
    /// `bytes`, this, and the length of what the body and so many bytes before it make.
    SentRange(Template, u64),
    /// What the jar has for the request, and what was given.
    Cookies(CookieJar, Option<Template>),
}

impl PlannedHeader {
    pub(crate) fn new(name: &str, value: PlannedValue) -> Self {
        Self { name: name.to_owned(), value, to_proxy: false }
    }

    pub(crate) fn for_proxy(self) -> Self {
        Self { to_proxy: true, ..self }
    }
}

impl PlannedValue {
    pub(crate) fn templates(&self) -> &[Template] {
        match self {
            Self::Text(template) => std::slice::from_ref(template),
            Self::Basic(templates) | Self::Answer(_, templates) => templates,
            Self::SentRange(template, _) | Self::Cookies(_, Some(template)) => std::slice::from_ref(template),
            Self::Length | Self::Cookies(_, None) => &[],
        }
    }
}

/// The headers as curl 7.88 orders them: Host, Authorization, Range, User-Agent, Accept, Accept-Encoding, Referer,
/// Transfer-Encoding, Cookie, a condition, the user's own, Content-Length, Content-Type; for a proxy that forwards the
/// request also its own.
pub(crate) fn headers(
    draft: &RequestDraft,
    origin: &Origin,
    userinfo: Option<Vec<Template>>,
    forwarder: Option<&Proxy>,
    malformed: &mut Vec<MalformedUse>,
) -> Result<Vec<PlannedHeader>, HttpError> {
    let body = draft.body_to_send();
    let is_endless = body.is_some_and(|body| !body.tells_its_length());
    let mut assembly = Assembly { draft, headers: Vec::new(), malformed };
    assembly.host(origin)?;
    assembly.headers.extend(forwarder.and_then(proxy_plan::authorization));
    if let Some(basic) = draft.basic_auth.as_ref().map(|text| assembly.basic(text)).or(userinfo) {
        let value = match draft.auth {
            methods if methods.is_basic() => PlannedValue::Basic(basic),
            methods => PlannedValue::Answer(methods, basic),
        };
        assembly.unless_named("Authorization", value);
    }
    assembly.range()?;
    match &draft.user_agent {
        Some(text) => assembly.option("User-Agent", Some(text))?,
        None => assembly.default("User-Agent", USER_AGENT),
    }
    let json = draft.body.as_ref().is_some_and(|body| body.kind() == BodyKind::Json);
    if !json {
        assembly.default("Accept", "*/*");
    }
    if let Some(codings) = &draft.accept_encoding {
        assembly.default("Accept-Encoding", codings);
    }
    assembly.option("Referer", draft.referer.as_ref())?;
    if let Some(proxy) = forwarder
        && !draft.names_header(proxy_plan::CONNECTION)
    {
        assembly.headers.extend(proxy_plan::keep_alive(proxy));
    }
    if is_endless {
        assembly.default("Transfer-Encoding", "chunked");
    }
    assembly.cookies()?;
    if let Some(condition) = draft.condition.as_ref().filter(|field| !draft.names_header(field.name())) {
        assembly.field(condition)?;
    }
    assembly.own()?;
    if let Some(proxy) = forwarder {
        let own = proxy_plan::own_headers(proxy, assembly.malformed)?;
        assembly.headers.extend(own);
    }
    if json {
        assembly.default("Content-Type", "application/json");
        assembly.default("Accept", "application/json");
    }
    if let Some(body) = body {
        if !is_endless && !framing::asks_for_chunks(&draft.headers) {
            assembly.unless_named("Content-Length", PlannedValue::Length);
        }
        match body.parts() {
            Some(form) => assembly.form(form)?,
            None if body.kind() == BodyKind::Form => {
                assembly.default("Content-Type", "application/x-www-form-urlencoded");
            }
            None => {}
        }
    }
    Ok(assembly.headers)
}

struct Assembly<'a> {
    draft: &'a RequestDraft,
    headers: Vec<PlannedHeader>,
    malformed: &'a mut Vec<MalformedUse>,
}

impl Assembly<'_> {
    fn push(&mut self, name: &str, value: PlannedValue) {
        self.headers.push(PlannedHeader::new(name, value));
    }

    fn unless_named(&mut self, name: &str, value: PlannedValue) {
        if !self.draft.names_header(name) {
            self.push(name, value);
        }
    }

    fn default(&mut self, name: &str, value: &str) {
        self.unless_named(name, PlannedValue::Text(Template::fixed(format!(" {value}"))));
    }

    /// The value of an option such as `-A`; an empty one sends nothing.
    fn option(&mut self, name: &str, value: Option<&Text>) -> Result<(), HttpError> {
        let Some(value) = value.filter(|value| !value.as_bytes().is_empty()) else { return Ok(()) };
        if !self.draft.names_header(name) {
            self.field(&HeaderField::new(name, value.clone()))?;
        }
        Ok(())
    }

    fn range(&mut self) -> Result<(), HttpError> {
        let (name, value) = match &self.draft.range {
            None => return Ok(()),
            Some(RangeHeader::Wanted(part)) => {
                let text = part.with_bytes([b" bytes=", part.as_bytes()].concat());
                ("Range", PlannedValue::Text(self.header_text("Range", &text)?))
            }
            Some(RangeHeader::Sent { part, before }) => {
                let template = self.header_text("Content-Range", part)?;
                ("Content-Range", PlannedValue::SentRange(template, before.unwrap_or(0)))
            }
        };
        self.unless_named(name, value);
        Ok(())
    }

    /// A Cookie header of the user's takes the place of what `-b` gave, and stands beside the jar's.
    fn cookies(&mut self) -> Result<(), HttpError> {
        let draft = self.draft;
        let Some(jar) = &draft.jar else { return self.option("Cookie", draft.cookies.as_ref()) };
        let given = draft.cookies.as_ref().filter(|_| !draft.names_header("Cookie"));
        let given = given.filter(|text| !text.as_bytes().is_empty());
        let given = given.map(|text| self.header_text("Cookie", text)).transpose()?;
        self.push("Cookie", PlannedValue::Cookies(jar.clone(), given));
        Ok(())
    }

    /// The Host header is always the first, also when the user wrote it.
    fn host(&mut self, origin: &Origin) -> Result<(), HttpError> {
        if let Some(own) = self.draft.headers.iter().find(|field| field.is("Host")) {
            return self.field(own);
        }
        self.default("Host", &authority(origin));
        Ok(())
    }

    /// The user's headers in the user's order. That of a form says what parts them, and stands elsewhere.
    fn own(&mut self) -> Result<(), HttpError> {
        let draft = self.draft;
        let parted = draft.body_to_send().is_some_and(|body| body.parts().is_some());
        let elsewhere = |field: &&HeaderField| field.is("Host") || (parted && field.is("Content-Type"));
        draft.headers.iter().filter(|field| !elsewhere(field)).try_for_each(|field| self.field(field))
    }

    /// The type of a form, which may be the user's, with its boundary.
    fn form(&mut self, form: &Form) -> Result<(), HttpError> {
        let own = self.draft.headers.iter().find(|field| field.is("Content-Type"));
        let written = match own.map(|field| &field.value) {
            Some(FieldValue::Removed) => return Ok(()),
            Some(FieldValue::Text(text)) => Some(text.trimmed()),
            Some(FieldValue::Empty) | None => None,
        };
        self.field(&HeaderField::new("Content-Type", form.content_type(written)))
    }

    fn field(&mut self, field: &HeaderField) -> Result<(), HttpError> {
        self.headers.extend(planned_field(field, "header", self.malformed)?);
        Ok(())
    }

    fn header_text(&mut self, name: &str, text: &Text) -> Result<Template, HttpError> {
        if text.as_bytes().iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(refused(name, "its value holds a line break or another control character"));
        }
        Ok(Template::new(text, &format!("header {name}"), Rule::Header, self.malformed))
    }

    /// `user:password`, split at the first colon outside of references.
    fn basic(&mut self, text: &Text) -> Vec<Template> {
        let scanned = Scanned::of(text);
        let masked = scanned.masked(text.as_bytes(), b'v');
        let colon = masked.iter().position(|byte| *byte == b':').unwrap_or(0);
        let rule = |span: &std::ops::Range<usize>| {
            if span.end <= colon { Rule::BasicUser } else { Rule::BasicPassword }
        };
        let faults = scanned.malformed.into_iter();
        self.malformed.extend(faults.map(|fault| MalformedUse { place: BASIC_PLACE.to_owned(), fault }));
        let slots = scanned.references.into_iter();
        let slots = slots.map(|(name, span)| Slot { rule: rule(&span), name, span }).collect();
        vec![Template::with_slots(text, 0..text.as_bytes().len(), slots, BASIC_PLACE)]
    }
}

/// A header that the user wrote; `None` for one that is not to be sent.
pub(crate) fn planned_field(
    field: &HeaderField,
    what: &str,
    malformed: &mut Vec<MalformedUse>,
) -> Result<Option<PlannedHeader>, HttpError> {
    if !Scanned::of(&Text::new(field.name())).references.is_empty() {
        return Err(HttpError::ReferenceNotAllowed { place: format!("{what} name") });
    }
    check_name(field.name())?;
    let template = match &field.value {
        FieldValue::Removed => return Ok(None),
        FieldValue::Empty => Template::fixed(""),
        FieldValue::Text(text) => {
            if text.as_bytes().iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
                return Err(refused(
                    field.name(),
                    "its value holds a line break or another control character",
                ));
            }
            Template::new(text, &format!("{what} {}", field.name()), Rule::Header, malformed)
        }
    };
    Ok(Some(PlannedHeader::new(field.name(), PlannedValue::Text(template))))
}

/// Host and port as a Host header has them: the port only if it is not the scheme's own.
pub(crate) fn authority(origin: &Origin) -> String {
    if origin.port == origin.scheme.default_port() {
        origin.host.to_string()
    } else {
        format!("{}:{}", origin.host, origin.port)
    }
}
