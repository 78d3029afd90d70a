//! The body of a draft: what curl assembles of `-d` and its kin, and the rules for values in it.

use subrosa_secret::Fault;

use crate::error::HttpError;
use crate::header::refused;
use crate::json::{self, Strings};
use crate::multipart::{Form, PartEncoding};
use crate::source::Source;
use crate::substitute::Rule;
use crate::template::{Around, MalformedUse, Scanned, Slot, Template};
use crate::text::Text;

const PLACE: &str = "body";

/// What a body was given as, which decides its default headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyKind {
    /// `-d`, `--data-raw`, `--data-binary`, `--data-urlencode`: a POST with a form's content type.
    Form,
    /// `--json`: a POST with JSON's content type.
    Json,
    /// `-F`: a POST of several parts.
    Multipart,
    /// `-T`: a PUT without a content type.
    Upload,
}

/// A body of one or more pieces.
#[derive(Clone)]
pub struct Body {
    kind: BodyKind,
    segments: Vec<Segment>,
    form: Option<Form>,
}

/// A piece of a body as it is written.
#[derive(Clone)]
pub(crate) struct Segment {
    content: Content,
    style: Style,
}

#[derive(Clone)]
enum Content {
    Text(Text),
    Source(Source),
}

/// How a piece is written, and values in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is; values by the syntax of the whole.
    AsIs,
    /// Encoded for a form.
    Urlencoded,
    /// The content of a part of a form.
    Raw,
    /// The same in an encoding.
    Encoded(PartEncoding),
    /// A header of such a part.
    PartHeader,
}

impl Segment {
    pub(crate) fn text(text: Text, style: Style) -> Self {
        Self { content: Content::Text(text), style }
    }

    pub(crate) fn source(source: Source) -> Self {
        Self { content: Content::Source(source), style: Style::Raw }
    }

    fn written(&self) -> &[u8] {
        match &self.content {
            Content::Text(text) => text.as_bytes(),
            Content::Source(_) => b"",
        }
    }

    fn scanned(&self) -> Scanned {
        match &self.content {
            Content::Text(text) => Scanned::of(text),
            Content::Source(_) => Scanned { references: Vec::new(), malformed: Vec::new() },
        }
    }
}

/// A piece whose references are known.
pub(crate) enum PlannedPiece {
    Text(Template),
    /// Written as text is, then encoded.
    Encoded(Template, PartEncoding),
    Source(Source),
}

impl PlannedPiece {
    pub(crate) fn template(&self) -> Option<&Template> {
        match self {
            Self::Text(template) | Self::Encoded(template, _) => Some(template),
            Self::Source(_) => None,
        }
    }
}

/// How values are written in a body without encoded pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    Form,
    Raw,
}

impl Body {
    /// A body of that kind with nothing in it: `-d ""`.
    #[must_use]
    pub fn new(kind: BodyKind) -> Self {
        Self { kind, segments: Vec::new(), form: None }
    }

    /// A body of that kind that is `text`.
    pub fn of(kind: BodyKind, text: impl Into<Text>) -> Self {
        let mut body = Self::new(kind);
        body.append(text);
        body
    }

    /// What `source` holds, uploaded (`-T`).
    #[must_use]
    pub fn upload(source: Source) -> Self {
        let mut body = Self::new(BodyKind::Upload);
        body.append_source(source);
        body
    }

    /// A form of several parts (`-F`).
    #[must_use]
    pub fn form(form: Form) -> Self {
        Self { form: Some(form), ..Self::new(BodyKind::Multipart) }
    }

    /// Adds the text of one more option: forms join with `&`, anything else directly, as with curl.
    pub fn append(&mut self, text: impl Into<Text>) {
        self.join();
        self.segments.push(Segment::text(text.into(), Style::AsIs));
    }

    /// Adds what is read while it is sent, joined as text is.
    ///
    /// Nobody has looked at it, so the references of a body that holds one are written as in a text of no known
    /// syntax: a caller who does not want that reads it first.
    pub fn append_source(&mut self, source: Source) {
        self.join();
        self.segments.push(Segment::source(source));
    }

    /// Adds `name=content` with the content encoded (`--data-urlencode`), or the content alone.
    ///
    /// References in the content stay references; their values are percent-encoded. The name is sent as written.
    pub fn append_urlencoded(&mut self, name: Option<Text>, content: impl Into<Text>) {
        self.join();
        if let Some(name) = name {
            self.segments.push(Segment::text(name.followed_by(b"="), Style::AsIs));
        }
        self.segments.push(Segment::text(content.into(), Style::Urlencoded));
    }

    fn join(&mut self) {
        if self.kind == BodyKind::Form && !self.segments.is_empty() {
            self.segments.push(Segment::text(Text::literal("&"), Style::AsIs));
        }
    }

    /// What the body was given as.
    #[must_use]
    pub fn kind(&self) -> BodyKind {
        self.kind
    }

