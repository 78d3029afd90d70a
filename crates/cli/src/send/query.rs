//! `--url-query`: data that is added to the query of a URL.

use crate::exit::Exit;
use crate::failure::{Failure, Outcome, reason};
use std::ffi::OsString;
use std::fs;
use subrosa_secret::scan;

/// The data as it stands in a query: `+text` as it is, all else as `--data-urlencode` reads it, joined with `&`.
/// References stay references; their values are encoded when they are filled in.
pub(super) fn of(given: &[OsString], references: bool) -> Outcome<Vec<u8>> {
    let mut query = Vec::new();
    for (at, text) in given.iter().enumerate() {
        if at > 0 {
            query.push(b'&');
        }
        let text = text.as_encoded_bytes();
        match text.strip_prefix(b"+") {
            Some(raw) => query.extend(raw),
            None => query.extend(encoded(text, references)?),
        }
    }
    Ok(query)
}

/// `content`, `=content`, `name=content`, `@file`, `name@file`.
fn encoded(text: &[u8], references: bool) -> Outcome<Vec<u8>> {
    let sign = |sign: u8| text.iter().position(|byte| *byte == sign);
    let (name, content) = match (sign(b'='), sign(b'@')) {
        (Some(at), _) => (&text[..at], escape(&text[at + 1..], references)),
        // a file is data: it was often written by somebody else
        (None, Some(at)) => (&text[..at], escape(&file(&text[at + 1..])?, false)),
        (None, None) => (&text[..0], escape(text, references)),
    };
    let sign: &[u8] = if name.is_empty() { b"" } else { b"=" };
    Ok([name, sign, &content].concat())
}

fn file(name: &[u8]) -> Outcome<Vec<u8>> {
    let name = String::from_utf8_lossy(name);
    fs::read(name.as_ref())
        .map_err(|error| Failure::new(Exit::READ_ERROR, format!("cannot read {name}: {}", reason(&error))))
}

/// curl's encoding of a form: a space is `+`, all but RFC 3986's unreserved characters is `%XX`.
fn escape(text: &[u8], references: bool) -> Vec<u8> {
    let spans = if references { scan(text).references } else { Vec::new() };
    let mut escaped = Vec::with_capacity(text.len());
    let mut at = 0;
    for span in spans.into_iter().map(|reference| reference.span) {
        escape_into(&text[at..span.start], &mut escaped);
        escaped.extend(&text[span.clone()]);
        at = span.end;
    }
    escape_into(&text[at..], &mut escaped);
    escaped
}

fn escape_into(text: &[u8], escaped: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b' ' => escaped.push(b'+'),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) => escaped.push(*byte),
            byte => escaped.extend(format!("%{byte:02X}").bytes()),
        }
    }
}

/// The URL with more in its query, in front of a fragment.
pub(super) fn added(url: &[u8], query: &[u8]) -> Vec<u8> {
    if query.is_empty() {
        return url.to_vec();
    }
    let spans = scan(url).references;
    let outside = |at: usize| spans.iter().all(|reference| !reference.span.contains(&at));
    let find = |sign: u8| url.iter().enumerate().position(|(at, byte)| *byte == sign && outside(at));
    let fragment = find(b'#').unwrap_or(url.len());
    let (before, after) = url.split_at(fragment);
    let join: &[u8] = match find(b'?').filter(|at| *at < fragment) {
        None => b"?",
        Some(at) if at + 1 == fragment => b"",
        Some(_) => b"&",
    };
    [before, join, query, after].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(given: &[&str]) -> String {
        let given: Vec<OsString> = given.iter().map(OsString::from).collect();
        String::from_utf8(of(&given, true).unwrap()).unwrap()
    }

    #[test]
    fn data_is_encoded_and_references_stay() {
        assert_eq!(query(&["a=b c", "=x&y", "z/", "+r=1&s"]), "a=b+c&x%26y&z%2F&r=1&s");
        assert_eq!(query(&["key=<<vault:a b>> c", "{{vault:x}}"]), "key=<<vault:a b>>+c&{{vault:x}}");
    }

    #[test]
    fn it_goes_behind_what_is_there_and_before_the_fragment() {
        for (url, expected) in [
            ("http://h/", "http://h/?q"),
            ("http://h/?a", "http://h/?a&q"),
            ("http://h/?", "http://h/?q"),
            ("http://h/#f?", "http://h/?q#f?"),
            ("http://h/?a#f", "http://h/?a&q#f"),
        ] {
            assert_eq!(added(url.as_bytes(), b"q"), expected.as_bytes(), "{url}");
        }
        assert_eq!(added(b"http://h/", b""), b"http://h/");
    }
}
