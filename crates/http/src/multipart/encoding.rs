//! Content-Transfer-Encoding of a part (RFC 2045, 6), byte for byte as curl writes it.

use std::fmt;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::text::Sink;

/// RFC 2045, 6.7 and 6.8: an encoded line has no more characters.
const LINE: usize = 76;

/// How the content of a part is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartEncoding {
    /// As it is.
    Binary,
    /// As it is.
    EightBit,
    /// As it is, which must be ASCII.
    SevenBit,
    /// In lines of 76 characters.
    Base64,
    /// With `=XX` for all but printable ASCII.
    QuotedPrintable,
}

impl PartEncoding {
    /// The encoding of that name, compared without case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Binary, Self::EightBit, Self::SevenBit, Self::Base64, Self::QuotedPrintable];
        all.into_iter().find(|one| one.to_string().eq_ignore_ascii_case(name))
    }

    /// Writes `content`; `None` where it cannot be written so.
    pub(crate) fn write(self, content: &[u8], out: &mut Sink) -> Option<()> {
        match self {
            Self::Binary | Self::EightBit => out.extend(content),
            Self::SevenBit if !content.is_ascii() => return None,
            Self::SevenBit => out.extend(content),
            Self::Base64 => base64(content, out),
            Self::QuotedPrintable => quoted_printable(content, out),
        }
        Some(())
    }
}

impl fmt::Display for PartEncoding {
    /// As in the header.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Binary => "binary",
            Self::EightBit => "8bit",
            Self::SevenBit => "7bit",
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
        })
    }
}

fn base64(content: &[u8], out: &mut Sink) {
    for (at, line) in content.chunks(LINE / 4 * 3).enumerate() {
        if at > 0 {
            out.extend(b"\r\n");
        }
        out.extend(Zeroizing::new(BASE64.encode(line)).as_bytes());
    }
}

fn quoted_printable(content: &[u8], out: &mut Sink) {
    let ends_line = |rest: &[u8]| rest.is_empty() || rest.starts_with(b"\r\n");
    let (mut at, mut column) = (0, 0);
    while let Some(byte) = content.get(at) {
        let rest = &content[at + 1..];
        if content[at..].starts_with(b"\r\n") {
            out.extend(b"\r\n");
            (at, column) = (at + 2, 0);
            continue;
        }
        let is_plain = match byte {
            b'\t' | b' ' => !ends_line(rest),
            b'=' => false,
            byte => byte.is_ascii_graphic(),
        };
        let width = if is_plain { 1 } else { 3 };
        // the last column is the soft break's unless the line ends there by itself
        if column + width > LINE || (column + width == LINE && !ends_line(rest)) {
            out.extend(b"=\r\n");
            column = 0;
            continue;
        }
        if is_plain {
            out.push(*byte);
        } else {
            out.extend(format!("={byte:02X}").as_bytes());
        }
        (at, column) = (at + 1, column + width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(encoding: PartEncoding, content: &str) -> Option<String> {
        let mut out = Sink::default();
        encoding.write(content.as_bytes(), &mut out)?;
        Some(String::from_utf8(out.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn base64_comes_in_lines() {
        let written = |content: &str| written(PartEncoding::Base64, content).unwrap();
        assert_eq!(written(""), "");
        assert_eq!(written("abc"), "YWJj");
        assert_eq!(written(&"x".repeat(57)), "eHh4".repeat(19));
        assert_eq!(written(&"x".repeat(58)), format!("{}\r\neA==", "eHh4".repeat(19)));
    }

    #[test]
    fn quoted_printable_breaks_lines_softly() {
        let written = |content: &str| written(PartEncoding::QuotedPrintable, content).unwrap();
        assert_eq!(written("a=é b\r\nc \r\nd\n\te\t"), "a=3D=C3=A9 b\r\nc=20\r\nd=0A\te=09");
        assert_eq!(written(&"x".repeat(76)), "x".repeat(76));
        assert_eq!(written(&"x".repeat(77)), format!("{}=\r\nxx", "x".repeat(75)));
        assert_eq!(written(&format!("{}=x", "x".repeat(73))), format!("{}=\r\n=3Dx", "x".repeat(73)));
    }

    #[test]
    fn seven_bits_are_ascii() {
        assert_eq!(written(PartEncoding::SevenBit, "é"), None);
        assert_eq!(written(PartEncoding::named("8BIT").unwrap(), "é").unwrap(), "é");
        assert_eq!(PartEncoding::named("uuencode"), None);
    }
}
