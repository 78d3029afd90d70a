//! Where in a JSON text a reference stands, and how a value is written there (RFC 8259).

use serde::de::IgnoredAny;

use crate::text::Sink;

/// Follows a text far enough to know whether it is inside a string. Works on any text that has JSON's strings:
/// several documents in a row, or one with mistakes.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Strings {
    inside: bool,
    escape: Escape,
}

/// How much of an escape sequence has been seen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Backslash,
    /// `\u` and less than its four digits: so many are missing.
    Digits(u8),
}

impl Strings {
    pub(crate) fn follow(&mut self, text: &[u8]) {
        for byte in text {
            self.escape = match (self.escape, byte) {
                (Escape::Backslash, b'u') => Escape::Digits(4),
                (Escape::Backslash, _) => Escape::None,
                (Escape::Digits(missing), digit) if digit.is_ascii_hexdigit() => match missing {
                    2.. => Escape::Digits(missing - 1),
                    _ => Escape::None,
                },
                (_, b'\\') if self.inside => Escape::Backslash,
                (_, b'"') => {
                    self.inside = !self.inside;
                    Escape::None
                }
                _ => Escape::None,
            };
        }
    }

    pub(crate) fn is_inside(self) -> bool {
        self.inside
    }

    /// The next character would belong to an escape sequence: a value put here would lose its first ones.
    pub(crate) fn is_in_escape(self) -> bool {
        self.escape != Escape::None
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
        assert!(after(r#"{"a": "x\"#).is_in_escape());
        assert!(!after(r#"{"a": "x\\"#).is_in_escape());
        assert!(!after(r"\").is_in_escape());
    }

    #[test]
    fn an_escape_with_digits_ends_with_the_fourth() {
        for text in [r#""\u"#, r#""\u0"#, r#""\u00"#, r#""\u004"#] {
            assert!(after(text).is_in_escape(), "{text}");
        }
        for text in [r#""\u0041"#, r#""\u00 "#, r#""\u00""#, r#""\n00"#, r#""\\u00"#] {
            assert!(!after(text).is_in_escape(), "{text}");
        }
        assert!(!after(r#""\u00""#).is_inside() && after(r#""\u00\""#).is_inside());
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
