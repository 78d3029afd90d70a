//! The URL of a draft: who is connected to, and what is asked for there.

use std::ops::Range;

use subrosa_secret::{Origin, Scheme, UrlError, UrlParts};
use zeroize::Zeroizing;

use crate::draft::RequestDraft;
use crate::error::HttpError;
use crate::substitute::{Refusal, Rule};
use crate::template::{Around, MalformedUse, Scanned, Slot, Template};
use crate::text::{Sink, Text};
use crate::values::Values;

const PATH: &str = "URL path";
const QUERY: &str = "URL query";
const OWN_TARGET: &str = "--request-target";
const USERINFO: &str = "URL user:password";

/// Path and query with places for values.
pub(crate) struct Target {
    /// The segments, each written behind a slash.
    path: Vec<Template>,
    query: Option<Vec<Template>>,
    /// What is asked for in place of both (`--request-target`).
    own: Option<Template>,
}

/// Everything that a URL says.
pub(crate) struct UrlPlan {
    pub(crate) origin: Origin,
    /// `user`, `:` and `password` of `user:password@`, decoded.
    pub(crate) userinfo: Option<Vec<Template>>,
    pub(crate) target: Target,
}

/// A URL split into its parts, its references among them.
pub(crate) struct SplitUrl<'a> {
    text: &'a Text,
    masked: Zeroizing<Vec<u8>>,
    references: Vec<(subrosa_secret::Name, Range<usize>)>,
}

/// Reads the URL of `draft`.
pub(crate) fn plan_url(
    draft: &RequestDraft,
    malformed: &mut Vec<MalformedUse>,
) -> Result<UrlPlan, HttpError> {
    let (url, parts) = SplitUrl::of(&draft.url)?;
    if matches!(parts.scheme, Scheme::Ws | Scheme::Wss) {
        return Err(HttpError::SchemeUnsupported { scheme: parts.scheme.as_str() });
    }
    if !draft.schemes.allow(parts.scheme) {
        return Err(HttpError::SchemeExcluded { scheme: parts.scheme.as_str(), flag: "--proto" });
    }
    if draft.refuses_user_in_url && parts.userinfo.is_some() {
        return Err(HttpError::UserInUrl);
    }
    url.no_reference_in_fragment(parts.fragment.clone())?;
    let userinfo = match (&parts.userinfo, &draft.credentials_of) {
        (Some(range), _) => Some(url.userinfo(range.clone(), USERINFO)?),
        (None, Some(earlier)) => credentials(earlier)?,
        (None, None) => None,
    };
    Ok(UrlPlan {
        origin: parts.origin(),
        userinfo,
        target: Target {
            path: url.path(parts.path, draft.path_as_is),
            query: url.query(draft, parts.query, malformed)?,
            own: draft.request_target.as_ref().map(|text| own_target(text, malformed)).transpose()?,
        },
    })
}

/// `--request-target`, references and all: by the rules of a path before the first question mark, by those of a query
/// behind it.
fn own_target(text: &Text, malformed: &mut Vec<MalformedUse>) -> Result<Template, HttpError> {
    let scanned = Scanned::of(text);
    let masked = scanned.masked(text.as_bytes(), b'v');
    if masked.is_empty() || masked.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        let why = "it is empty, or holds a space or a control character";
        return Err(HttpError::OptionMalformed { option: "--request-target", why });
    }
    let faults = scanned.malformed.into_iter();
    malformed.extend(faults.map(|fault| MalformedUse { place: OWN_TARGET.to_owned(), fault }));
    let query = masked.iter().position(|byte| *byte == b'?').unwrap_or(masked.len());
    let rule = |span: &Range<usize>| if span.start < query { Rule::Path } else { Rule::Query };
    let slots = scanned.references.into_iter();
    let slots = slots.map(|(name, span)| Slot { rule: rule(&span), name, span }).collect();
    Ok(Template::with_slots(text, 0..text.as_bytes().len(), slots, OWN_TARGET))
}

/// The `user:password@` of a URL.
pub(crate) fn credentials(text: &Text) -> Result<Option<Vec<Template>>, HttpError> {
    let (url, parts) = SplitUrl::of(text)?;
    parts.userinfo.map(|range| url.userinfo(range, USERINFO)).transpose()
}

impl<'a> SplitUrl<'a> {
    pub(crate) fn of(text: &'a Text) -> Result<(Self, UrlParts), HttpError> {
        let scanned = Scanned::of(text);
        if let Some(fault) = scanned.malformed.first() {
            return Err(HttpError::MalformedReference { place: "URL".to_owned(), fault: fault.to_string() });
        }
        let plain =
            std::str::from_utf8(text.as_bytes()).map_err(|_| malformed_url("it is not UTF-8 text"))?;
        let spans: Vec<_> = scanned.references.iter().map(|(_, span)| span.clone()).collect();
        let parts = UrlParts::split(plain, &spans).map_err(url_error)?;
        let masked = scanned.masked(text.as_bytes(), b'v');
        Ok((Self { text, masked, references: scanned.references }, parts))
    }