    /// A body of the same kind with nothing in it: what is left of one that a redirect drops.
    pub(crate) fn emptied(&self) -> Self {
        Self::new(self.kind)
    }

    pub(crate) fn default_method(&self) -> &'static str {
        if self.kind == BodyKind::Upload { "PUT" } else { "POST" }
    }

    /// The parts of `-F`.
    pub(crate) fn parts(&self) -> Option<&Form> {
        self.form.as_ref()
    }

    /// Whether its length can be told in front of it.
    pub(crate) fn tells_its_length(&self) -> bool {
        let known = |segment: &Segment| match &segment.content {
            Content::Text(_) => true,
            Content::Source(source) => source.length().is_some(),
        };
        match &self.form {
            Some(form) => form.tells_its_length() && form.segments(None).iter().all(known),
            None => self.segments.iter().all(known),
        }
    }

    /// Whether a part of it was a stream and is gone, so that it cannot be sent again.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        let spent =
            |segment: &Segment| matches!(&segment.content, Content::Source(source) if source.is_spent());
        match &self.form {
            Some(form) => form.segments(None).iter().any(spent),
            None => self.segments.iter().any(spent),
        }
    }

    /// The pieces as they go into a URL's query (`-G`).
    ///
    /// # Errors
    /// What is read while it is sent is no part of a URL.
    pub(crate) fn query_templates(
        &self,
        place: &str,
        malformed: &mut Vec<MalformedUse>,
    ) -> Result<Vec<Template>, HttpError> {
        let template = |segment: &Segment| {
            let around = if segment.style == Style::Urlencoded { Around::Urlencoded } else { Around::AsIs };
            match &segment.content {
                Content::Text(text) => Ok(Template::new(text, place, Rule::Query, malformed).around(around)),
                Content::Source(_) => {
                    Err(HttpError::UrlMalformed { why: "a body that is streamed cannot be its query".into() })
                }
            }
        };
        self.segments.iter().map(template).collect()
    }

    /// The pieces as they go into the body of a request with that Content-Type header, if the user gave one.
    ///
    /// # Errors
    /// A reference within an escape sequence of a JSON string; a control character in a header of a part.
    pub(crate) fn pieces(
        &self,
        content_type: Option<&[u8]>,
        malformed: &mut Vec<MalformedUse>,
    ) -> Result<Vec<PlannedPiece>, HttpError> {
        let of_form = self.form.as_ref().map(|form| form.segments(content_type));
        let segments = of_form.as_deref().unwrap_or(&self.segments);
        let scanned: Vec<_> = segments.iter().map(Segment::scanned).collect();
        let faults = scanned.iter().flat_map(|scanned| scanned.malformed.iter().cloned());
        malformed.extend(faults.map(|fault: Fault| MalformedUse { place: PLACE.to_owned(), fault }));
        let syntax = self.syntax(content_type, &scanned);
        let mut strings = Strings::default();
        let mut pieces = Vec::with_capacity(segments.len());
        for (segment, scanned) in segments.iter().zip(scanned) {
            let text = match &segment.content {
                Content::Source(source) => {
                    pieces.push(PlannedPiece::Source(source.clone()));
                    continue;
                }
                Content::Text(text) => text,
            };
            if segment.style == Style::PartHeader && text.as_bytes().iter().any(u8::is_ascii_control) {
                return Err(refused("of a part", "it holds a line break or another control character"));
            }
            let slots = slots(segment, scanned, syntax, &mut strings)?;
            let template = Template::with_slots(text, 0..text.as_bytes().len(), slots, PLACE);
            pieces.push(match segment.style {
                Style::Urlencoded => PlannedPiece::Text(template.around(Around::Urlencoded)),
                Style::Encoded(encoding) => PlannedPiece::Encoded(template, encoding),
                Style::AsIs | Style::Raw | Style::PartHeader => PlannedPiece::Text(template),
            });
        }
        Ok(pieces)
    }

    /// JSON by declaration or by looks; else what the declaration or curl's default says.
    fn syntax(&self, content_type: Option<&[u8]>, scanned: &[Scanned]) -> Syntax {
        let declared = content_type.map(media_type);
        if self.form.is_some() {
            return Syntax::Raw;
        }
        if self.kind == BodyKind::Json || declared.as_deref().is_some_and(is_json) {
            return Syntax::Json;
        }
        if self.segments.iter().any(|segment| segment.style == Style::Urlencoded) {
            return Syntax::Form;
        }
        if scanned.iter().any(|scanned| !scanned.references.is_empty()) && self.looks_like_json(scanned) {
            return Syntax::Json;
        }
        match declared.as_deref() {
            None if self.kind == BodyKind::Form => Syntax::Form,
            Some("application/x-www-form-urlencoded") => Syntax::Form,
            _ => Syntax::Raw,
        }
    }

    fn looks_like_json(&self, scanned: &[Scanned]) -> bool {
        let mut whole = zeroize::Zeroizing::new(Vec::new());
        for (segment, scanned) in self.segments.iter().zip(scanned) {
            // digits are valid inside of strings and, as a number, outside of them
            whole.extend_from_slice(&scanned.masked(segment.written(), b'1'));
        }
        json::is_document(&whole)
    }
}

