//! Which format a file is of, by its content.

mod foreign;
mod json;
mod lines;

use crate::text::{check_encoding, check_len};
use crate::{Format, InterchangeError};

/// How much of a file is looked at to tell text from anything else.
const SNIFFED: usize = 8 << 10;
const AGE: &[u8] = b"age-encryption.org/";
const AGE_ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The format of a file, by its content. Where that fits several formats, the file's name decides between these; it
/// never makes a file something that it does not look like.
///
/// Files of other programs that are known, but cannot be read, are told by their name. Binary files are refused by
/// their first bytes, whatever their length.
///
/// # Errors
/// [`InterchangeError::Unsupported`], [`InterchangeError::Unrecognised`], [`InterchangeError::Ambiguous`],
/// [`InterchangeError::NearMiss`] and what is wrong with a text that is none.
pub fn detect(bytes: &[u8], name_hint: Option<&str>) -> Result<Format, InterchangeError> {
    check_len(bytes)?;
    if bytes.starts_with(AGE) || bytes.trim_ascii_start().starts_with(AGE_ARMOR) {
        return Ok(Format::Age);
    }
    foreign::check(bytes, name_hint)?;
    check_encoding(bytes)?;
    check_first_bytes(bytes)?;
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes).trim_ascii_start();
    let json = match bytes.first() {
        None => return Err(InterchangeError::Unrecognised),
        Some(b'{' | b'[') => json::detect(bytes)?,
        Some(_) => None,
    };
    match json {
        Some(format) => Ok(format),
        None => {
            let named = name_hint.and_then(named);
            by_name(lines::candidates(bytes, named)?, named)
        }
    }
}

/// Refuses what does not begin as text does. A character may be cut where the look ends.
fn check_first_bytes(bytes: &[u8]) -> Result<(), InterchangeError> {
    let first = &bytes[..bytes.len().min(SNIFFED)];
    let not_utf8 =
        str::from_utf8(first).err().filter(|error| error.error_len().is_some() || first.len() == bytes.len());
    let at = first.iter().position(|byte| *byte == 0);
    match at.or_else(|| not_utf8.map(|error| error.valid_up_to())) {
        Some(at) => Err(InterchangeError::NotText { at }),
        None => Ok(()),
    }
}

/// The one candidate, or the one that the file's name speaks for.
fn by_name(candidates: Vec<Format>, named: Option<Format>) -> Result<Format, InterchangeError> {
    let named = named.filter(|format| candidates.contains(format));
    match (candidates.as_slice(), named) {
        ([], _) => Err(InterchangeError::Unrecognised),
        ([one], _) => Ok(*one),
        (_, Some(one)) => Ok(one),
        _ => Err(InterchangeError::Ambiguous { candidates }),
    }
}

/// What a file is by its name.
fn named(name: &str) -> Option<Format> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("env") => Some(Format::Dotenv),
        Some("json") => Some(Format::Json),
        Some("yaml" | "yml") => Some(Format::Yaml),
        Some("toml") => Some(Format::Toml),
        _ if file.starts_with(".env") => Some(Format::Dotenv),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: &[u8]) -> &'static str {
        match detect(bytes, None) {
            Ok(format) => format.as_str(),
            Err(error) => error.kind(),
        }
    }

    #[test]
    fn age_is_told_by_its_first_line() {
        assert_eq!(kind(b"age-encryption.org/v1\n-> X25519 abc\n\xff\xff"), "age");
        assert_eq!(kind(b"\n-----BEGIN AGE ENCRYPTED FILE-----\nYWdl"), "age");
    }

    #[test]
    fn a_name_decides_between_candidates_only() {
        let both = b"A='x\\u0041'\n";
        assert!(matches!(
            detect(both, None),
            Err(InterchangeError::Ambiguous { candidates }) if candidates == [Format::Dotenv, Format::Toml]
        ));
        assert_eq!(detect(both, Some("x/.env.local")).unwrap(), Format::Dotenv);
        assert_eq!(detect(both, Some("x/prod.env")).unwrap(), Format::Dotenv);
        assert_eq!(detect(both, Some("C:\\a.TOML")).unwrap(), Format::Toml);
        assert!(detect(both, Some("a.yaml")).is_err());
        assert_eq!(detect(b"A=x", Some("a.toml")).unwrap(), Format::Dotenv);
    }

    #[test]
    fn nothing_and_prose_are_nothing() {
        for text in ["", " \n", "\u{feff}", "# only a remark\n", "Dear all,\nplease", "\"text\"", "12"] {
            assert_eq!(kind(text.as_bytes()), "format_unrecognised", "{text:?}");
        }
    }

    #[test]
    fn the_errors_name_candidates() {
        let unknown = detect(b"?", None).unwrap_err().to_string();
        assert!(Format::ALL.iter().all(|format| unknown.contains(format.as_str())), "{unknown}");
        let ambiguous = detect(b"A='x\\u0041'\n", None).unwrap_err().to_string();
        assert_eq!(ambiguous, "the file can be read as dotenv, toml, and its content does not tell which");
    }

    #[test]
    fn hostile_i89_encodings_are_told_and_a_mark_is_skipped() {
        assert_eq!(kind(b"\xef\xbb\xbfA=b"), "dotenv");
        assert_eq!(kind(b"\xef\xbb\xbf {\"a\": 1}"), "json");
        assert_eq!(kind(b"\xff\xfeA\0=\0b\0"), "encoding");
        assert_eq!(kind(b"{\0\"\0"), "encoding");
    }

    #[test]
    fn hostile_i88_junk_is_refused_by_its_first_bytes() {
        let mut junk = vec![b'x'; 200 << 20];
        junk[..4].copy_from_slice(b"\x7fELF");
        junk[100] = 0;
        assert_eq!(kind(&junk), "not_text");
        // text of no format: one look at its first line
        junk[..4].copy_from_slice(b"abcd");
        junk[100] = b'x';
        assert_eq!(kind(&junk), "format_unrecognised");
        // a cut character at the end of the look is none that is wrong
        let mut long = vec![b'A'; SNIFFED - 1];
        long.extend("é=1".as_bytes());
        assert_eq!(kind(&long), "format_unrecognised");
    }

    #[test]
    fn hostile_i88_a_nesting_bomb_is_no_json() {
        assert_eq!(kind("[".repeat(10 << 20).as_bytes()), "malformed");
        assert_eq!(kind("{\"a\":".repeat(1 << 20).as_bytes()), "malformed");
    }
}