    fn template(&self, range: Range<usize>, rule: Rule, place: &str) -> Template {
        let inside = |span: &Range<usize>| range.start <= span.start && span.end <= range.end;
        let slots = self.references.iter().filter(|(_, span)| inside(span));
        let slots = slots.map(|(name, span)| Slot { name: name.clone(), span: span.clone(), rule }).collect();
        Template::with_slots(self.text, range, slots, place)
    }

    /// The fragment is never sent: a reference in it would wait for a value in vain.
    fn no_reference_in_fragment(&self, fragment: Option<Range<usize>>) -> Result<(), HttpError> {
        let Some(fragment) = fragment else { return Ok(()) };
        if self.references.iter().any(|(_, span)| span.start >= fragment.start) {
            return Err(HttpError::ReferenceNotAllowed { place: "URL fragment".to_owned() });
        }
        Ok(())
    }

    /// `user`, `:` and `password`, decoded.
    pub(crate) fn userinfo(&self, range: Range<usize>, place: &str) -> Result<Vec<Template>, HttpError> {
        let masked = &self.masked[range.clone()];
        if crate::percent::decode(masked).contains(&0) {
            return Err(malformed_url("its user or password holds a NUL"));
        }
        let colon = masked.iter().position(|byte| *byte == b':').map_or(range.end, |at| range.start + at);
        let password = (colon + 1).min(range.end)..range.end;
        Ok(vec![
            self.template(range.start..colon, Rule::BasicUser, place).around(Around::Decoded),
            Template::fixed(":"),
            self.template(password, Rule::BasicPassword, place).around(Around::Decoded),
        ])
    }

    /// The path's segments with `.` and `..` resolved as RFC 3986, 5.2.4 does (curl leaves `%2e` alone).
    fn path(&self, range: Range<usize>, as_is: bool) -> Vec<Template> {
        let mut kept: Vec<Range<usize>> = Vec::new();
        let mut start = (range.start + 1).min(range.end);
        loop {
            let rest = &self.masked[start..range.end];
            let end = rest.iter().position(|byte| *byte == b'/').map(|at| start + at);
            let segment = start..end.unwrap_or(range.end);
            let step: &[u8] = if as_is { b"" } else { &self.masked[segment.clone()] };
            match step {
                b"." | b".." => {
                    if step == b".." {
                        kept.pop();
                    }
                    if end.is_none() {
                        kept.push(range.end..range.end);
                    }
                }
                _ => kept.push(segment),
            }
            match end {
                Some(end) => start = end + 1,
                None => break,
            }
        }
        kept.into_iter()
            .map(|segment| self.template(segment, Rule::Path, PATH).around(Around::Path))
            .collect()
    }

    /// The URL's own query, and behind it the data of `-G`.
    fn query(
        &self,
        draft: &RequestDraft,
        range: Option<Range<usize>>,
        malformed: &mut Vec<MalformedUse>,
    ) -> Result<Option<Vec<Template>>, HttpError> {
        let own = range.clone().map(|range| self.template(range, Rule::Query, QUERY));
        let Some(body) = draft.body.as_ref().filter(|_| draft.data_in_query) else {
            return Ok(own.map(|own| vec![own]));
        };
        let data = body.query_templates(QUERY, malformed)?;
        let has_data = data.iter().any(|template| !template.written().is_empty());
        if data.iter().any(Template::holds_space_as_is) {
            return Err(malformed_url("its query holds a space or a control character"));
        }
        let joined = range.is_some_and(|range| !range.is_empty()).then(|| Template::fixed("&"));
        if own.is_none() && !has_data {
            return Ok(None);
        }
        Ok(Some(own.into_iter().chain(joined).chain(data).collect()))
    }
}

