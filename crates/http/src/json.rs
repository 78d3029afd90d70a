//! Where in a JSON text a reference stands, and how a value is written there (RFC 8259).

use serde::de::IgnoredAny;

use crate::text::Sink;

/// Follows a text far enough to know whether it is inside a string. Works on any text that has JSON's strings:
/// several documents in a row, or one with mistakes.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Strings {
    inside: bool,
    after_backslash: bool,
}

impl Strings {
    pub(crate) fn follow(&mut self, text: &[u8]) {
        for byte in text {
            match byte {
                _ if self.after_backslash => self.after_backslash = false,
                b'\\' if self.inside => self.after_backslash = true,
                b'"' => self.inside = !self.inside,
                _ => {}
            }
        }
    }

    pub(crate) fn is_inside(self) -> bool {
        self.inside
    }

    /// The next character would be escaped: a value put here would lose its first one.
    pub(crate) fn is_after_backslash(self) -> bool {
        self.after_backslash
    }
}

/// Whether `text` is one JSON value.
pub(crate) fn is_value(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Whether `text` is a JSON object, array or string: what nobody writes as anything else.
pub(crate) fn is_document(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) && is_value(text)
}

/// Writes text as the inside of a JSON string: only what RFC 8259, 7 requires is escaped.
pub(crate) fn escape(text: &[u8], out: &mut Sink) {
    for byte in text {
        match byte {
            b'"' => out.extend(b"\\\""),
            b'\\' => out.extend(b"\\\\"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            0..=0x1f => {
                let digits = b"0123456789abcdef";
                out.extend(b"\\u00");
                out.extend(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
            }
            _ => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Strings {
        let mut strings = Strings::default();
        strings.follow(text.as_bytes());
        strings
    }

    #[test]
    fn strings_are_followed_through_escapes() {
        assert!(!after(r#"{"a": "#).is_inside());
        assert!(after(r#"{"a": ""#).is_inside());
        assert!(after(r#"{"a": "\""#).is_inside());
        assert!(!after(r#"{"a": "\\""#).is_inside());
        assert!(after(r#"{"a": "x\"#).is_after_backslash());
        assert!(!after(r#"{"a": "x\\"#).is_after_backslash());
        assert!(!after(r"\").is_after_backslash());
    }

    #[test]
    fn escaped_text_reads_back() {
        let every: String = (0..0x3000).filter_map(char::from_u32).collect();
        let mut out = Sink::default();
        out.push(b'"');
        escape(every.as_bytes(), &mut out);
        out.push(b'"');
        assert_eq!(serde_json::from_slice::<String>(out.as_bytes()).unwrap(), every);
    }

    #[test]
    fn documents_are_told_from_other_text() {
        assert!(is_document(b" {\"a\": [1, null]}"));
        assert!(is_document(b"\"a\""));
        assert!(!is_document(b"1"));
        assert!(!is_document(b"{a=b}"));
        assert!(!is_document(b"[1] [2]"));
    }
}
