//! `-J`: the name that a server gives a file.
//!
//! Which part of the header is the name is curl's way, which is simpler than RFC 6266: `filename=` in small letters, up
//! to the closing quote or the next `;`, without the path before it. What the server says is taken for a name and
//! nothing else: no path, no hidden file, no control character.

/// The name in a Content-Disposition header; `None` if there is none, or an error that says what is wrong with it.
pub(super) fn name(header: &[u8]) -> Result<Option<String>, &'static str> {
    let Some(text) = parameter(header) else { return Ok(None) };
    let Some(name) = last_part(text) else { return Ok(None) };
    let name = std::str::from_utf8(name).map_err(|_| "it is not UTF-8 text")?;
    match name {
        "" => Err("it is empty"),
        name if name.starts_with('.') => Err("it begins with a dot"),
        name if name.chars().any(char::is_control) => Err("it holds control characters"),
        name => Ok(Some(name.to_owned())),
    }
}

/// What follows `filename=`.
fn parameter(header: &[u8]) -> Option<&[u8]> {
    let mut rest = header;
    loop {
        let start = rest.iter().position(u8::is_ascii_alphabetic)?;
        rest = &rest[start..];
        if let Some(value) = rest.strip_prefix(b"filename=") {
            return Some(value);
        }
        let end = rest.iter().position(|byte| *byte == b';')?;
        rest = &rest[end..];
    }
}

/// The text up to its end sign, without folders before it; `None` where a folder is all there is.
fn last_part(text: &[u8]) -> Option<&[u8]> {
    let (text, stop) = match text.first() {
        Some(quote @ (b'"' | b'\'')) => (&text[1..], *quote),
        _ => (text, b';'),
    };
    let end = text.iter().position(|byte| *byte == stop).unwrap_or(text.len());
    let text = &text[..end];
    match text.iter().rposition(|byte| matches!(byte, b'/' | b'\\')) {
        Some(at) if at + 1 == text.len() => None,
        Some(at) => Some(&text[at + 1..]),
        None => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_curls() {
        for (header, expected) in [
            ("attachment; filename=x", Some("x")),
            ("attachment; filename=\"../../na me.txt\"", Some("na me.txt")),
            ("attachment; filename=a b;x=y", Some("a b")),
            ("attachment; filename='a;b'; x", Some("a;b")),
            ("filename=foo", Some("foo")),
            ("attachment; filename=\"C:\\x\\y.txt\"", Some("y.txt")),
            // no name that curl takes
            ("attachment; filename=\"a\\\"b.txt\"", None),
            ("attachment; filename*=UTF-8''x", None),
            ("attachment; FileName=x", None),
            ("attachment; filename=a/", None),
            ("attachment", None),
            ("", None),
        ] {
            assert_eq!(name(header.as_bytes()), Ok(expected.map(str::to_owned)), "{header}");
        }
    }

    #[test]
    fn what_is_no_plain_name_is_refused() {
        for header in
            ["filename=.bashrc", "filename=..", "filename=\"\"", "filename=a\x1bb", "filename=x/.ssh"]
        {
            assert!(name(header.as_bytes()).is_err(), "{header:?}");
        }
        assert!(name(b"filename=\xff").is_err());
    }
}
