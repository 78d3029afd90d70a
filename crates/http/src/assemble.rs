//! The headers of a request in curl's order, and who overrides whom.

use subrosa_secret::Origin;

use crate::body::BodyKind;
use crate::draft::RequestDraft;
use crate::error::HttpError;
use crate::framing;
use crate::header::{FieldValue, HeaderField, check_name, refused};
use crate::multipart::Form;
use crate::substitute::Rule;
use crate::template::{MalformedUse, Scanned, Slot, Template};
use crate::text::Text;

/// What subrosa calls itself.
const USER_AGENT: &str = concat!("subrosa/", env!("CARGO_PKG_VERSION"));
const BASIC_PLACE: &str = "-u user:password";

/// A header to be sent.
pub(crate) struct PlannedHeader {
    pub(crate) name: String,
    pub(crate) value: PlannedValue,
}

pub(crate) enum PlannedValue {
    /// Everything after the colon.
    Text(Template),
    /// `Basic` and the Base64 of these.
    Basic(Vec<Template>),
    /// The length of the body.
    Length,
}

/// The headers as curl 7.88 orders them: Host, Authorization, User-Agent, Accept, Accept-Encoding, Referer,
/// Cookie, the user's own, Content-Length, Content-Type.
pub(crate) fn headers(
    draft: &RequestDraft,
    origin: &Origin,
    userinfo: Option<Vec<Template>>,
    malformed: &mut Vec<MalformedUse>,
) -> Result<Vec<PlannedHeader>, HttpError> {
    let body = draft.body_to_send();
    let is_endless = body.is_some_and(|body| !body.tells_its_length());
    let mut assembly = Assembly { draft, headers: Vec::new(), malformed };
    assembly.host(origin)?;
    if let Some(basic) = draft.basic_auth.as_ref().map(|text| assembly.basic(text)).or(userinfo) {
        assembly.unless_named("Authorization", PlannedValue::Basic(basic));
    }
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
    if is_endless {
        assembly.default("Transfer-Encoding", "chunked");
    }
    assembly.option("Cookie", draft.cookies.as_ref())?;
    assembly.own()?;
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
        self.headers.push(PlannedHeader { name: name.to_owned(), value });
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
        if !Scanned::of(&Text::new(field.name())).references.is_empty() {
            return Err(HttpError::ReferenceNotAllowed { place: "header name".to_owned() });
        }
        check_name(field.name())?;
        let template = match &field.value {
            FieldValue::Removed => return Ok(()),
            FieldValue::Empty => Template::fixed(""),
            FieldValue::Text(text) => {
                if text.as_bytes().iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
                    return Err(refused(
                        field.name(),
                        "its value holds a line break or another control character",
                    ));
                }
                Template::new(text, &format!("header {}", field.name()), Rule::Header, self.malformed)
            }
        };
        self.push(field.name(), PlannedValue::Text(template));
        Ok(())
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

/// Host and port as a Host header has them: the port only if it is not the scheme's own.
pub(crate) fn authority(origin: &Origin) -> String {
    if origin.port == origin.scheme.default_port() {
        origin.host.to_string()
    } else {
        format!("{}:{}", origin.host, origin.port)
    }
}
