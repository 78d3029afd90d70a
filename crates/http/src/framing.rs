//! Headers that decide where a message ends, whom it is for and what is stripped on the way. A request's author
//! may set them only as far as they cannot be turned against the secrets that travel beside them.

use subrosa_secret::{Host, Origin};

use crate::error::HttpError;
use crate::header::{FieldValue, HeaderField, refused};
use crate::template::Scanned;

/// Connection options that name no header of the request (RFC 9110, 7.6.1).
const HARMLESS_OPTIONS: [&[u8]; 5] = [b"close", b"keep-alive", b"upgrade", b"te", b"http2-settings"];

/// What the headers of a draft say about framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Framing {
    /// The user asked for `Transfer-Encoding: chunked`.
    pub(crate) chunked: bool,
    /// The user wrote a Content-Length, to be compared with the real one.
    pub(crate) claimed_length: Option<u64>,
    /// The user wrote an Expect, and whether it asks for 100, or took it away.
    pub(crate) expect: Option<bool>,
}

/// What there is to frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framed {
    Nothing,
    /// A body that can be counted beforehand.
    Counted,
    /// A body that goes in chunks, since nobody knows where it ends.
    Endless,
}

/// Judges the framing headers of a request with such a body. `with_secrets`: references stand somewhere in the request.
///
/// # Errors
/// `HeaderRefused`, `ReferenceNotAllowed`.
pub(crate) fn check(fields: &[HeaderField], body: Framed, with_secrets: bool) -> Result<Framing, HttpError> {
    for name in ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect"] {
        no_reference(fields, name)?;
    }
    for name in ["Host", "Content-Length", "Transfer-Encoding"] {
        if fields.iter().filter(|field| field.is(name)).count() > 1 {
            return Err(refused(name, "it is there more than once"));
        }
    }
    let chunked = transfer_encoding(fields, body, with_secrets)?;
    let claimed_length = content_length(fields, body)?;
    if chunked && claimed_length.is_some() {
        return Err(refused("Content-Length", "it contradicts Transfer-Encoding"));
    }
    if with_secrets {
        connection_options(fields)?;
    }
    let expect = fields.iter().find(|field| field.is("Expect"));
    let asks = |field: &HeaderField| {
        field.written().is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
    };
    Ok(Framing { chunked, claimed_length, expect: expect.map(asks) })
}

fn no_reference(fields: &[HeaderField], name: &str) -> Result<(), HttpError> {
    let holds = |field: &HeaderField| match &field.value {
        FieldValue::Text(text) => {
            let scanned = Scanned::of(text);
            !scanned.references.is_empty() || !scanned.malformed.is_empty()
        }
        _ => false,
    };
    match fields.iter().find(|field| field.is(name) && holds(field)) {
        Some(_) => Err(HttpError::ReferenceNotAllowed { place: format!("header {name}") }),
        None => Ok(()),
    }
}

/// Whether the user wrote a Transfer-Encoding, so that no Content-Length is added.
pub(crate) fn asks_for_chunks(fields: &[HeaderField]) -> bool {
    fields.iter().any(|field| field.is("Transfer-Encoding") && field.written().is_some())
}

fn transfer_encoding(fields: &[HeaderField], body: Framed, with_secrets: bool) -> Result<bool, HttpError> {
    const NAME: &str = "Transfer-Encoding";
    let Some(field) = fields.iter().find(|field| field.is(NAME)) else { return Ok(body == Framed::Endless) };
    let Some(value) = field.written() else {
        return match body {
            Framed::Endless => Err(refused(NAME, "without it the body would have no end")),
            _ => Ok(false),
        };
    };
    if with_secrets {
        return Err(refused(NAME, "it cannot be set on a request with secrets"));
    }
    if !value.eq_ignore_ascii_case(b"chunked") || body == Framed::Nothing {
        return Err(refused(NAME, "only chunked, with a body, can be sent"));
    }
    Ok(true)
}

fn content_length(fields: &[HeaderField], body: Framed) -> Result<Option<u64>, HttpError> {
    const NAME: &str = "Content-Length";
    let Some(field) = fields.iter().find(|field| field.is(NAME)) else { return Ok(None) };
    match field.written() {
        None if body == Framed::Counted => Err(refused(NAME, "without it the body would have no end")),
        None => Ok(None),
        Some(digits) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            let text = String::from_utf8_lossy(digits);
            text.parse().map(Some).map_err(|_| refused(NAME, "it is too large"))
        }
        Some(_) => Err(refused(NAME, "it is not a number")),
    }
}