fn slots(
    segment: &Segment,
    scanned: Scanned,
    syntax: Syntax,
    strings: &mut Strings,
) -> Result<Vec<Slot>, HttpError> {
    let bytes = segment.written();
    let mut done = 0;
    let mut slots = Vec::with_capacity(scanned.references.len());
    for (name, span) in scanned.references {
        let rule = match (segment.style, syntax) {
            (Style::Urlencoded, _) => Rule::Urlencoded,
            (Style::PartHeader, _) => Rule::PartHeader,
            (Style::Raw | Style::Encoded(_), _) | (Style::AsIs, Syntax::Raw) => Rule::Raw,
            (Style::AsIs, Syntax::Form) => Rule::Form,
            (Style::AsIs, Syntax::Json) => {
                strings.follow(&bytes[done..span.start]);
                if strings.is_in_escape() {
                    return Err(HttpError::MalformedReference {
                        place: PLACE.to_owned(),
                        fault: "an escape sequence (\\) stands unfinished before it".to_owned(),
                    });
                }
                if strings.is_inside() { Rule::JsonString } else { Rule::JsonValue }
            }
        };
        done = span.end;
        slots.push(Slot { name, span, rule });
    }
    if syntax == Syntax::Json {
        strings.follow(&bytes[done..]);
    }
    Ok(slots)
}

/// The media type without parameters, in lower case.
fn media_type(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
    String::from_utf8_lossy(value[..end].trim_ascii()).to_ascii_lowercase()
}

/// `application/json`, `application/problem+json`, `application/x-ndjson`, `text/json` ...
fn is_json(media_type: &str) -> bool {
    let subtype = media_type.rsplit('/').next().unwrap_or_default();
    subtype.ends_with("json") || subtype == "json-seq"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(body: &Body, content_type: Option<&str>) -> Vec<Rule> {
        let pieces = body.pieces(content_type.map(str::as_bytes), &mut Vec::new()).unwrap();
        let templates = pieces.iter().filter_map(PlannedPiece::template);
        templates.flat_map(|template| template.slots().iter().map(|slot| slot.rule)).collect()
    }

    fn form(text: &str) -> Body {
        Body::of(BodyKind::Form, text)
    }

    #[test]
    fn the_rule_follows_the_text_and_its_type() {
        let json = r#"{"a": "<<vault:x>>", "n": <<vault:y>>}"#;
        assert_eq!(rules(&form(json), None), [Rule::JsonString, Rule::JsonValue]);
        assert_eq!(rules(&form(json), Some("text/plain")), [Rule::JsonString, Rule::JsonValue]);
        assert_eq!(rules(&form("a=<<vault:x>>"), None), [Rule::Form]);
        assert_eq!(rules(&form("<<vault:x>>"), None), [Rule::Form]);
        assert_eq!(rules(&form("<<vault:x>>"), Some("text/plain")), [Rule::Raw]);
        assert_eq!(rules(&form("<<vault:x>>"), Some("Application/JSON; charset=utf-8")), [Rule::JsonValue]);
        assert_eq!(
            rules(&form("{\"a\": \"<<vault:x>>\"}\n{}"), Some("application/x-ndjson")),
            [Rule::JsonString]
        );
        assert_eq!(rules(&Body::of(BodyKind::Upload, "<a><<vault:x>></a>"), None), [Rule::Raw]);
        assert_eq!(rules(&Body::of(BodyKind::Json, "\"<<vault:x>>"), None), [Rule::JsonString]);
    }

    #[test]
    fn strings_are_followed_across_pieces_and_references() {
        let mut body = Body::of(BodyKind::Json, "{\"a\": \"<<vault:x>>");
        body.append(Text::literal("<<vault:not>>\", \"b\": "));
        body.append("<<vault:y>>, \"c\": \"{{vault:z}}\"}");
        assert_eq!(rules(&body, None), [Rule::JsonString, Rule::JsonValue, Rule::JsonString]);
    }

    #[test]
    fn encoded_pieces_keep_their_references() {
        let mut body = Body::new(BodyKind::Form);
        body.append("a=<<vault:x>>");
        body.append_urlencoded(Some("b".into()), "c d <<vault:y>>");
        assert_eq!(rules(&body, None), [Rule::Form, Rule::Urlencoded]);
    }

    #[test]
    fn an_escape_sequence_would_swallow_the_beginning_of_a_value() {
        for text in
            [r#"{"a": "\<<vault:x>>"}"#, r#"{"a": "\u00<<vault:x>>"}"#, r#"{"a": "\u<<vault:x>>0041"}"#]
        {
            let pieces = form(text).pieces(Some(b"application/json"), &mut Vec::new());
            assert_eq!(pieces.err().unwrap().kind(), "malformed_reference", "{text}");
        }
    }
}
