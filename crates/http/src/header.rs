//! Header fields as curl's `-H` understands them.

use crate::error::HttpError;
use crate::template::Scanned;
use crate::text::Text;

/// What becomes of a header that the user names.
#[derive(Clone)]
pub(crate) enum FieldValue {
    /// Sent with this text, which is everything after the colon: white space in front included.
    Text(Text),
    /// Sent without a value (`-H "Name;"`).
    Empty,
    /// Not sent, not even by default (`-H "Name:"`).
    Removed,
}

/// One header of a draft.
#[derive(Clone)]
pub struct HeaderField {
    pub(crate) name: String,
    pub(crate) value: FieldValue,
}

impl HeaderField {
    /// A header with a value that may hold references. An empty value is sent as one.
    pub fn new(name: impl Into<String>, value: impl Into<Text>) -> Self {
        let value = value.into();
        if value.as_bytes().trim_ascii().is_empty() {
            return Self { name: name.into(), value: FieldValue::Empty };
        }
        let mut spaced = b" ".to_vec();
        spaced.extend_from_slice(value.as_bytes());
        let text = if value.is_literal() { Text::literal(spaced) } else { Text::new(spaced) };
        Self { name: name.into(), value: FieldValue::Text(text) }
    }

    /// Keeps a header that is sent by default from being sent.
    pub fn removed(name: impl Into<String>) -> Self {
        Self { name: name.into(), value: FieldValue::Removed }
    }

    /// The header's name as written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the text of one `-H`: `Name: value`, `Name:` to remove, `Name;` to send it empty.
    ///
    /// A text that is none of these is `None`: curl ignores it without a word.
    ///
    /// # Errors
    /// `ReferenceNotAllowed` for a reference in the name, `HeaderRefused` for a name that is no token.
    pub fn parse(line: &Text) -> Result<Option<Self>, HttpError> {
        let scanned = Scanned::of(line);
        let masked = scanned.masked(line.as_bytes(), b'v');
        let Some(end) = end_of_name(&masked) else {
            return if scanned.references.is_empty() { Ok(None) } else { Err(reference_in_name()) };
        };
        if scanned.references.iter().any(|(_, span)| span.start < end) {
            return Err(reference_in_name());
        }
        if end == 0 {
            return Ok(None);
        }
        let name = String::from_utf8_lossy(&line.as_bytes()[..end]).into_owned();
        check_name(&name)?;
        let value = match masked[end..].trim_ascii() {
            b":" => FieldValue::Removed,
            b";" => FieldValue::Empty,
            _ => FieldValue::Text(line.from(end + 1)),
        };
        Ok(Some(Self { name, value }))
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value as written without surrounding white space; nothing for one that is not sent.
    pub(crate) fn written(&self) -> Option<&[u8]> {
        match &self.value {
            FieldValue::Text(text) => Some(text.as_bytes().trim_ascii()),
            FieldValue::Empty => Some(b""),
            FieldValue::Removed => None,
        }
    }
}

/// Where the name ends: at the first colon, or at a semicolon that is the last character.
fn end_of_name(masked: &[u8]) -> Option<usize> {
    if let Some(colon) = masked.iter().position(|byte| *byte == b':') {
        return Some(colon);
    }
    let semicolon = masked.iter().position(|byte| *byte == b';')?;
    (semicolon + 1 == masked.len()).then_some(semicolon)
}

/// RFC 9110, 5.1: a name is a token. curl would send anything, and let servers disagree on it.
pub(crate) fn check_name(name: &str) -> Result<(), HttpError> {
    if is_token(name.as_bytes()) {
        return Ok(());
    }
    Err(refused(name, "the name holds a character that no header name has"))
}

/// RFC 9110, 5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let special = |byte: &u8| b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || special(byte))
}

pub(crate) fn refused(name: &str, why: &'static str) -> HttpError {
    let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
    HttpError::HeaderRefused { name, why }
}

fn reference_in_name() -> HttpError {
    HttpError::ReferenceNotAllowed { place: "header name".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<HeaderField> {
        HeaderField::parse(&Text::new(line)).unwrap()
    }

    #[test]
    fn the_four_forms_of_a_header() {
        assert!(matches!(parse("X-A: b").unwrap().value, FieldValue::Text(text) if text.as_bytes() == b" b"));
        assert!(matches!(parse("X-A:").unwrap().value, FieldValue::Removed));
        assert!(matches!(parse("X-A:  ").unwrap().value, FieldValue::Removed));
        assert!(matches!(parse("X-A;").unwrap().value, FieldValue::Empty));
        assert!(parse("X-A;  ").is_none());
        assert!(parse("X-A; b").is_none());
        assert!(parse("X-A").is_none());
        assert!(parse("").is_none());
        assert!(parse(":b").is_none());
    }

    #[test]
    fn a_colon_inside_a_reference_is_not_the_end_of_the_name() {
        let field = parse("Authorization: Bearer <<vault:api:token>>").unwrap();
        assert_eq!(field.name(), "Authorization");
        assert_eq!(field.written(), Some(&b"Bearer <<vault:api:token>>"[..]));
    }

    #[test]
    fn hostile_e58_a_reference_in_a_header_name() {
        for line in ["<<vault:x>>: a", "X-<<vault:x>>-Y: a", "<<vault:x>>", "{{vault:x}};"] {
            let error = HeaderField::parse(&Text::new(line)).err().unwrap();
            assert_eq!(error.kind(), "reference_not_allowed", "{line}");
        }
    }

    #[test]
    fn names_are_tokens() {
        for line in ["X A: b", " X: b", "X : b", "X\r\nY: b", "Xä: b", "<<vault:x: y"] {
            assert_eq!(
                HeaderField::parse(&Text::new(line)).err().unwrap().kind(),
                "header_refused",
                "{line:?}"
            );
        }
    }
}
