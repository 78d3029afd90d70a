//! Percent-encoding, JSON strings and HTML entities, as different writers spell them.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::forms::Spelling;

/// The spellings that are looked for also in large values and in single lines.
pub(super) fn likely(value: &[u8], all: &mut Vec<Spelling>) {
    for hex in [UPPER, LOWER] {
        all.push(percent_with(value, is_unreserved, b"%20", hex));
    }
    if let Ok(text) = std::str::from_utf8(value) {
        all.push(json_with(text, &Json::PLAIN));
        all.push(json_with(text, &Json { slash: true, ..Json::PLAIN }));
    }
}

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

/// Bytes that writers leave as they are in a URL, beside letters and digits.
const KEPT: [&[u8]; 4] = [
    b"-._~!'()*",                    // encodeURIComponent
    b"-._~/",                        // a path
    b"-._~!'()*;/?:@&=+$,#",         // encodeURI
    b"-._~!()*;/?:@&=+$,%[]\\^`{|}", // the query of a WHATWG URL
];

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Percent-encoding by the sets of common writers, and form encoding with `+` for spaces.
pub(super) fn percent(value: &[u8], all: &mut Vec<Spelling>) {
    for hex in [UPPER, LOWER] {
        for kept in KEPT {
            all.push(percent_with(
                value,
                |byte| byte.is_ascii_alphanumeric() || kept.contains(&byte),
                b"%20",
                hex,
            ));
        }
        for kept in [&b"*-._"[..], b"-._~"] {
            all.push(percent_with(
                value,
                |byte| byte.is_ascii_alphanumeric() || kept.contains(&byte),
                b"+",
                hex,
            ));
        }
    }
}

/// Each byte as `%XX`.
pub(super) fn every_byte_percent(value: &[u8], all: &mut Vec<Spelling>) {
    for hex in [UPPER, LOWER] {
        all.push(percent_with(value, |_| false, b"", hex));
    }
}

/// `space` replaces spaces; an empty one has them encoded like any other byte.
fn percent_with(value: &[u8], keep: impl Fn(u8) -> bool, space: &[u8], hex: &[u8; 16]) -> Spelling {
    let mut out = Spelling::new(Vec::with_capacity(value.len() * 3));
    for &byte in value {
        if keep(byte) {
            out.push(byte);
        } else if byte == b' ' && !space.is_empty() {
            out.extend_from_slice(space);
        } else {
            out.extend_from_slice(&[b'%', hex[usize::from(byte >> 4)], hex[usize::from(byte & 15)]]);
        }
    }
    out
}

/// How a writer of JSON escapes, beside what RFC 8259 section 7 demands.
struct Json {
    /// `\/` for slashes.
    slash: bool,
    /// `\n` and the like; else `\u000a`.
    short: bool,
    /// Everything beyond ASCII as `\uXXXX`.
    ascii: bool,
    /// More characters as `\uXXXX`.
    also: &'static str,
    /// Upper-case hexadecimal digits.
    upper: bool,
}

impl Json {
    const PLAIN: Self = Self { slash: false, short: true, ascii: false, also: "", upper: false };
    const HTML_SAFE: &'static str = "<>&\u{2028}\u{2029}";
    const WRITERS: [Self; 8] = [
        Self { ascii: true, ..Self::PLAIN },
        Self { ascii: true, upper: true, ..Self::PLAIN },
        Self { ascii: true, slash: true, ..Self::PLAIN },
        Self { short: false, ..Self::PLAIN },
        Self { short: false, upper: true, ..Self::PLAIN },
        Self { also: Self::HTML_SAFE, ..Self::PLAIN },
        Self { also: "<>&'", ascii: true, slash: true, upper: true, ..Self::PLAIN },
        Self { also: "<>&'+`\"", ascii: true, upper: true, ..Self::PLAIN },
    ];
}

/// JSON strings by the habits of common writers.
pub(super) fn json(text: &str, all: &mut Vec<Spelling>) {
    all.extend(Json::WRITERS.iter().map(|writer| json_with(text, writer)));
}

fn json_with(text: &str, writer: &Json) -> Spelling {
    let mut out = buffer(text.len() * 2);
    for c in text.chars() {
        match c {
            _ if writer.also.contains(c) => unicode(c, writer.upper, &mut out),
            '"' | '\\' => out.extend(['\\', c]),
            '/' if writer.slash => out.push_str("\\/"),
            '\u{8}' if writer.short => out.push_str("\\b"),
            '\t' if writer.short => out.push_str("\\t"),
            '\n' if writer.short => out.push_str("\\n"),
            '\u{c}' if writer.short => out.push_str("\\f"),
            '\r' if writer.short => out.push_str("\\r"),
            _ if c < ' ' || (writer.ascii && !c.is_ascii()) => unicode(c, writer.upper, &mut out),
            _ => out.push(c),
        }
    }
    bytes(out)
}