impl Target {
    /// What is sent: references in a path that is replaced need no value.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let replaced = self.own.is_some();
        let of_url = self.path.iter().chain(self.query.iter().flatten()).filter(move |_| !replaced);
        of_url.chain(&self.own)
    }

    /// Whether it was given by itself.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Whether it says to whom it is sent, which counts more than a Host header (RFC 9112, 3.2.2), or may do so.
    pub(crate) fn names_a_host(&self) -> bool {
        let own = self.own.as_ref().map(Template::written);
        own.is_some_and(|own| own != b"*" && (!own.starts_with(b"/") || own.starts_with(b"//")))
    }

    /// Path and query with references instead of values.
    pub(crate) fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for segment in &self.path {
            out.push(b'/');
            out.extend_from_slice(segment.written());
        }
        if let Some(query) = &self.query {
            out.push(b'?');
            query.iter().for_each(|template| out.extend_from_slice(template.written()));
        }
        out
    }

    /// The path up to the segment that holds a value, if one does.
    pub(crate) fn path_before_values(&self) -> String {
        let mut out = Sink::default();
        for segment in &self.path {
            out.push(b'/');
            if !segment.slots().is_empty() || segment.fill(&(), &mut out).is_err() {
                break;
            }
        }
        String::from_utf8_lossy(out.as_bytes()).into_owned()
    }

    /// Path and query as they stand in the request line.
    pub(crate) fn fill(&self, values: &dyn Values) -> Result<Zeroizing<Vec<u8>>, HttpError> {
        let mut out = Sink::default();
        if let Some(own) = &self.own {
            own.fill(values, &mut out)?;
            return Ok(out.into_bytes());
        }
        for segment in &self.path {
            out.push(b'/');
            let start = out.as_bytes().len();
            segment.fill(values, &mut out)?;
            if let Some(slot) = segment.slots().first()
                && is_dot_segment(&out.as_bytes()[start..])
            {
                return Err(HttpError::ValueRefused {
                    reference: format!("<<vault:{}>>", slot.name),
                    place: PATH.to_owned(),
                    why: Refusal::DotSegment,
                });
            }
        }
        if let Some(query) = &self.query {
            out.push(b'?');
            query.iter().try_for_each(|template| template.fill(values, &mut out))?;
        }
        Ok(out.into_bytes())
    }
}

/// `.` and `..` in any spelling that a server may decode.
fn is_dot_segment(segment: &[u8]) -> bool {
    matches!(&crate::percent::decode(segment)[..], b"." | b"..")
}

fn malformed_url(why: &str) -> HttpError {
    HttpError::UrlMalformed { why: why.to_owned() }
}

pub(crate) fn url_error(error: UrlError) -> HttpError {
    match error {
        UrlError::ReferenceInAuthority { part, .. } => {
            HttpError::ReferenceNotAllowed { place: format!("URL {part}") }
        }
        other => HttpError::UrlMalformed { why: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> String {
        let plan = plan_url(&RequestDraft::new(url), &mut Vec::new()).unwrap();
        String::from_utf8(plan.target.fill(&()).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn paths_are_written_as_curl_writes_them() {
        let cases = [
            ("", "/"),
            ("/", "/"),
            ("?q=1", "/?q=1"),
            ("/?", "/?"),
            ("/a/../b/./c", "/b/c"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/a//b/../c", "/a//c"),
            ("/../../x", "/x"),
            ("/..", "/"),
            ("/a/..?x=a/../b", "/?x=a/../b"),
            ("//a", "//a"),
            ("/.hidden/..x/...", "/.hidden/..x/..."),
            ("/%2e%2e/a", "/%2e%2e/a"),
            ("/x#frag", "/x"),
            ("/{a}|^`\"<>", "/{a}|^`\"<>"),
            ("/ä?ü", "/%c3%a4?ü"),
        ];
        for (given, sent) in cases {
            assert_eq!(target(&format!("http://h.example{given}")), sent, "{given}");
        }
    }

    #[test]
    fn a_target_of_its_own_takes_the_place_of_path_and_query() {
        let target = |own: &str| {
            let mut draft = RequestDraft::new("http://h.example/a?b=c");
            draft.request_target = Some(own.into());
            let plan = plan_url(&draft, &mut Vec::new()).unwrap();
            (String::from_utf8(plan.target.fill(&()).unwrap().to_vec()).unwrap(), plan.target.names_a_host())
        };
        assert_eq!(target("/x/../y?{z}"), ("/x/../y?{z}".to_owned(), false));
        assert_eq!(target("*"), ("*".to_owned(), false));
        // who gets such a request is not who the URL names
        for own in ["http://evil.example/", "evil.example:80", "//evil.example/", "x"] {
            assert_eq!(target(own), (own.to_owned(), true));
        }
        for wrong in ["", "/a b", "/a HTTP/1.1\r\nX: y", "/\t"] {
            let mut draft = RequestDraft::new("http://h.example/");
            draft.request_target = Some(wrong.into());
            assert!(plan_url(&draft, &mut Vec::new()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_a_url_may_not_have_is_refused() {
        let mut draft = RequestDraft::new("http://me:pass@h.example/");
        draft.refuses_user_in_url = true;
        assert_eq!(plan_url(&draft, &mut Vec::new()).err().unwrap().curl_code(), Some(67));
        draft.refuses_user_in_url = false;
        draft.schemes.http = false;
        assert_eq!(plan_url(&draft, &mut Vec::new()).err().unwrap().curl_code(), Some(1));
        draft.url = "https://h.example/".into();
        assert!(plan_url(&draft, &mut Vec::new()).is_ok());
    }

    #[test]
    fn path_as_is_keeps_every_segment() {
        let mut draft = RequestDraft::new("http://h.example/a/../b/./");
        draft.path_as_is = true;
        let plan = plan_url(&draft, &mut Vec::new()).unwrap();
        assert_eq!(plan.target.fill(&()).unwrap()[..], b"/a/../b/./"[..]);
    }
}
