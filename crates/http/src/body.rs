//! The body of a draft: what curl assembles of `-d` and its kin, and the rules for values in it.

use subrosa_secret::Fault;

use crate::error::HttpError;
use crate::json::{self, Strings};
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
    /// `-T`: a PUT without a content type.
    Upload,
}

/// A body of one or more pieces.
#[derive(Clone)]
pub struct Body {
    kind: BodyKind,
    segments: Vec<Segment>,
}

#[derive(Clone)]
struct Segment {
    text: Text,
    encoded: bool,
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
        Self { kind, segments: Vec::new() }
    }

    /// A body of that kind that is `text`.
    pub fn of(kind: BodyKind, text: impl Into<Text>) -> Self {
        let mut body = Self::new(kind);
        body.append(text);
        body
    }

    /// Adds the text of one more option: forms join with `&`, anything else directly, as with curl.
    pub fn append(&mut self, text: impl Into<Text>) {
        self.join();
        self.segments.push(Segment { text: text.into(), encoded: false });
    }

    /// Adds `name=content` with the content encoded (`--data-urlencode`), or the content alone.
    ///
    /// References in the content stay references; their values are percent-encoded. The name is sent as written.
    pub fn append_urlencoded(&mut self, name: Option<Text>, content: impl Into<Text>) {
        self.join();
        if let Some(name) = name {
            self.segments.push(Segment { text: name.followed_by(b"="), encoded: false });
        }
        self.segments.push(Segment { text: content.into(), encoded: true });
    }

    fn join(&mut self) {
        if self.kind == BodyKind::Form && !self.segments.is_empty() {
            self.segments.push(Segment { text: Text::literal("&"), encoded: false });
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

    /// The pieces as they go into a URL's query (`-G`).
    pub(crate) fn query_templates(&self, place: &str, malformed: &mut Vec<MalformedUse>) -> Vec<Template> {
        let template = |segment: &Segment| {
            let around = if segment.encoded { Around::Urlencoded } else { Around::AsIs };
            Template::new(&segment.text, place, Rule::Query, malformed).around(around)
        };
        self.segments.iter().map(template).collect()
    }

    /// The pieces as they go into the body of a request with that Content-Type header, if the user gave one.
    ///
    /// # Errors
    /// A reference within an escape sequence of a JSON string.
    pub(crate) fn templates(
        &self,
        content_type: Option<&[u8]>,
        malformed: &mut Vec<MalformedUse>,
    ) -> Result<Vec<Template>, HttpError> {
        let scanned: Vec<_> = self.segments.iter().map(|segment| Scanned::of(&segment.text)).collect();
        let faults = scanned.iter().flat_map(|scanned| scanned.malformed.iter().cloned());
        malformed.extend(faults.map(|fault: Fault| MalformedUse { place: PLACE.to_owned(), fault }));
        let syntax = self.syntax(content_type, &scanned);
        let mut strings = Strings::default();
        let mut templates = Vec::with_capacity(self.segments.len());
        for (segment, scanned) in self.segments.iter().zip(scanned) {
            let slots = slots(segment, scanned, syntax, &mut strings)?;
            let around = if segment.encoded { Around::Urlencoded } else { Around::AsIs };
            let whole = 0..segment.text.as_bytes().len();
            templates.push(Template::with_slots(&segment.text, whole, slots, PLACE).around(around));
        }
        Ok(templates)
    }

    /// JSON by declaration or by looks; else what the declaration or curl's default says.
    fn syntax(&self, content_type: Option<&[u8]>, scanned: &[Scanned]) -> Syntax {
        let declared = content_type.map(media_type);
        if self.kind == BodyKind::Json || declared.as_deref().is_some_and(is_json) {
            return Syntax::Json;
        }
        if self.segments.iter().any(|segment| segment.encoded) {
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
            whole.extend_from_slice(&scanned.masked(segment.text.as_bytes(), b'1'));
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
    let bytes = segment.text.as_bytes();
    let mut done = 0;
    let mut slots = Vec::with_capacity(scanned.references.len());
    for (name, span) in scanned.references {
        let rule = match syntax {
            _ if segment.encoded => Rule::Urlencoded,
            Syntax::Form => Rule::Form,
            Syntax::Raw => Rule::Raw,
            Syntax::Json => {
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
        let templates = body.templates(content_type.map(str::as_bytes), &mut Vec::new()).unwrap();
        templates.iter().flat_map(|template| template.slots().iter().map(|slot| slot.rule)).collect()
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
            let templates = form(text).templates(Some(b"application/json"), &mut Vec::new());
            assert_eq!(templates.err().unwrap().kind(), "malformed_reference", "{text}");
        }
    }
}