/// `Connection: X-Api-Key` would make a proxy drop that header, or a server read it as its own.
fn connection_options(fields: &[HeaderField]) -> Result<(), HttpError> {
    for name in ["Connection", "Proxy-Connection"] {
        for value in fields.iter().filter(|field| field.is(name)).filter_map(HeaderField::written) {
            for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                if !HARMLESS_OPTIONS.iter().any(|known| known.eq_ignore_ascii_case(option)) {
                    return Err(refused(name, "it names a header to strip from a request with secrets"));
                }
            }
        }
    }
    Ok(())
}

/// Whether the Host header names somebody else than the URL, or nobody.
pub(crate) fn is_foreign_host(fields: &[HeaderField], origin: &Origin) -> bool {
    let Some(field) = fields.iter().find(|field| field.is("Host")) else { return false };
    let text = field.written().and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
    let bracket = text.rfind(']').unwrap_or(0);
    let (host, port) = match text[bracket..].find(':') {
        Some(at) => (&text[..bracket + at], text[bracket + at + 1..].parse().ok()),
        None => (text, Some(origin.scheme.default_port())),
    };
    Host::parse(host).ok().as_ref() != Some(&origin.host) || port != Some(origin.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[&str]) -> Vec<HeaderField> {
        lines.iter().map(|line| HeaderField::parse(&(*line).into()).unwrap().unwrap()).collect()
    }

    fn kind(lines: &[&str], has_body: bool, with_secrets: bool) -> &'static str {
        let body = if has_body { Framed::Counted } else { Framed::Nothing };
        check(&fields(lines), body, with_secrets).map_or_else(|error| error.kind(), |_| "ok")
    }

    #[test]
    fn hostile_e62_framing_headers_cannot_be_abused() {
        assert_eq!(kind(&["Content-Length: 1", "content-length: 1"], true, false), "header_refused");
        assert_eq!(kind(&["Connection: X-Api-Key"], false, true), "header_refused");
        assert_eq!(kind(&["Connection: close, x-api-key"], false, true), "header_refused");
        assert_eq!(kind(&["Proxy-Connection: Authorization"], false, true), "header_refused");
        assert_eq!(kind(&["Transfer-Encoding: chunked"], true, true), "header_refused");
        assert_eq!(kind(&["Content-Length:"], true, false), "header_refused");
        assert_eq!(kind(&["Content-Length: +1"], true, false), "header_refused");
        assert_eq!(kind(&["Content-Length: 1, 1"], true, false), "header_refused");
        assert_eq!(kind(&["Host: a", "Host: b"], false, false), "header_refused");
        assert_eq!(kind(&["Transfer-Encoding: chunked", "Content-Length: 1"], true, false), "header_refused");
        assert_eq!(kind(&["Content-Length: <<vault:x>>"], true, false), "reference_not_allowed");
        assert_eq!(kind(&["Connection: <<vault:x>>"], false, true), "reference_not_allowed");
    }

    #[test]
    fn ordinary_framing_headers_pass() {
        assert_eq!(kind(&["Connection: keep-alive, Upgrade", "Content-Length: 3"], true, true), "ok");
        assert_eq!(kind(&["Connection: X-Api-Key"], false, false), "ok");
        let chunked = fields(&["Transfer-Encoding: chunked"]);
        assert!(check(&chunked, Framed::Counted, false).unwrap().chunked);
    }

    #[test]
    fn a_body_without_an_end_goes_in_chunks() {
        let endless = |lines: &[&str]| check(&fields(lines), Framed::Endless, true);
        assert!(endless(&[]).unwrap().chunked);
        for lines in [["Transfer-Encoding:"], ["Content-Length: 5"], ["Transfer-Encoding: chunked"]] {
            assert_eq!(endless(&lines).err().unwrap().kind(), "header_refused", "{lines:?}");
        }
        assert_eq!(endless(&["Expect:"]).unwrap().expect, Some(false));
        assert_eq!(endless(&["expect: 100-Continue"]).unwrap().expect, Some(true));
    }

    #[test]
    fn hostile_e61_a_foreign_host_is_told_from_another_spelling() {
        let origin = Origin::of_url("https://api.example.com").unwrap();
        let foreign = |line: &str| is_foreign_host(&fields(&[line]), &origin);
        for line in ["Host: api.example.com", "host: API.example.com:443", "Host: api.example.com."] {
            assert!(!foreign(line), "{line}");
        }
        for line in [
            "Host: evil.com",
            "Host: api.example.com:80",
            "Host:",
            "Host;",
            "Host: api.example.com:",
            "Host: a b",
        ] {
            assert!(foreign(line), "{line}");
        }
        let v6 = Origin::of_url("http://[::1]:8080").unwrap();
        assert!(!is_foreign_host(&fields(&["Host: [::1]:8080"]), &v6));
        assert!(is_foreign_host(&fields(&["Host: [::1]"]), &v6));
    }
}