/// `\uXXXX`, with a surrogate pair where it takes one.
fn unicode(c: char, upper: bool, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        if upper {
            put(out, format_args!("\\u{unit:04X}"));
        } else {
            put(out, format_args!("\\u{unit:04x}"));
        }
    }
}

/// How a writer of HTML spells the characters that it does not leave as they are.
const HTML: [&[(char, &str)]; 8] = [
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#039;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#x27;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&apos;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;"), ('\'', "&#39;"), ('+', "&#43;")],
    &[
        ('&', "&amp;"),
        ('<', "&lt;"),
        ('>', "&gt;"),
        ('"', "&quot;"),
        ('\'', "&#39;"),
        ('/', "&#x2F;"),
        ('`', "&#x60;"),
        ('=', "&#x3D;"),
    ],
];

/// HTML text by the habits of common writers.
pub(super) fn html(text: &str, all: &mut Vec<Spelling>) {
    for entities in HTML {
        let mut out = buffer(text.len() * 2);
        for c in text.chars() {
            match entities.iter().find(|(special, _)| *special == c) {
                Some((_, entity)) => out.push_str(entity),
                None => out.push(c),
            }
        }
        all.push(bytes(out));
    }
}

/// Each character as a JSON escape or an HTML entity.
pub(super) fn every_character(text: &str, all: &mut Vec<Spelling>) {
    for upper in [false, true] {
        let mut out = buffer(text.len() * 6);
        text.chars().for_each(|c| unicode(c, upper, &mut out));
        all.push(bytes(out));
    }
    let writers: [fn(&mut String, u32); 3] = [
        |out, code| put(out, format_args!("&#{code};")),
        |out, code| put(out, format_args!("&#x{code:x};")),
        |out, code| put(out, format_args!("&#x{code:X};")),
    ];
    for write in writers {
        let mut out = buffer(text.len() * 6);
        text.chars().for_each(|c| write(&mut out, u32::from(c)));
        all.push(bytes(out));
    }
}

fn buffer(capacity: usize) -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(capacity))
}

fn bytes(mut text: Zeroizing<String>) -> Spelling {
    Spelling::new(std::mem::take(&mut *text).into_bytes())
}

fn put(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // writing into a string cannot fail
    let _ = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(collect: impl Fn(&mut Vec<Spelling>)) -> Vec<String> {
        let mut all = Vec::new();
        collect(&mut all);
        all.into_iter().map(|s| String::from_utf8(s.to_vec()).unwrap()).collect()
    }

    #[test]
    fn percent_encodings() {
        let all = collected(|all| percent(b"a b+c/\xfc~*", all));
        for expected in ["a%20b%2Bc%2F%FC~*", "a%20b+c/%FC~*", "a+b%2Bc%2F%FC%7E*", "a%20b%2bc/%fc~%2a"] {
            assert!(all.iter().any(|s| s == expected), "{expected} {all:?}");
        }
    }

    #[test]
    fn json_reads_back_as_the_text() {
        let text = "a\"b\\c/d\n\u{1}<é😀>'+`\u{7f}";
        let mut all = collected(|all| json(text, all));
        all.extend(collected(|all| likely(text.as_bytes(), all)).split_off(2));
        all.extend(collected(|all| every_character(text, all)).drain(..2));
        assert_eq!(all.len(), 12);
        for spelling in &all {
            let read: String = serde_json::from_str(&format!("\"{spelling}\"")).unwrap();
            assert_eq!(read, text, "{spelling}");
        }
    }

    #[test]
    fn html_entities() {
        let all = collected(|all| html("a&<'\"+/=", all));
        for expected in
            ["a&amp;&lt;&#x27;&quot;+/=", "a&amp;&lt;&#39;&#34;&#43;/=", "a&amp;&lt;&#39;&quot;+&#x2F;&#x3D;"]
        {
            assert!(all.iter().any(|s| s == expected), "{expected} {all:?}");
        }
        assert!(collected(|all| every_character("aé", all)).contains(&"&#97;&#233;".to_owned()));
        assert!(collected(|all| every_character("aé", all)).contains(&"&#x61;&#xE9;".to_owned()));
    }
}
