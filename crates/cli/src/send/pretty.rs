//! JSON on a terminal: indented and coloured.
//!
//! What comes here is masked already. Only white space between tokens is changed, and no token is rewritten, so an
//! escape stays an escape and no value appears that was not there before; where the new layout as a whole shows a value
//! nonetheless (a secret that is JSON itself, laid out like this), the answer is shown as it came. So is what is no JSON,
//! is longer than a person reads, or takes its time.

use serde::de::IgnoredAny;
use std::time::{Duration, Instant};
use subrosa_secret::Redactor;

/// Longer answers are shown as they come.
const MAX_BYTES: usize = 1 << 20;
/// And so is what is still coming after this.
const PATIENCE: Duration = Duration::from_secs(1);

const NAME: &str = "\u{1b}[34m";
const TEXT: &str = "\u{1b}[32m";
const OTHER: &str = "\u{1b}[36m";
const END: &str = "\u{1b}[0m";

/// A body that is kept until it is complete, or until it turns out not to be worth it.
pub(super) struct Pretty {
    kept: Option<Vec<u8>>,
    started: Instant,
}

impl Pretty {
    pub(super) fn new() -> Self {
        Self { kept: Some(Vec::new()), started: Instant::now() }
    }

    /// Takes a piece; what it returns is to be shown now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some(mut kept) = self.kept.take() else { return bytes.to_vec() };
        kept.extend_from_slice(bytes);
        if kept.len() > MAX_BYTES || self.started.elapsed() > PATIENCE {
            return kept;
        }
        self.kept = Some(kept);
        Vec::new()
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self, redactor: &Redactor) -> Vec<u8> {
        let kept = self.kept.take().unwrap_or_default();
        styled(&kept, redactor).map_or(kept, String::into_bytes)
    }
}

/// The new layout, if the text is one JSON value.
fn styled(text: &[u8], redactor: &Redactor) -> Option<String> {
    serde_json::from_slice::<IgnoredAny>(text).ok()?;
    let text = std::str::from_utf8(text).ok()?;
    let plain = laid_out(text, false);
    (redactor.redact_str(&plain).as_ref() == plain).then(|| laid_out(text, true))
}

/// `text` is valid JSON.
fn laid_out(text: &str, colored: bool) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut rest) = (0usize, text.trim());
    while let Some(letter) = rest.chars().next() {
        let length = token(rest);
        let (word, after) = rest.split_at(length);
        rest = after.trim_start();
        match letter {
            '{' | '[' if rest.starts_with(['}', ']']) => {
                out.push_str(word);
                out.push_str(&rest[..1]);
                rest = rest[1..].trim_start();
            }
            '{' | '[' => {
                depth += 1;
                out.push_str(word);
                line(&mut out, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push_str(word);
            }
            ',' => {
                out.push_str(word);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ if !colored => out.push_str(word),
            _ => {
                let color = match letter {
                    '"' if rest.starts_with(':') => NAME,
                    '"' => TEXT,
                    _ => OTHER,
                };
                out.extend([color, word, END]);
            }
        }
    }
    out.push('\n');
    out
}

/// The length of the token that the text begins with.
fn token(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'"') => {
            let mut at = 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            (at + 1).min(bytes.len())
        }
        Some(b'{' | b'}' | b'[' | b']' | b',' | b':') => 1,
        _ => text.find([',', ':', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(text.len()).max(1),
    }
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use subrosa_secret::{Name, SecretValue};

    fn shown(text: &str, value: &str) -> String {
        let value = SecretValue::new(value.as_bytes().to_vec()).unwrap();
        let redactor = Redactor::new([(Name::parse("key").unwrap(), &value)]);
        let mut pretty = Pretty::new();
        // one byte after the other, masked as a terminal gets it
        let masked = redactor.redact_str(text).into_owned();
        let mut out = Vec::new();
        for byte in masked.bytes() {
            out.extend(pretty.push(&[byte]));
        }
        out.extend(pretty.finish(&redactor));
        String::from_utf8(out).unwrap()
    }

    fn without_colors(text: &str) -> String {
        [NAME, TEXT, OTHER, END].iter().fold(text.to_owned(), |text, code| text.replace(code, ""))
    }

    #[test]
    fn tokens_stay_and_the_space_between_them_changes() {
        let text = "{\"a\":[1,2.50,{}],\"b\\\"\\u0041:,\" :\n{\"c\":null , \"c\":\"x, y: {}\"},\"d\":[ ]}";
        let expected = "{\n  \"a\": [\n    1,\n    2.50,\n    {}\n  ],\n  \"b\\\"\\u0041:,\": {\n    \"c\": null,\n    \"c\": \"x, y: {}\"\n  },\n  \"d\": []\n}\n";
        let out = shown(text, "not in there");
        assert_eq!(without_colors(&out), expected);
        assert!(out.contains("\u{1b}[34m\"a\"\u{1b}[0m: "), "{out:?}");
        assert!(out.contains("\u{1b}[36m2.50\u{1b}[0m"), "{out:?}");
        assert_eq!(without_colors(&shown("  \"x\" ", "not in there")), "\"x\"\n");
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_is() {
        for text in ["", "{", "no json", "{\"a\":1}{\"a\":2}", "[1,]", "\"\u{1}\""] {
            assert_eq!(shown(text, "not in there"), text);
        }
        let long = format!("[\"{}\"]", "x".repeat(MAX_BYTES));
        assert!(shown(&long, "not in there") == long);
    }

    #[test]
    fn a_layout_shows_no_value() {
        // a secret that is JSON, which the answer repeats in another layout
        let value = "{\n  \"id\": 7,\n  \"key\": \"abcdefgh\"\n}";
        let out = without_colors(&shown("{\"id\":7,\"key\":\"abcdefgh\"}", value));
        assert!(!out.contains(value), "{out}");
        // escapes are not resolved
        let out = shown("{\"a\":\"s3cr3t\\u002dvalue\"}", "s3cr3t-value");
        assert!(!out.contains("s3cr3t-value"), "{out}");
        assert!(!shown("{\"a\":\"s3cr3t-value\"}", "s3cr3t-value").contains("s3cr3t-value"));
    }
}
